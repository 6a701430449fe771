//! What both sides share: results, errors, and the dance of sleeping and waking.

use crate::memory::{Memory, Word};
use core::sync::atomic::{Ordering, fence};

/// Bytes of the header page in front of the data.
pub const HEADER_BYTES: usize = 4096;

/// Why a ring does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The other side stored a position that cannot be. The ring is not to be used any more.
    Hostile,
    /// The other side is gone for good.
    Closed,
    /// The bytes are more than the ring can ever hold.
    TooLarge,
}

/// What a read or write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// Bytes that were copied.
    pub bytes: usize,
    /// The other side sleeps and must be signalled now.
    pub wake: bool,
}

/// Bytes in the ring, if `read <= written <= read + capacity`.
pub(crate) fn filled(written: u64, read: u64, capacity: usize) -> Result<usize, Error> {
    // No ring lives for 2^64 bytes, so a position that would have wrapped is a lie too.
    let filled = written.checked_sub(read).ok_or(Error::Hostile)?;
    match usize::try_from(filled) {
        Ok(filled) if filled <= capacity => Ok(filled),
        _ => Err(Error::Hostile),
    }
}

/// Where a position lies in the data.
pub(crate) fn offset(position: u64, capacity: usize) -> usize {
    (position % capacity as u64) as usize
}

/// After a position was stored: whether the other side has to be signalled.
///
/// The fence orders the store before the look at the flag; [`fall_asleep`] orders the flag before its second look at the
/// position. So at least one of the two sees the other, and no wake-up is lost.
pub(crate) fn take_sleeper(memory: &impl Memory, sleeps: Word) -> bool {
    fence(Ordering::SeqCst);
    let flag = memory.word(sleeps);
    flag.load(Ordering::Relaxed) != 0 && flag.swap(0, Ordering::AcqRel) != 0
}

/// Says that this side will sleep, unless `ready` finds that there is something to do after all.
pub(crate) fn fall_asleep(
    memory: &impl Memory,
    sleeps: Word,
    ready: impl Fn() -> Result<bool, Error>,
) -> Result<bool, Error> {
    memory.word(sleeps).store(1, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    let ready = ready();
    if ready != Ok(false) {
        memory.word(sleeps).store(0, Ordering::Relaxed);
    }
    ready.map(|ready| !ready)
}

/// The header's words of one side.
pub(crate) struct Own {
    /// Its position.
    pub position: Word,
    /// Whether it sleeps.
    pub sleeps: Word,
    /// Whether it closed.
    pub closed: Word,
    /// How often it took the ring up.
    pub starts: Word,
}

/// Takes a side of the ring up, where whoever held it before left it; its position, and whether somebody did.
///
/// This is the one time that a side reads its own words. What stands there is as good as the other side, which could have written
/// it: a position is compared with the other one at every use, so the worst are other bytes of this ring.
pub(crate) fn take_up(memory: &impl Memory, own: &Own) -> (u64, bool) {
    let starts = memory.word(own.starts).load(Ordering::Relaxed);
    memory.word(own.sleeps).store(0, Ordering::Relaxed);
    memory.word(own.closed).store(0, Ordering::Relaxed);
    let position = memory.word(own.position).load(Ordering::Acquire);
    // Release: the other side that sees the new number sees the ring open.
    memory
        .word(own.starts)
        .store(starts.wrapping_add(1), Ordering::Release);
    (position, starts != 0)
}

/// What one side knows of how often the other one took the ring up.
pub(crate) struct Starts {
    word: Word,
    known: u64,
}

impl Starts {
    /// What is known at the beginning.
    pub fn new(memory: &impl Memory, word: Word) -> Starts {
        let known = memory.word(word).load(Ordering::Acquire);
        Starts { word, known }
    }

    /// Whether it took the ring up again since the last look. The first time is none: nobody held it before.
    pub fn news(&mut self, memory: &impl Memory) -> bool {
        let now = memory.word(self.word).load(Ordering::Acquire);
        let before = core::mem::replace(&mut self.known, now);
        now != before && now != before.max(1)
    }
}

/// Whether the other side closed.
pub(crate) fn closed(memory: &impl Memory, word: Word) -> bool {
    memory.word(word).load(Ordering::Acquire) != 0
}
