//! The writing side.

use crate::header::{
    Error, Moved, Own, Starts, closed, fall_asleep, filled, offset, take_sleeper, take_up,
};
use crate::memory::{Memory, Word};
use core::sync::atomic::Ordering;

/// The side that writes. There is one for each ring.
pub struct Producer<M> {
    memory: M,
    written: u64,
    other: Starts,
    again: bool,
}

impl<M: Memory> Producer<M> {
    /// The writing side of a ring: of a fresh one (a header of zeros) from its beginning, of another one where its last writer left it.
    pub fn new(memory: M) -> Producer<M> {
        let own = Own {
            position: Word::Written,
            sleeps: Word::ProducerSleeps,
            closed: Word::ProducerClosed,
            starts: Word::ProducerStarts,
        };
        let (written, again) = take_up(&memory, &own);
        Producer {
            other: Starts::new(&memory, Word::ConsumerStarts),
            memory,
            written,
            again,
        }
    }

    /// Whether the ring had a writer before this one. Its wake-ups may have been lost: signal the other side once.
    pub fn is_taken_up(&self) -> bool {
        self.again
    }

    /// Whether the reader was replaced since the last look: what it had read may be lost. Each time is told once.
    pub fn restarted(&mut self) -> bool {
        self.other.news(&self.memory)
    }

    /// Bytes that can be written now.
    ///
    /// # Errors
    /// `Hostile` if the reader's position cannot be; `Closed` if it reads no more.
    pub fn room(&self) -> Result<usize, Error> {
        if closed(&self.memory, Word::ConsumerClosed) {
            return Err(Error::Closed);
        }
        // Acquire: the reader's copies out happened before the bytes are written over.
        let read = self.memory.word(Word::Read).load(Ordering::Acquire);
        Ok(self.memory.capacity() - filled(self.written, read, self.memory.capacity())?)
    }

    /// Writes as much of `bytes` as there is room for, as one copy.
    ///
    /// # Errors
    /// As [`Producer::room`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<Moved, Error> {
        let count = bytes.len().min(self.room()?);
        if count == 0 {
            return Ok(Moved::default());
        }
        self.memory.copy_in(
            offset(self.written, self.memory.capacity()),
            &bytes[..count],
        );
        self.written = self.written.wrapping_add(count as u64);
        // Release: the bytes are there before the position says so.
        self.memory
            .word(Word::Written)
            .store(self.written, Ordering::Release);
        Ok(Moved {
            bytes: count,
            wake: take_sleeper(&self.memory, Word::ConsumerSleeps),
        })
    }

    /// Writes all of `bytes` or, if there is not room for all, nothing.
    ///
    /// # Errors
    /// As [`Producer::room`]; `TooLarge` if no amount of waiting helps.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Result<Moved, Error> {
        if bytes.len() > self.memory.capacity() {
            return Err(Error::TooLarge);
        }
        if self.room()? < bytes.len() {
            return Ok(Moved::default());
        }
        self.write(bytes)
    }

    /// Says that this side will wait for its notification until `bytes` fit (all of the ring at most). `false`: they fit already,
    /// do not wait.
    ///
    /// # Errors
    /// As [`Producer::room`]; do not wait then.
    pub fn sleep(&mut self, bytes: usize) -> Result<bool, Error> {
        let bytes = bytes.clamp(1, self.memory.capacity());
        fall_asleep(&self.memory, Word::ProducerSleeps, || {
            Ok(self.room()? >= bytes)
        })
    }

    /// Says that no more will be written. Returns whether the reader must be signalled.
    pub fn close(&mut self) -> bool {
        self.memory
            .word(Word::ProducerClosed)
            .store(1, Ordering::Release);
        take_sleeper(&self.memory, Word::ConsumerSleeps)
    }

    /// The memory.
    pub fn memory(&self) -> &M {
        &self.memory
    }
}
