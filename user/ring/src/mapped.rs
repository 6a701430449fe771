//! A ring's memory as a process maps it: header, data, and the data once more.

use crate::header::HEADER_BYTES;
use crate::memory::{Memory, Word};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Bytes of a cache line; each word of the header has its own.
const LINE: usize = 64;

/// Mapped ring memory. All accesses are atomic, since the other process may touch the bytes at any time; a wrong peer changes
/// what is read, never what this side does with its own memory.
pub struct Mapped {
    base: NonNull<u8>,
    capacity: usize,
}

// SAFETY: every access through `base` is atomic, and `new` demands that the memory stays mapped wherever the value goes.
unsafe impl Send for Mapped {}

impl Mapped {
    /// The ring at `base`: a header of [`HEADER_BYTES`], `capacity` bytes, and the same `capacity` bytes mapped again behind them.
    ///
    /// # Safety
    /// `base` is aligned to a page; `HEADER_BYTES + 2 * capacity` bytes from it are mapped readable and writable for as long as
    /// the value lives, the second `capacity` bytes being the first ones mapped again; `capacity` is a multiple of 8 and not 0;
    /// this process touches the memory through values of this type only.
    pub const unsafe fn new(base: NonNull<u8>, capacity: usize) -> Mapped {
        Mapped { base, capacity }
    }

    fn byte(&self, index: usize) -> &AtomicU8 {
        // SAFETY: the callers below keep `index` under twice the capacity, so the byte lies in the mapping.
        let pointer = unsafe { self.base.add(HEADER_BYTES + index) };
        // SAFETY: mapped, readable and writable by the duty of `new`; atomics are the only accesses of this process.
        unsafe { pointer.cast::<AtomicU8>().as_ref() }
    }

    fn eight(&self, index: usize) -> &AtomicU64 {
        debug_assert_eq!(index % 8, 0);
        // SAFETY: the callers below keep `index + 8` within twice the capacity, so the word lies in the mapping.
        let pointer = unsafe { self.base.add(HEADER_BYTES + index) };
        // SAFETY: mapped by the duty of `new`, aligned because base and index are; atomics are the only accesses of this process.
        unsafe { pointer.cast::<AtomicU64>().as_ref() }
    }

    fn check(&self, offset: usize, length: usize) {
        assert!(
            offset < self.capacity && length <= self.capacity,
            "a copy inside the ring"
        );
    }

    /// Splits `length` bytes from `offset` on into single bytes up to an aligned word, whole words, and single bytes.
    fn split(offset: usize, length: usize) -> (usize, usize) {
        let head = (offset.wrapping_neg() % 8).min(length);
        (head, (length - head) / 8 * 8)
    }
}

impl Memory for Mapped {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn word(&self, word: Word) -> &AtomicU64 {
        // SAFETY: every word of the enumeration lies in the header page.
        let pointer = unsafe { self.base.add(word as usize * LINE) };
        // SAFETY: mapped and aligned by the duty of `new`; atomics are the only accesses of this process.
        unsafe { pointer.cast::<AtomicU64>().as_ref() }
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        let (head, middle) = Self::split(offset, bytes.len());
        let (head_bytes, rest) = bytes.split_at(head);
        let (middle_bytes, tail_bytes) = rest.split_at(middle);
        for (index, byte) in head_bytes.iter().enumerate() {
            self.byte(offset + index).store(*byte, Ordering::Relaxed);
        }
        let (words, _) = middle_bytes.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            self.eight(offset + head + index * 8)
                .store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        for (index, byte) in tail_bytes.iter().enumerate() {
            self.byte(offset + head + middle + index)
                .store(*byte, Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        self.check(offset, bytes.len());
        let (head, middle) = Self::split(offset, bytes.len());
        let (head_bytes, rest) = bytes.split_at_mut(head);
        let (middle_bytes, tail_bytes) = rest.split_at_mut(middle);
        for (index, byte) in head_bytes.iter_mut().enumerate() {
            *byte = self.byte(offset + index).load(Ordering::Relaxed);
        }
        let (words, _) = middle_bytes.as_chunks_mut::<8>();
        for (index, word) in words.iter_mut().enumerate() {
            *word = self
                .eight(offset + head + index * 8)
                .load(Ordering::Relaxed)
                .to_ne_bytes();
        }
        for (index, byte) in tail_bytes.iter_mut().enumerate() {
            *byte = self
                .byte(offset + head + middle + index)
                .load(Ordering::Relaxed);
        }
    }
}
