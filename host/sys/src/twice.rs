//! A memory file that is mapped twice in a row.

use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{Errno, pread};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use std::cell::Cell;
use std::io::{Error, ErrorKind};
use std::ptr::null_mut;

/// The file and its two mappings, the second directly behind the first.
#[derive(Debug)]
pub struct Twice {
    file: OwnedFd,
    base: *mut u8,
    bytes: usize,
}

impl Twice {
    /// Makes a file of `bytes` bytes, which are zero, and maps it.
    ///
    /// # Errors
    /// Those of the system calls; `InvalidInput` unless `bytes` is a multiple of the page size and not 0.
    pub fn new(bytes: usize) -> Result<Self, Error> {
        let total = bytes.checked_mul(2).filter(|total| *total != 0);
        let total = total.ok_or(ErrorKind::InvalidInput)?;
        let file = memfd_create("twice", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, bytes as u64)?;
        // SAFETY: a new mapping at a place that the kernel chooses; nobody's memory changes.
        let place =
            unsafe { mmap_anonymous(null_mut(), total, ProtFlags::empty(), MapFlags::PRIVATE) };
        let twice = Self {
            file,
            base: place?.cast(),
            bytes,
        };
        twice.map(0)?;
        twice.map(bytes)?;
        Ok(twice)
    }

    /// Maps the file at an offset, 0 or its length, of the place that is reserved.
    fn map(&self, offset: usize) -> Result<(), Errno> {
        let place = self.base.wrapping_add(offset).cast();
        let (protection, flags) = (
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED | MapFlags::FIXED,
        );
        // SAFETY: `place` and the length lie within the mapping that `new` reserved and that only this value knows, so what is
        // replaced is nobody's memory.
        unsafe { mmap(place, self.bytes, protection, flags, &self.file, 0) }.map(drop)
    }

    /// The bytes from `at` on, if they lie inside: both mappings are one range.
    fn range(&self, at: usize, length: usize) -> Option<&[Cell<u8>]> {
        let end = at.checked_add(length)?;
        if end > self.bytes * 2 {
            return None;
        }
        // SAFETY: the range was mapped readable and writable by `new`, stays so until this value is dropped, and bytes are
        // initialised and aligned whatever they are. No other reference to them exists but such slices of cells, which may alias;
        // the second mapping shows the same bytes, and only this thread, as a raw pointer makes the type neither Send nor Sync,
        // reads and writes them.
        Some(unsafe { std::slice::from_raw_parts(self.base.wrapping_add(at).cast(), length) })
    }

    /// Writes through the mappings; `false` and nothing if it is not inside of both.
    pub fn write(&self, at: usize, bytes: &[u8]) -> bool {
        let Some(range) = self.range(at, bytes.len()) else {
            return false;
        };
        for (cell, byte) in range.iter().zip(bytes) {
            cell.set(*byte);
        }
        true
    }

    /// Reads through the mappings; `false` and nothing if it is not inside of both.
    pub fn read(&self, at: usize, into: &mut [u8]) -> bool {
        let Some(range) = self.range(at, into.len()) else {
            return false;
        };
        for (cell, byte) in range.iter().zip(into) {
            *byte = cell.get();
        }
        true
    }

    /// Reads from the file itself.
    ///
    /// # Errors
    /// Those of `pread`; `UnexpectedEof` if it ends before.
    pub fn read_file(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        let length = into.len();
        if pread(&self.file, into, offset)? == length {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new` for this value alone, whose slices are gone when it is dropped.
        let unmapped = unsafe { munmap(self.base.cast(), self.bytes * 2) };
        debug_assert!(unmapped.is_ok(), "a range that was mapped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_across_the_end_is_at_the_front_too() {
        let twice = Twice::new(8192).unwrap();
        assert!(twice.write(8190, b"abcd"));
        let mut found = [0; 2];
        assert!(twice.read(0, &mut found));
        assert_eq!(&found, b"cd");
        twice.read_file(0, &mut found).unwrap();
        assert_eq!(&found, b"cd");
        assert!(!twice.write(16383, b"ab") && !twice.read(usize::MAX, &mut found));
        assert!(Twice::new(0).is_err() && Twice::new(5).is_err());
    }
}
