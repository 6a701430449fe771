//! What a ring needs of its memory.

use core::sync::atomic::AtomicU64;

/// The words of the header page, each in its own cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// Bytes ever written. Only the producer stores it.
    Written = 0,
    /// Bytes ever read. Only the consumer stores it.
    Read = 1,
    /// 1: the producer sleeps until there is room.
    ProducerSleeps = 2,
    /// 1: the consumer sleeps until there are bytes.
    ConsumerSleeps = 3,
    /// 1: the producer will write no more.
    ProducerClosed = 4,
    /// 1: the consumer will read no more.
    ConsumerClosed = 5,
    /// How often a producer took the ring up. Only the producer stores it.
    ProducerStarts = 6,
    /// How often a consumer took the ring up. Only the consumer stores it.
    ConsumerStarts = 7,
}

/// The memory of a ring: a header and `capacity` bytes, whose byte `capacity` is byte 0 again.
pub trait Memory {
    /// Bytes that the ring holds; at least 1.
    fn capacity(&self) -> usize;

    /// A word of the header.
    fn word(&self, word: Word) -> &AtomicU64;

    /// Copies `bytes` in from byte `offset` on. The caller keeps `offset < capacity` and `bytes.len() <= capacity`.
    fn copy_in(&self, offset: usize, bytes: &[u8]);

    /// Copies out into `bytes` from byte `offset` on. The same duties.
    fn copy_out(&self, offset: usize, bytes: &mut [u8]);
}
