//! A ring whose positions travel in messages: each side copies where a message says, and knows when the other one was replaced.
//!
//! A server and one client share it. Of the header only the words that tell who took the ring up are used; where data lies is in the
//! requests, which are copies that nobody can change any more. The data is mapped twice in a row, so that a copy may lie across its end.

use crate::header::{Own, Starts, take_up};
use crate::memory::{Memory, Word};

/// One side of such a ring.
pub struct Area<M> {
    memory: M,
    other: Starts,
}

const CLIENT: Own = Own {
    position: Word::Written,
    sleeps: Word::ProducerSleeps,
    closed: Word::ProducerClosed,
    starts: Word::ProducerStarts,
};

const SERVER: Own = Own {
    position: Word::Read,
    sleeps: Word::ConsumerSleeps,
    closed: Word::ConsumerClosed,
    starts: Word::ConsumerStarts,
};

impl<M: Memory> Area<M> {
    /// The side of whoever sends requests.
    pub fn client(memory: M) -> Area<M> {
        Area::new(memory, &CLIENT, SERVER.starts)
    }

    /// The side of whoever answers them.
    pub fn server(memory: M) -> Area<M> {
        Area::new(memory, &SERVER, CLIENT.starts)
    }

    fn new(memory: M, own: &Own, other: Word) -> Area<M> {
        take_up(&memory, own);
        Area {
            other: Starts::new(&memory, other),
            memory,
        }
    }

    /// Bytes that lie in the ring once.
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Whether the other side was replaced since the last look; each time is told once. What that side knew is gone.
    pub fn restarted(&mut self) -> bool {
        self.other.news(&self.memory)
    }

    fn fits(&self, offset: usize, length: usize) -> bool {
        offset < self.capacity() && length <= self.capacity()
    }

    /// Copies out from byte `offset` on, across the end if need be; false, and nothing is copied, if that is no place in the ring.
    pub fn copy_out(&self, offset: usize, into: &mut [u8]) -> bool {
        let fits = self.fits(offset, into.len());
        if fits {
            self.memory.copy_out(offset, into);
        }
        fits
    }

    /// Copies in; otherwise like [`Area::copy_out`].
    pub fn copy_in(&self, offset: usize, from: &[u8]) -> bool {
        let fits = self.fits(offset, from.len());
        if fits {
            self.memory.copy_in(offset, from);
        }
        fits
    }
}
