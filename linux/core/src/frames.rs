//! The frames of the pool: who holds how many references to each, and which are free.
use crate::Errno;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
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

/// Where a pool that begins small gets the rest of its memory.
pub trait Backing: Debug + Send + Sync {
    /// Makes the pool longer by as much as comes in one step, filled with zeros, but not beyond `limit` pages. Whether it did; nothing
    /// changes otherwise, and a later call may succeed. Nobody else calls it at the same time.
    fn grow(&self, pool: &Pool, limit: usize) -> bool;
}

/// The sandbox's memory: the pool and the account of its frames. It is shared by address spaces and by the files whose
/// pages live in it, so it is changed through a shared reference.
#[derive(Debug)]
pub struct Memory {
    pool: Pool,
    backing: Option<Box<dyn Backing>>,
    /// Whether somebody makes the pool longer, or takes of its rest, just now.
    growing: AtomicBool,
    references: Vec<AtomicU32>,
    /// For each frame that came back the next such, as number + 1.
    next: Vec<AtomicU32>,
    /// The number of frames that were in use at some time: those from there on are free.
    fresh: AtomicUsize,
    /// Frames that the pool may have at most: fewer than there are when some of the memory was taken for something else.
    limit: AtomicUsize,
    /// The first frame that came back (number + 1) below, a counter above that changes at every step.
    head: AtomicU64,
    available: AtomicUsize,
}

impl Memory {
    /// Takes over a pool; all its frames are free.
    #[must_use]
    pub fn new(pool: Pool) -> Arc<Self> {
        let count = pool.length() / PAGE_SIZE;
        Self::with(pool, count, None)
    }

    /// Takes over a pool that `backing` makes longer when a frame behind its end is needed, up to `count` frames. All are free.
    #[must_use]
    pub fn growing(pool: Pool, count: usize, backing: Box<dyn Backing>) -> Arc<Self> {
        Self::with(pool, count, Some(backing))
    }

    fn with(pool: Pool, count: usize, backing: Option<Box<dyn Backing>>) -> Arc<Self> {
        let count = count.min((1 << 28) - 2);
        Arc::new(Self {
            pool,
            backing,
            growing: AtomicBool::new(false),
            references: (0..count).map(|_| AtomicU32::new(0)).collect(),
            next: (0..count).map(|_| AtomicU32::new(0)).collect(),
            fresh: AtomicUsize::new(0),
            limit: AtomicUsize::new(count),
            head: AtomicU64::new(0),
            available: AtomicUsize::new(count),
        })
    }

    /// The bytes themselves.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How many frames there are, those included that were withdrawn.
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

    /// Whether one process more may begin, and write to pages of its own: half of what is kept back stays for those that run, so that
    /// the one too many meets an error and not the end of another. The first process, which may have to end others, is let further.
    #[must_use]
    pub fn can_begin(&self, first: bool) -> bool {
        self.available() > self.total() / if first { 64 } else { 32 }
    }

    /// Takes `pages` pages of what the pool has not grown into for another use. Whether there are so many; `make` says whether it could
    /// use them, and nothing changes if not.
    pub fn withdraw(&self, pages: usize, make: impl FnOnce() -> bool) -> bool {
        self.lock();
        let taken = pages <= self.left() && make();
        if taken {
            self.limit.fetch_sub(pages, Relaxed);
            self.available.fetch_sub(pages, Relaxed);
        }
        self.growing.store(false, Release);
        taken
    }

    /// How many pages the pool has not grown into: [`Memory::withdraw`] takes of them.
    #[must_use]
    pub fn left(&self) -> usize {
        let left = || {
            self.limit
                .load(Relaxed)
                .saturating_sub(self.pool.length() / PAGE_SIZE)
        };
        self.backing.as_ref().map_or(0, |_| left())
    }

    /// Waits until nobody else makes the pool longer or takes of its rest.
    fn lock(&self) {
        while self.growing.swap(true, Acquire) {
            core::hint::spin_loop();
        }
    }

    /// Takes a frame that came back.
    fn pop(&self) -> Option<usize> {
        let mut head = self.head.load(Acquire);
        loop {
            let frame = (head as u32).checked_sub(1)?;
            let next = self.next[frame as usize].load(Relaxed);
            let new = ((head >> 32).wrapping_add(1) << 32) | u64::from(next);
            match self.head.compare_exchange_weak(head, new, AcqRel, Acquire) {
                Ok(_) => return Some(frame as usize),
                Err(found) => head = found,
            }
        }
    }

    /// Takes a frame that nobody had yet; makes the pool longer if it lies behind the end.
    fn take_fresh(&self) -> Option<usize> {
        loop {
            let end = (self.pool.length() / PAGE_SIZE).min(self.total());
            let taken = self
                .fresh
                .fetch_update(AcqRel, Acquire, |fresh| (fresh < end).then_some(fresh + 1));
            if let Ok(frame) = taken {
                return Some(frame);
            }
            self.lock();
            let limit = self.limit.load(Relaxed);
            // Another may have done it since `end` was read.
            let grew = self.pool.length() / PAGE_SIZE > end
                || end < limit
                    && self
                        .backing
                        .as_ref()
                        .is_some_and(|backing| backing.grow(&self.pool, limit));
            self.growing.store(false, Release);
            if !grew {
                return None;
            }
        }
    }

