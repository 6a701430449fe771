//! What one grant has waiting: its bytes, and the bytes a second that it may take.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes that wait for one grant.
pub(crate) const BUFFER: usize = 4096;

/// The buffer of one grant.
pub(crate) struct Buffer {
    bytes: VecDeque<u8>,
    /// Bytes that were lost because the buffer was full.
    pub(crate) lost: u64,
    /// Deliver silence.
    black: bool,
    /// Bytes a second; 0: no limit.
    rate: u64,
    /// Bytes that may be taken now, in parts of a byte: bytes times ticks of a second.
    credit: u128,
    /// When credit was last added, in ticks.
    counted: u64,
}

impl Buffer {
    /// An empty buffer with a full second's credit; `None` if there is no memory for its bytes and for the work on it.
    pub(crate) fn new(rate: u64, black: bool, now: u64, second: u64) -> Option<Buffer> {
        let mut bytes = VecDeque::new();
        bytes.try_reserve_exact(BUFFER).ok()?;
        // Answers are made on the same heap: the last grant must not leave it without room for them.
        Vec::<u8>::new().try_reserve_exact(BUFFER).ok()?;
        let credit = u128::from(rate) * u128::from(second);
        Some(Buffer {
            bytes,
            lost: 0,
            black,
            rate,
            credit,
            counted: now,
        })
    }

    /// Adds bytes of the line. One reader that does not read loses bytes; the others are not held up by it.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.bytes.len() == BUFFER {
                self.lost += 1;
            } else {
                self.bytes.push_back(if self.black { 0 } else { *byte });
            }
        }
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes the rate allows at `now`, at most one second's worth at once.
    pub(crate) fn allowed(&mut self, now: u64, second: u64) -> usize {
        if self.rate == 0 {
            return usize::MAX;
        }
        let passed = now.saturating_sub(self.counted);
        self.counted = now;
        let most = u128::from(self.rate) * u128::from(second);
        self.credit = (self.credit + u128::from(passed) * u128::from(self.rate)).min(most);
        usize::try_from(self.credit / u128::from(second.max(1))).unwrap_or(usize::MAX)
    }

    /// Takes bytes into `into` from the front, and their credit.
    pub(crate) fn take(&mut self, into: &mut [u8], second: u64) -> usize {
        let count = into.len().min(self.bytes.len());
        for (place, byte) in into.iter_mut().zip(self.bytes.drain(..count)) {
            *place = byte;
        }
        if self.rate != 0 {
            self.credit = self
                .credit
                .saturating_sub(count as u128 * u128::from(second.max(1)));
        }
        count
    }
}
