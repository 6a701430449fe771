//! The reading side.

use crate::header::{
    Error, Moved, Own, Starts, closed, fall_asleep, filled, offset, take_sleeper, take_up,
};
use crate::memory::{Memory, Word};
use core::sync::atomic::Ordering;

/// The side that reads. There is one for each ring.
pub struct Consumer<M> {
    memory: M,
    read: u64,
    other: Starts,
    again: bool,
}

impl<M: Memory> Consumer<M> {
    /// The reading side of a ring: of a fresh one (a header of zeros) from its beginning, of another one where its last reader left it.
    pub fn new(memory: M) -> Consumer<M> {
        let own = Own {
            position: Word::Read,
            sleeps: Word::ConsumerSleeps,
            closed: Word::ConsumerClosed,
            starts: Word::ConsumerStarts,
        };
        let (read, again) = take_up(&memory, &own);
        Consumer {
            other: Starts::new(&memory, Word::ProducerStarts),
            memory,
            read,
            again,
        }
    }

    /// Whether the ring had a reader before this one. Its wake-ups may have been lost: signal the other side once.
    pub fn is_taken_up(&self) -> bool {
        self.again
    }

    /// Whether the writer was replaced since the last look: what it had not written yet may be lost. Each time is told once.
    pub fn restarted(&mut self) -> bool {
        self.other.news(&self.memory)
    }

    /// Bytes that can be read now.
    ///
    /// # Errors
    /// `Hostile` if the writer's position cannot be; `Closed` if everything is read and nothing will follow.
    pub fn available(&self) -> Result<usize, Error> {
        // The flag first: bytes that were written before closing are still seen.
        let closed = closed(&self.memory, Word::ProducerClosed);
        // Acquire: the bytes up to the position are there.
        let written = self.memory.word(Word::Written).load(Ordering::Acquire);
        match filled(written, self.read, self.memory.capacity())? {
            0 if closed => Err(Error::Closed),
            count => Ok(count),
        }
    }

    /// Reads as much as there is and fits into `bytes`, as one copy.
    ///
    /// # Errors
    /// As [`Consumer::available`].
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<Moved, Error> {
        let count = bytes.len().min(self.available()?);
        if count == 0 {
            return Ok(Moved::default());
        }
        self.memory.copy_out(
            offset(self.read, self.memory.capacity()),
            &mut bytes[..count],
        );
        self.skip(count)
    }

    /// Fills all of `bytes` or, if there are fewer in the ring, reads nothing.
    ///
    /// # Errors
    /// As [`Consumer::available`]; `TooLarge` if the ring never holds so many.
    pub fn read_whole(&mut self, bytes: &mut [u8]) -> Result<Moved, Error> {
        if bytes.len() > self.memory.capacity() {
            return Err(Error::TooLarge);
        }
        if self.available()? < bytes.len() {
            return Ok(Moved::default());
        }
        self.read(bytes)
    }

    /// Copies the next bytes without taking them; returns how many.
    ///
    /// # Errors
    /// As [`Consumer::available`].
    pub fn peek(&self, bytes: &mut [u8]) -> Result<usize, Error> {
        let count = bytes.len().min(self.available()?);
        self.memory.copy_out(
            offset(self.read, self.memory.capacity()),
            &mut bytes[..count],
        );
        Ok(count)
    }

    /// Takes at most `count` bytes without looking at them.
    ///
    /// # Errors
    /// As [`Consumer::available`].
    pub fn skip(&mut self, count: usize) -> Result<Moved, Error> {
        let count = count.min(self.available()?);
        self.read = self.read.wrapping_add(count as u64);
        // Release: the copies out happened before the writer may write over the bytes.
        self.memory
            .word(Word::Read)
            .store(self.read, Ordering::Release);
        Ok(Moved {
            bytes: count,
            wake: take_sleeper(&self.memory, Word::ProducerSleeps),
        })
    }

    /// Says that this side will wait for its notification until there are `bytes` (all of the ring at most). `false`: there are
    /// already, do not wait.
    ///
    /// # Errors
    /// As [`Consumer::available`]; do not wait then.
    pub fn sleep(&mut self, bytes: usize) -> Result<bool, Error> {
        let bytes = bytes.clamp(1, self.memory.capacity());
        fall_asleep(&self.memory, Word::ConsumerSleeps, || {
            let enough = self.available()? >= bytes;
            // What is missing to a whole read will never come from a writer that closed.
            Ok(enough || closed(&self.memory, Word::ProducerClosed))
        })
    }

    /// Says that no more will be read. Returns whether the writer must be signalled.
    pub fn close(&mut self) -> bool {
        self.memory
            .word(Word::ConsumerClosed)
            .store(1, Ordering::Release);
        take_sleeper(&self.memory, Word::ProducerSleeps)
    }

    /// The memory.
    pub fn memory(&self) -> &M {
        &self.memory
    }
}
