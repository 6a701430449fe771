//! A page that the kernel and user space both read and write.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::Object;

/// A page of words that somebody else may change at any time (a message page, a VCpu's state page, a page table walked by the CPU).
/// Each word is read and written once, relaxed; nothing that was read is trusted.
#[repr(C, align(64))]
pub struct SharedPage {
    words: [AtomicU64; 512],
}

// SAFETY: an array of atomics, for which zero is valid; no padding, nothing to drop.
unsafe impl Object for SharedPage {
    const KIND: u8 = 64;
}

impl SharedPage {
    /// Reads a word.
    ///
    /// # Panics
    /// If `index` is not below 512.
    pub fn read(&self, index: usize) -> u64 {
        self.words[index].load(Ordering::Relaxed)
    }

    /// Writes a word.
    ///
    /// # Panics
    /// If `index` is not below 512.
    pub fn write(&self, index: usize, value: u64) {
        self.words[index].store(value, Ordering::Relaxed);
    }
}
