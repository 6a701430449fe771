//! A ring in this program's own memory: between the personality and an open file of its programs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use sundog_rt::ring::{Memory, Word};

/// Words of the header.
const WORDS: usize = Word::ConsumerStarts as usize + 1;

struct Parts {
    words: [AtomicU64; WORDS],
    bytes: Vec<AtomicU8>,
}

/// The memory of such a ring; its clones are the same memory.
#[derive(Clone)]
pub struct HeapRing(Arc<Parts>);

impl HeapRing {
    /// A ring for `capacity` bytes, at least one.
    pub fn new(capacity: usize) -> HeapRing {
        HeapRing(Arc::new(Parts {
            words: core::array::from_fn(|_| AtomicU64::new(0)),
            bytes: (0..capacity.max(1)).map(|_| AtomicU8::new(0)).collect(),
        }))
    }

    fn byte(&self, offset: usize) -> &AtomicU8 {
        &self.0.bytes[offset % self.0.bytes.len()]
    }
}

impl Memory for HeapRing {
    fn capacity(&self) -> usize {
        self.0.bytes.len()
    }

    fn word(&self, word: Word) -> &AtomicU64 {
        &self.0.words[word as usize]
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            self.byte(offset + index).store(*byte, Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.byte(offset + index).load(Ordering::Relaxed);
        }
    }
}
