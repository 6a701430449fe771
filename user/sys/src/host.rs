//! What stands in for the kernel on a host: every call is unknown.

use crate::answer::Answer;
use sundog_abi::{Error, Word};

/// Registers of a message before the call and after it.
pub(crate) struct Trap {
    pub(crate) number: Word,
    pub(crate) capability: Word,
    pub(crate) info: Word,
    pub(crate) deadline: Word,
    pub(crate) reply: Word,
}

/// What the kernel left beside the words.
pub(crate) struct Arrived {
    pub(crate) status: Word,
    pub(crate) badge: Word,
    pub(crate) info: Word,
}

/// A call of the kind `invoke`.
pub(crate) fn invoke(_number: Word, _capability: Word, _arguments: [Word; 5]) -> (Word, Answer) {
    (Error::UnknownCall as Word, Answer::default())
}

/// A message with all register words.
pub(crate) fn message(trap: &Trap, words: &mut [Word; 8]) -> Arrived {
    *words = [0; 8];
    unknown(trap)
}

/// A message with four words.
pub(crate) fn message_short(trap: &Trap, words: &mut [Word; 4]) -> Arrived {
    *words = [0; 4];
    unknown(trap)
}

fn unknown(trap: &Trap) -> Arrived {
    // The registers are read so that the two sides of this module's interface stay the same.
    let _ = (
        trap.number,
        trap.capability,
        trap.info,
        trap.deadline,
        trap.reply,
    );
    Arrived {
        status: Error::UnknownCall as Word,
        badge: 0,
        info: 0,
    }
}

/// There is no deadline to compute on a host.
pub fn ticks() -> Word {
    0
}

/// A host's programs take theirs from the system.
pub fn hardware_random() -> Option<Word> {
    None
}

/// Ends the program.
///
/// # Panics
/// Always: a host has no supervisor to fault to.
pub fn stop() -> ! {
    panic!("the program stopped itself")
}
