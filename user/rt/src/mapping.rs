//! Memory that a program has mapped for itself and may share with others.

use core::ptr::NonNull;
use sundog_abi::Error;
use sundog_abi::memory::PAGE_SIZE;

/// A range of mapped pages. Others may have the same pages mapped, so it is read and written by copies only, with volatile
/// accesses; no reference into it exists.
pub struct Mapping {
    base: NonNull<u8>,
    pages: u32,
    writable: bool,
}

// SAFETY: all threads of a program have the same memory mapped, and access through a shared reference only reads, by copies.
unsafe impl Send for Mapping {}

impl Mapping {
    /// The pages mapped at `base`.
    ///
    /// # Safety
    /// `pages` pages from `base` on (aligned to a page) are mapped readable, with `writable` also writable, until the value is
    /// gone; this program reaches them through this value only.
    pub(crate) const unsafe fn new(base: NonNull<u8>, pages: u32, writable: bool) -> Mapping {
        Mapping {
            base,
            pages,
            writable,
        }
    }

    /// The address of the first byte.
    pub fn address(&self) -> u64 {
        self.base.as_ptr().expose_provenance() as u64
    }

    /// Length in pages.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Length in bytes.
    pub fn bytes(&self) -> usize {
        self.pages as usize * PAGE_SIZE as usize
    }

    fn check(&self, offset: usize, length: usize) -> Result<(), Error> {
        match offset.checked_add(length) {
            Some(end) if end <= self.bytes() => Ok(()),
            _ => Err(Error::OutOfRange),
        }
    }

    fn byte(&self, index: usize) -> *mut u8 {
        // SAFETY: the callers have checked that the index lies in the range.
        unsafe { self.base.add(index) }.as_ptr()
    }

    /// Copies `bytes` in from byte `offset` on.
    ///
    /// # Errors
    /// `OutOfRange` if they do not fit; `NotAllowed` if the pages are mapped read only. Nothing is written then.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        self.check(offset, bytes.len())?;
        if !self.writable {
            return Err(Error::NotAllowed);
        }
        let head = (offset.wrapping_neg() % 8).min(bytes.len());
        let (first, rest) = bytes.split_at(head);
        let (words, last) = rest.as_chunks::<8>();
        for (index, byte) in first.iter().enumerate() {
            // SAFETY: checked above; mapped writable by the duty of `new`.
            unsafe { self.byte(offset + index).write_volatile(*byte) };
        }
        for (index, word) in words.iter().enumerate() {
            let place = self.byte(offset + head + index * 8).cast::<u64>();
            // SAFETY: checked above, and aligned since `head` leads to a multiple of 8.
            unsafe { place.write_volatile(u64::from_ne_bytes(*word)) };
        }
        for (index, byte) in last.iter().enumerate() {
            // SAFETY: checked above; mapped writable by the duty of `new`.
            unsafe {
                self.byte(offset + head + words.len() * 8 + index)
                    .write_volatile(*byte)
            };
        }
        Ok(())
    }

    /// Copies out from byte `offset` on.
    ///
    /// # Errors
    /// `OutOfRange` if the range does not hold so many.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), Error> {
        self.check(offset, bytes.len())?;
        let head = (offset.wrapping_neg() % 8).min(bytes.len());
        let (first, rest) = bytes.split_at_mut(head);
        let (words, last) = rest.as_chunks_mut::<8>();
        for (index, byte) in first.iter_mut().enumerate() {
            // SAFETY: checked above; mapped readable by the duty of `new`.
            *byte = unsafe { self.byte(offset + index).read_volatile() };
        }
        for (index, word) in words.iter_mut().enumerate() {
            let place = self.byte(offset + head + index * 8).cast::<u64>();
            // SAFETY: checked above, and aligned since `head` leads to a multiple of 8.
            *word = unsafe { place.read_volatile() }.to_ne_bytes();
        }
        let done = head + words.len() * 8;
        for (index, byte) in last.iter_mut().enumerate() {
            // SAFETY: checked above; mapped readable by the duty of `new`.
            *byte = unsafe { self.byte(offset + done + index).read_volatile() };
        }
        Ok(())
    }

    /// Reads an aligned word.
    ///
    /// # Errors
    /// `OutOfRange` if it lies outside or is not aligned to 8 bytes.
    pub fn word(&self, offset: usize) -> Result<u64, Error> {
        if !offset.is_multiple_of(8) {
            return Err(Error::OutOfRange);
        }
        let mut bytes = [0; 8];
        self.read(offset, &mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::vec::Vec;

    #[repr(align(4096))]
    struct Pages([u8; 8192]);

    #[test]
    fn copies_stay_inside_and_come_back() {
        let mut pages = Box::new(Pages([0; 8192]));
        let base = NonNull::new(pages.0.as_mut_ptr()).expect("a box is not null");
        // SAFETY: the box outlives the mapping and nothing else touches it meanwhile.
        let mut mapping = unsafe { Mapping::new(base, 2, true) };
        for (offset, length) in [
            (0, 0),
            (0, 1),
            (1, 6),
            (3, 5),
            (3, 30),
            (8, 8),
            (4090, 13),
            (8185, 7),
            (0, 8192),
        ] {
            let bytes: Vec<u8> = (0..length)
                .map(|index| (index + offset) as u8 ^ 0x5a)
                .collect();
            assert_eq!(mapping.write(offset, &bytes), Ok(()));
            let mut back = std::vec![0; length];
            assert_eq!(mapping.read(offset, &mut back), Ok(()));
            assert_eq!(back, bytes, "{length} bytes at {offset}");
        }
        assert_eq!(mapping.write(8185, &[0; 8]), Err(Error::OutOfRange));
        assert_eq!(
            mapping.read(usize::MAX, &mut [0; 8]),
            Err(Error::OutOfRange)
        );
        assert_eq!(mapping.word(4), Err(Error::OutOfRange));
        mapping.write(16, &7_u64.to_ne_bytes()).expect("inside");
        assert_eq!(mapping.word(16), Ok(7));
    }

    #[test]
    fn a_read_only_mapping_refuses_to_be_written() {
        let mut pages = Box::new(Pages([0; 8192]));
        let base = NonNull::new(pages.0.as_mut_ptr()).expect("a box is not null");
        // SAFETY: the box outlives the mapping and nothing else touches it meanwhile.
        let mut mapping = unsafe { Mapping::new(base, 1, false) };
        assert_eq!(mapping.write(0, &[1]), Err(Error::NotAllowed));
    }
}
