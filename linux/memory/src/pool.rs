//! The pool: one linear run of sandbox memory, addressed by offsets that are checked at every access.
use crate::copy;
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use sundog_rt::Mapping;

/// An access that is not wholly inside the pool, or a word that is not aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfPool;

/// A linear run of sandbox memory, shared with the guests that have parts of it mapped.
#[derive(Debug)]
pub struct Pool {
    base: *mut u8,
    /// Only ever grows.
    length: AtomicUsize,
    owned: Option<Layout>,
}

// SAFETY: the pool is plain memory without thread affinity; every access goes through copies and atomics.
unsafe impl Send for Pool {}
// SAFETY: as above; concurrent accesses are what a pool is made for.
unsafe impl Sync for Pool {}

/// Memory that somebody mapped for a pool and nothing else.
///
/// # Safety
/// `length` bytes at `base` must be mapped readable and writable until the program ends, be aligned to a page, and be reached by
/// nobody in this program but through one pool.
pub unsafe trait Region {
    /// Where it is mapped.
    fn base(&self) -> *mut u8;
    /// Its length in bytes.
    fn length(&self) -> usize;
}

impl Pool {
    /// Makes a pool of such memory.
    #[must_use]
    pub fn of(region: &impl Region) -> Self {
        // SAFETY: what a region promises is what `new` asks for.
        unsafe { Self::new(region.base(), region.length()) }
    }

    /// Makes a pool of memory that is mapped at `base` already.
    ///
    /// # Safety
    /// `length` bytes at `base` must be mapped readable and writable for as long as the pool lives, be aligned to a
    /// page, and be reached by nobody in this program but through this pool.
    #[must_use]
    pub unsafe fn new(base: *mut u8, length: usize) -> Self {
        Self {
            base,
            length: AtomicUsize::new(length),
            owned: None,
        }
    }

    /// Makes a pool of memory that a program has mapped for itself; `None` if the mapping cannot be written.
    #[must_use]
    pub fn from_mapping(mut mapping: Mapping) -> Option<Self> {
        mapping.write(0, &[0]).ok()?;
        let base = core::ptr::with_exposed_provenance_mut(mapping.address() as usize);
        // SAFETY: a mapping's pages are aligned and stay mapped until the value is given to whoever made it, and this program
        // reaches them through the value only; it ends here, so the pool takes its place. They were written just now.
        Some(unsafe { Self::new(base, mapping.bytes()) })
    }

    /// Makes it longer by a mapping that lies right behind it. Whether it does, and can be written; nothing changes otherwise.
    #[must_use]
    pub fn append(&self, mut mapping: Mapping) -> bool {
        let length = self.length();
        let end = (self.base.addr() + length) as u64;
        if self.owned.is_some() || mapping.address() != end || mapping.write(0, &[0]).is_err() {
            return false;
        }
        // The mapping's value ends here, so that its pages, too, are reached through the pool only. If two do this at once with
        // the same length, which two mappings at one address would take, one of them is not added.
        let longer = length + mapping.bytes();
        self.length
            .compare_exchange(length, longer, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Makes a zeroed pool on the program's heap, for tests; `None` when the heap has not that much.
    #[must_use]
    pub fn on_heap(length: usize) -> Option<Self> {
        Self::on_heap_from(length, length)
    }

    /// Makes a zeroed pool on the heap, for tests, of which only the first bytes are in the pool.
    #[must_use]
    pub fn on_heap_from(length: usize, first: usize) -> Option<Self> {
        let layout = Layout::from_size_align(length.max(4096), 4096).ok()?;
        // SAFETY: the layout's size is at least a page, so not zero.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            return None;
        }
        Some(Self {
            base,
            length: AtomicUsize::new(first.min(layout.size())),
            owned: Some(layout),
        })
    }

    /// Makes a pool on the heap longer, as far as it was asked for; whether it did.
    #[must_use]
    pub fn extend_on_heap(&self, bytes: usize) -> bool {
        let most = self.owned.map_or(0, |layout| layout.size());
        let longer = |length: usize| length.checked_add(bytes).filter(|end| *end <= most);
        self.length
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, longer)
            .is_ok()
    }

