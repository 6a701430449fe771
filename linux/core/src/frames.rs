//! The frames of the pool: who holds how many references to each, and which are free.
use crate::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use sundog_linux_memory::Pool;
use sundog_tmpfs_core::Pages;

/// The size of a page and a frame, in bytes.
pub const PAGE_SIZE: usize = 4096;

/// The number of a frame: its offset in the pool divided by the page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame(pub u32);

impl Frame {
    /// The offset of its first byte in the pool.
    #[must_use]
    pub fn offset(self) -> usize {
        self.0 as usize * PAGE_SIZE
    }
}

/// The sandbox's memory: the pool and the account of its frames. It is shared by address spaces and by the files whose
/// pages live in it, so it is changed through a shared reference.
#[derive(Debug)]
pub struct Memory {
    pool: Pool,
    references: Vec<AtomicU32>,
    /// For each free frame the next free one, as number + 1.
    next: Vec<AtomicU32>,
    /// The first free frame (number + 1) below, a counter above that changes at every step.
    head: AtomicU64,
    available: AtomicUsize,
}

impl Memory {
    /// Takes over a pool; all its frames are free.
    #[must_use]
    pub fn new(pool: Pool) -> Arc<Self> {
        let count = u32::try_from(pool.length() / PAGE_SIZE)
            .unwrap_or(u32::MAX)
            .min((1 << 28) - 2);
        Arc::new(Self {
            pool,
            references: (0..count).map(|_| AtomicU32::new(0)).collect(),
            next: (0..count)
                .map(|frame| AtomicU32::new(if frame + 1 == count { 0 } else { frame + 2 }))
                .collect(),
            head: AtomicU64::new(u64::from(count > 0)),
            available: AtomicUsize::new(count as usize),
        })
    }

    /// The bytes themselves.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How many frames there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.references.len()
    }

    /// How many frames are free.
    #[must_use]
    pub fn available(&self) -> usize {
        self.available.load(Relaxed)
    }

    /// Whether a request for `pages` more pages is granted: a sixteenth of the pool is kept back, so that the
    /// processes that run already can go on after one took all it could get.
    #[must_use]
    pub fn can_promise(&self, pages: usize) -> bool {
        pages.saturating_add(self.total() / 16) <= self.available()
    }

    /// Takes a free frame with whatever bytes it has; the caller holds its one reference.
    ///
    /// # Errors
    /// ENOMEM when none is free.
    pub fn allocate(&self) -> Result<Frame, Errno> {
        let mut head = self.head.load(Acquire);
        loop {
            let frame = (head as u32).checked_sub(1).ok_or(Errno::ENOMEM)?;
            let next = self.next[frame as usize].load(Relaxed);
            let new = ((head >> 32).wrapping_add(1) << 32) | u64::from(next);
            match self.head.compare_exchange_weak(head, new, AcqRel, Acquire) {
                Ok(_) => {
                    self.references[frame as usize].store(1, Relaxed);
                    self.available.fetch_sub(1, Relaxed);
                    return Ok(Frame(frame));
                }
                Err(found) => head = found,
            }
        }
    }

    /// Takes a free frame filled with zeros.
    ///
    /// # Errors
    /// ENOMEM when none is free.
    pub fn allocate_zeroed(&self) -> Result<Frame, Errno> {
        let frame = self.allocate()?;
        // The frame is inside the pool, as its number is below the count that the pool's length gave.
        let _ = self.pool.zero(frame.offset(), PAGE_SIZE);
        Ok(frame)
    }

    /// Takes a free frame filled with a copy of another.
    ///
    /// # Errors
    /// ENOMEM when none is free.
    pub fn allocate_copy(&self, from: Frame) -> Result<Frame, Errno> {
        let frame = self.allocate()?;
        // Both frames are inside the pool and differ.
        let _ = self.pool.copy(from.offset(), frame.offset(), PAGE_SIZE);
        Ok(frame)
    }

    /// Adds a reference to a frame that is in use.
    pub fn retain(&self, frame: Frame) {
        self.references[frame.0 as usize].fetch_add(1, Relaxed);
    }

    /// Drops a reference; the last one frees the frame.
    pub fn release(&self, frame: Frame) {
        let before = self.references[frame.0 as usize].fetch_sub(1, AcqRel);
        debug_assert!(before > 0, "frame {frame:?} released too often");
        if before != 1 {
            return;
        }
        let mut head = self.head.load(Acquire);
        loop {
            self.next[frame.0 as usize].store(head as u32, Relaxed);
            let new = ((head >> 32).wrapping_add(1) << 32) | u64::from(frame.0 + 1);
            match self.head.compare_exchange_weak(head, new, AcqRel, Acquire) {
                Ok(_) => break,
                Err(found) => head = found,
            }
        }
        self.available.fetch_add(1, Relaxed);
    }

    /// How many references a frame has.
    #[must_use]
    pub fn references(&self, frame: Frame) -> u32 {
        self.references[frame.0 as usize].load(Relaxed)
    }
}

/// The pool as the source of a file system's pages, so that files can be mapped without a copy.
#[derive(Clone, Debug)]
pub struct PoolPages(pub Arc<Memory>);

impl Pages for PoolPages {
    fn allocate(&mut self) -> Option<u64> {
        // File data obeys the same reserve as anonymous memory, so that a full /tmp breaks nobody else.
        if !self.0.can_promise(1) {
            return None;
        }
        self.0
            .allocate_zeroed()
            .ok()
            .map(|frame| u64::from(frame.0))
    }

    fn free(&mut self, frame: u64) {
        self.0.release(Frame(frame as u32));
    }

    fn read(&self, frame: u64, offset: usize, into: &mut [u8]) {
        // The trait promises a range inside a frame that `allocate` gave out.
        let _ = self
            .0
            .pool
            .read(Frame(frame as u32).offset() + offset, into);
    }

    fn write(&mut self, frame: u64, offset: usize, from: &[u8]) {
        // The trait promises a range inside a frame that `allocate` gave out.
        let _ = self
            .0
            .pool
            .write(Frame(frame as u32).offset() + offset, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_zeroed_counted_and_come_back() {
        let memory = Memory::new(Pool::on_heap(4 * PAGE_SIZE).unwrap());
        let a = memory.allocate_zeroed().unwrap();
        memory.pool().write(a.offset(), b"hello").unwrap();
        let b = memory.allocate_copy(a).unwrap();
        let mut bytes = [0; 5];
        memory.pool().read(b.offset(), &mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        memory.retain(a);
        memory.release(a);
        assert_eq!((memory.references(a), memory.available()), (1, 2));
        memory.release(a);
        assert_eq!(memory.available(), 3);
        let again = memory.allocate_zeroed().unwrap();
        memory.pool().read(again.offset(), &mut bytes).unwrap();
        assert_eq!(&bytes, &[0; 5]);
        memory.allocate().unwrap();
        memory.allocate().unwrap();
        assert_eq!(memory.allocate(), Err(Errno::ENOMEM));
    }
}
