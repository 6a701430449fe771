//! Messages: in registers or in the message page, to and from the words of the protocols.

use sundog_protocols::{Malformed, Words};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::{MAX_WORDS, REGISTER_WORDS};
use sundog_rt::sys::{MessagePage, Received};

/// The words of a message that arrived; a length beyond the longest message is cut to it.
///
/// # Errors
/// A message without words.
pub fn arrived(page: &MessagePage, received: &Received) -> Result<Words, Malformed> {
    let mut words = [0; MAX_WORDS];
    let length = received.info.words().min(MAX_WORDS);
    if length <= REGISTER_WORDS {
        words[..length].copy_from_slice(&received.words[..length]);
    } else {
        page.words(&mut words[..length]);
    }
    Words::from_slice(&words[..length])
}

/// Info and register words of a message to send; a long one is put into the message page.
pub fn outgoing(page: &mut MessagePage, words: &Words) -> (Info, [u64; REGISTER_WORDS]) {
    let all = words.as_slice();
    let mut registers = [0; REGISTER_WORDS];
    if all.len() <= REGISTER_WORDS {
        registers[..all.len()].copy_from_slice(all);
    } else {
        page.set_words(all);
    }
    (Info::new(0, all.len()), registers)
}
