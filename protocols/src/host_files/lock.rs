//! Locks of open files, which are the host's own: what the machine locks is locked for programs of the host, and the other way round.
//!
//! A lock belongs to the handle through which it was made. Locks of two handles exclude each other, whether one machine holds both or
//! not; whose of its programs a lock is, is the machine's affair.
use crate::file::{FileError, Handle};

/// What is to become of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockHow {
    /// It is given up.
    Unlock = 0,
    /// Others may read; the file must be open for reading.
    Shared = 1,
    /// Nobody else may lock; the file must be open for writing.
    Exclusive = 2,
}

/// What is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Bytes, as `fcntl` locks them. The length 0 means all that comes behind the start.
    Bytes {
        /// The first byte.
        start: u64,
        /// How many.
        length: u64,
    },
    /// The file, as `flock` locks it; that is a lock apart from those of bytes.
    Whole,
}

/// A request about a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockRequest {
    /// Takes or gives up a lock. Answered with nothing; EAGAIN if somebody else has it, unless the request waits.
    Set {
        /// The open file.
        file: Handle,
        /// Shared, exclusive, or none.
        how: LockHow,
        /// Of what.
        range: Range,
        /// Whether it is answered only when the lock is got, or the request was cancelled (EINTR).
        wait: bool,
    },
    /// Who would refuse this lock of bytes: answered with [`Held`].
    Test {
        /// The open file.
        file: Handle,
        /// Shared or exclusive.
        how: LockHow,
        /// The first byte.
        start: u64,
        /// How many.
        length: u64,
    },
}

const WAIT: u64 = 4;
const WHOLE: u64 = 8;
const TEST: u64 = 16;

impl LockRequest {
    /// The words of the request.
    pub fn words(&self) -> [u64; 3] {
        let head = |file: Handle, bits: u64| u64::from(file.0) | bits << 32;
        match *self {
            LockRequest::Test {
                file,
                how,
                start,
                length,
            } => [head(file, how as u64 | TEST), start, length],
            LockRequest::Set {
                file,
                how,
                range,
                wait,
            } => {
                let bits = how as u64 | if wait { WAIT } else { 0 };
                match range {
                    Range::Bytes { start, length } => [head(file, bits), start, length],
                    Range::Whole => [head(file, bits | WHOLE), 0, 0],
                }
            }
        }
    }

    /// Reads the words of a request; any words are safe.
    ///
    /// # Errors
    /// `EINVAL` for what is none.
    pub fn from_words(words: &[u64]) -> Result<LockRequest, FileError> {
        let &[head, start, length] = words else {
            return Err(FileError::EINVAL);
        };
        let file = Handle(head as u32);
        let bits = head >> 32;
        let how = match bits & 3 {
            0 => LockHow::Unlock,
            1 => LockHow::Shared,
            2 => LockHow::Exclusive,
            _ => return Err(FileError::EINVAL),
        };
        let wait = bits & WAIT != 0;
        match (bits & !7, how, wait) {
            (TEST, LockHow::Shared | LockHow::Exclusive, false) => Ok(LockRequest::Test {
                file,
                how,
                start,
                length,
            }),
            (0, ..) => Ok(LockRequest::Set {
                file,
                how,
                range: Range::Bytes { start, length },
                wait,
            }),
            (WHOLE, ..) if start == 0 && length == 0 => Ok(LockRequest::Set {
                file,
                how,
                range: Range::Whole,
                wait,
            }),
            _ => Err(FileError::EINVAL),
        }
    }
}

/// A lock that stands in the way of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Shared or exclusive; `Unlock` if nothing is in the way, and then the rest is 0.
    pub how: LockHow,
    /// The first byte.
    pub start: u64,
    /// How many; 0 for all that comes behind.
    pub length: u64,
    /// The process of the host that has it; 0 if it belongs to no process but to an open file.
    pub process: u32,
}

impl Held {
    /// Nothing is in the way.
    pub const NONE: Held = Held {
        how: LockHow::Unlock,
        start: 0,
        length: 0,
        process: 0,
    };

    /// The words of the answer.
    pub fn words(&self) -> [u64; 5] {
        [
            0,
            self.how as u64,
            self.start,
            self.length,
            u64::from(self.process),
        ]
    }

    /// Reads the words of an answer; `None` for anything else, also an error.
    pub fn from_words(words: &[u64]) -> Option<Held> {
        let &[0, how, start, length, process] = words else {
            return None;
        };
        let known = [LockHow::Unlock, LockHow::Shared, LockHow::Exclusive];
        Some(Held {
            how: known.into_iter().find(|known| *known as u64 == how)?,
            start,
            length,
            process: u32::try_from(process).ok()?,
        })
    }
}