    /// Takes a free frame; also says whether it is known to be filled with zeros.
    fn take(&self) -> Result<(Frame, bool), Errno> {
        let (frame, zero) = match self.pop() {
            Some(frame) => (frame, false),
            None => (
                self.take_fresh().ok_or(Errno::ENOMEM)?,
                self.backing.is_some(),
            ),
        };
        self.references[frame].store(1, Relaxed);
        self.available.fetch_sub(1, Relaxed);
        Ok((Frame(frame as u32), zero))
    }

    /// Takes a free frame with whatever bytes it has; the caller holds its one reference.
    ///
    /// # Errors
    /// ENOMEM when none is free.
    pub fn allocate(&self) -> Result<Frame, Errno> {
        self.take().map(|(frame, _)| frame)
    }

    /// Takes a free frame filled with zeros.
    ///
    /// # Errors
    /// ENOMEM when none is free.
    pub fn allocate_zeroed(&self) -> Result<Frame, Errno> {
        let (frame, zero) = self.take()?;
        if !zero {
            // The frame is inside the pool, as its number is below the count that the pool's length gave.
            let _ = self.pool.zero(frame.offset(), PAGE_SIZE);
        }
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

    #[test]
    fn the_first_process_may_begin_others_when_nobody_else_may() {
        let memory = Memory::new(Pool::on_heap(64 * PAGE_SIZE).unwrap());
        let mut can = alloc::vec::Vec::new();
        loop {
            can.push((memory.can_begin(false), memory.can_begin(true)));
            if memory.allocate().is_err() {
                break;
            }
        }
        assert!(can[..62].iter().all(|can| *can == (true, true)));
        assert_eq!(can[62..], [(false, true), (false, false), (false, false)]);
    }

    /// Three steps of two pages, if it is let.
    #[derive(Debug)]
    struct Steps(Arc<AtomicBool>);

    impl Backing for Steps {
        fn grow(&self, pool: &Pool, limit: usize) -> bool {
            let left = limit - pool.length() / PAGE_SIZE;
            self.0.load(Relaxed) && pool.extend_on_heap(left.min(2) * PAGE_SIZE)
        }
    }

    #[test]
    fn a_growing_pool_grows_only_when_no_frame_is_left() {
        let allowed = Arc::new(AtomicBool::new(true));
        let pool = Pool::on_heap_from(6 * PAGE_SIZE, 2 * PAGE_SIZE).unwrap();
        let memory = Memory::growing(pool, 6, Box::new(Steps(allowed.clone())));
        let length = || memory.pool().length() / PAGE_SIZE;
        assert_eq!((memory.total(), memory.available(), length()), (6, 6, 2));
        let first = memory.allocate_zeroed().unwrap();
        let second = memory.allocate_zeroed().unwrap();
        memory.pool().write(second.offset(), b"dirty").unwrap();
        memory.release(second);
        assert_eq!(memory.allocate_zeroed().unwrap(), second, "before it grows");
        let mut bytes = [1; 5];
        memory.pool().read(second.offset(), &mut bytes).unwrap();
        assert_eq!((bytes, length()), ([0; 5], 2));
        allowed.store(false, Relaxed);
        assert_eq!(memory.allocate(), Err(Errno::ENOMEM));
        assert_eq!(memory.available(), 4, "a step that failed takes nothing");
        allowed.store(true, Relaxed);
        let mut frames = alloc::vec![first, second];
        while let Ok(frame) = memory.allocate_zeroed() {
            memory.pool().read(frame.offset(), &mut bytes).unwrap();
            assert_eq!(bytes, [0; 5]);
            frames.push(frame);
        }
        assert_eq!((memory.available(), length()), (0, 6));
        frames.sort();
        frames.dedup();
        assert_eq!(frames.len(), 6, "no frame twice");
    }

    #[test]
    fn what_is_withdrawn_is_no_frame_any_more() {
        let allowed = Arc::new(AtomicBool::new(true));
        let pool = Pool::on_heap_from(6 * PAGE_SIZE, 2 * PAGE_SIZE).unwrap();
        let memory = Memory::growing(pool, 6, Box::new(Steps(allowed)));
        assert!(!memory.withdraw(5, || panic!("there are four")));
        assert!(!memory.withdraw(1, || false));
        assert_eq!((memory.total(), memory.available()), (6, 6));
        assert!(memory.withdraw(1, || true));
        assert_eq!((memory.total(), memory.available()), (6, 5));
        for _ in 0..3 {
            memory.allocate().unwrap();
        }
        // The pool has grown by two, one is left to withdraw, and the next step is the last and a short one.
        assert!(!memory.withdraw(2, || panic!("there is one")));
        for left in [1, 0] {
            memory.allocate().unwrap();
            assert_eq!(memory.available(), left);
        }
        assert_eq!(memory.pool().length(), 5 * PAGE_SIZE);
        assert_eq!(memory.allocate(), Err(Errno::ENOMEM));
        assert!(!memory.withdraw(1, || panic!("there is none")));
        let fixed = Memory::new(Pool::on_heap(4 * PAGE_SIZE).unwrap());
        assert!(!fixed.withdraw(1, || panic!("it does not grow")));
    }
}