    /// The size in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    fn check(&self, offset: usize, length: usize) -> Result<*mut u8, OutOfPool> {
        let end = offset.checked_add(length).ok_or(OutOfPool)?;
        if end > self.length() {
            return Err(OutOfPool);
        }
        // SAFETY: `offset <= length`, so the result stays inside the run or one past its end.
        Ok(unsafe { self.base.add(offset) })
    }

    fn word(&self, offset: usize) -> Result<&AtomicU32, OutOfPool> {
        if !offset.is_multiple_of(4) {
            return Err(OutOfPool);
        }
        let pointer = self.check(offset, 4)?.cast::<u32>();
        // SAFETY: inside the pool and aligned (the base is aligned to a page); the pool outlives the reference, and
        // words are only reached by atomics and by copies that the memory model does not see.
        Ok(unsafe { AtomicU32::from_ptr(pointer) })
    }

    /// Copies from the pool.
    ///
    /// # Errors
    /// When the range is not inside the pool; nothing is copied then.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<(), OutOfPool> {
        let from = self.check(offset, to.len())?;
        // SAFETY: the source was checked, the destination is a slice, and nobody has a slice into the pool.
        unsafe { copy::copy(from, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    /// Copies into the pool.
    ///
    /// # Errors
    /// When the range is not inside the pool; nothing is copied then.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPool> {
        let to = self.check(offset, from.len())?;
        // SAFETY: the destination was checked, the source is a slice, and nobody has a slice into the pool.
        unsafe { copy::copy(from.as_ptr(), to, from.len()) };
        Ok(())
    }

    /// Writes zeros.
    ///
    /// # Errors
    /// When the range is not inside the pool; nothing is written then.
    pub fn zero(&self, offset: usize, length: usize) -> Result<(), OutOfPool> {
        let to = self.check(offset, length)?;
        // SAFETY: the range was checked.
        unsafe { copy::zero(to, length) };
        Ok(())
    }

    /// Copies inside the pool between two ranges that do not overlap.
    ///
    /// # Errors
    /// When a range is not inside the pool or they overlap; nothing is copied then.
    pub fn copy(&self, from: usize, to: usize, length: usize) -> Result<(), OutOfPool> {
        let source = self.check(from, length)?;
        let target = self.check(to, length)?;
        if from.abs_diff(to) < length {
            return Err(OutOfPool);
        }
        // SAFETY: both ranges were checked and do not overlap.
        unsafe { copy::copy(source, target, length) };
        Ok(())
    }

    /// Reads one aligned word.
    ///
    /// # Errors
    /// When the word is not aligned or not inside the pool.
    pub fn load(&self, offset: usize) -> Result<u32, OutOfPool> {
        Ok(self.word(offset)?.load(Ordering::SeqCst))
    }

    /// Writes one aligned word.
    ///
    /// # Errors
    /// When the word is not aligned or not inside the pool.
    pub fn store(&self, offset: usize, value: u32) -> Result<(), OutOfPool> {
        self.word(offset)?.store(value, Ordering::SeqCst);
        Ok(())
    }

    /// Replaces one aligned word if it is `current`; the value found is returned either way.
    ///
    /// # Errors
    /// When the word is not aligned or not inside the pool.
    pub fn compare_exchange(
        &self,
        offset: usize,
        current: u32,
        new: u32,
    ) -> Result<u32, OutOfPool> {
        let word = self.word(offset)?;
        Ok(word
            .compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst)
            .unwrap_or_else(|found| found))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(layout) = self.owned {
            // SAFETY: `base` came from the allocator with this layout, and no reference into the pool outlives it.
            unsafe { dealloc(self.base, layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_round_trip_at_every_alignment() {
        let pool = Pool::on_heap(8192).unwrap();
        for offset in 0..16 {
            for length in 0..40 {
                let data: alloc::vec::Vec<u8> = (1..=length).collect();
                pool.write(offset, &data).unwrap();
                pool.copy(offset, 4096 + offset, data.len()).unwrap();
                let mut back = alloc::vec![0; data.len()];
                pool.read(4096 + offset, &mut back).unwrap();
                assert_eq!(back, data);
                pool.zero(offset, data.len()).unwrap();
                pool.read(offset, &mut back).unwrap();
                assert!(back.iter().all(|byte| *byte == 0));
            }
        }
    }

    #[test]
    fn accesses_outside_are_refused() {
        let pool = Pool::on_heap(4096).unwrap();
        assert_eq!(pool.read(4090, &mut [0; 7]), Err(OutOfPool));
        assert_eq!(pool.write(usize::MAX, &[1]), Err(OutOfPool));
        assert_eq!(pool.zero(0, 4097), Err(OutOfPool));
        assert_eq!(pool.copy(0, 8, 16), Err(OutOfPool));
        assert_eq!(pool.load(4096), Err(OutOfPool));
        assert_eq!(pool.load(2), Err(OutOfPool));
        assert_eq!(pool.read(4096, &mut []), Ok(()));
    }

    #[test]
    fn words_are_exchanged_only_when_equal() {
        let pool = Pool::on_heap(4096).unwrap();
        pool.store(8, 5).unwrap();
        assert_eq!(pool.compare_exchange(8, 4, 9), Ok(5));
        assert_eq!(pool.compare_exchange(8, 5, 9), Ok(5));
        assert_eq!(pool.load(8), Ok(9));
    }
}
