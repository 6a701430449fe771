//! The heap: of a size that the parent chose, and longer if the program gave it something to grow from.
//!
//! Once the program asks whether there is room ([`has_room`]), a block is kept back. Small allocations that find nothing else get
//! its memory, and until it could be kept back again there is no room. So whoever makes nothing on the wish of others without asking,
//! and allocates at most half of the block in small pieces after each answer, never meets the heap's end.

use crate::growth::Growth;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use talc::lock_api::{GuardSend, Mutex, RawMutex};
use talc::source::Manual;
use talc::{TalcLock, lock_api};

/// A lock of one flag. The threads of a program that share a heap run at one priority, so whoever spins lets the owner go on.
struct Spin(AtomicBool);

// SAFETY: `lock` returns only after this thread changed the flag from free to taken, and only `unlock` changes it back.
unsafe impl RawMutex for Spin {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait wants its initial value so"
    )]
    const INIT: Spin = Spin(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {
            core::hint::spin_loop();
        }
    }

    fn try_lock(&self) -> bool {
        self.0
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The largest allocation that may take of the block kept back. Larger ones are made in ways that can fail.
const SMALL: usize = 64 * 1024;
/// The largest block to keep back.
const MOST_KEPT: usize = 512 * 1024;
/// At most one part in so many of the heap's first bytes is kept back.
const KEPT_PART: usize = 8;

/// Where the heap grows.
struct Source {
    growth: Growth,
    /// The end of what it grew by, as the allocator names it.
    end: Option<NonNull<u8>>,
}

// SAFETY: the address is the allocator's, which is used under its own lock only.
unsafe impl Send for Source {}

/// The heap and how much of it is taken.
struct Counted {
    heap: TalcLock<Spin, Manual>,
    bytes: AtomicUsize,
    used: AtomicUsize,
    source: Mutex<Spin, Option<Source>>,
    /// The block kept back, or null.
    kept: AtomicPtr<u8>,
    /// Bytes of that block; 0 before the first claim.
    keeps: AtomicUsize,
}

#[global_allocator]
static HEAP: Counted = Counted {
    heap: TalcLock::new(Manual),
    bytes: AtomicUsize::new(0),
    used: AtomicUsize::new(0),
    source: Mutex::new(None),
    kept: AtomicPtr::new(null_mut()),
    keeps: AtomicUsize::new(0),
};

impl Counted {
    /// The layout of the block kept back.
    fn kept_layout(&self) -> Layout {
        Layout::from_size_align(self.keeps.load(Ordering::Relaxed), 16)
            .unwrap_or(Layout::new::<u128>())
    }

    /// Takes one step of what it can grow by. Whether there was one.
    fn grow(&self) -> bool {
        // Nothing below allocates, so the lock is free unless another thread grows the heap just now.
        let mut source = self.source.lock();
        let Some(Source { growth, end }) = source.as_mut() else {
            return false;
        };
        let Some(mapping) = growth.step() else {
            return false;
        };
        let base: *mut u8 = core::ptr::with_exposed_provenance_mut(mapping.address() as usize);
        let bytes = mapping.bytes();
        let mut heap = self.heap.lock();
        *end = match *end {
            // SAFETY: the mapping was made just now for this heap alone, right behind the last one, whose end this is; its value
            // ends here, so nothing else reaches its pages.
            Some(end) => Some(unsafe { heap.extend(end, base.wrapping_add(bytes)) }),
            // SAFETY: as above, but for the first.
            None => unsafe { heap.claim(base, bytes) },
        };
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// Finds more memory for an allocation that failed. Whether there may be enough now.
    fn can_try_again(&self, layout: Layout) -> bool {
        self.growable() >= layout.size().min(1 << 20) && self.grow() || self.give_kept(layout)
    }

    /// Bytes that it can still grow by.
    fn growable(&self) -> usize {
        let source = self.source.lock();
        source.as_ref().map_or(0, |source| source.growth.bytes())
    }

    /// Frees the block kept back, if it is there and `layout` may have of it. Whether it did.
    fn give_kept(&self, layout: Layout) -> bool {
        if layout.size() > SMALL {
            return false;
        }
        let kept = self.kept.swap(null_mut(), Ordering::Relaxed);
        if kept.is_null() {
            return false;
        }
        // SAFETY: the block was allocated with this layout by `keep`, and the swap made it this thread's alone.
        unsafe { self.dealloc(kept, self.kept_layout()) };
        true
    }

    /// Keeps the block back, if it is not. Whether it is kept now.
    fn keep(&self) -> bool {
        if !self.kept.load(Ordering::Relaxed).is_null() {
            return true;
        }
        // SAFETY: the layout is never empty.
        let block = unsafe { self.alloc(self.kept_layout()) };
        if block.is_null() {
            return false;
        }
        let old = self.kept.swap(block, Ordering::Relaxed);
        if !old.is_null() {
            // Another thread did the same at the same time.
            // SAFETY: as in `give_kept`.
            unsafe { self.dealloc(old, self.kept_layout()) };
        }
        true
    }
}

/// What an allocation takes at most, with the allocator's own word.
fn cost(bytes: usize) -> usize {
    const WORD: usize = 8;
    const STEP: usize = 32;
    bytes.saturating_add(WORD + STEP - 1) & !(STEP - 1)
}

// SAFETY: every call goes on to the allocator behind, unchanged; what failed is tried again when there is more memory.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        loop {
            // SAFETY: the caller's duties are those of the allocator behind.
            let made = unsafe { self.heap.alloc(layout) };
            if !made.is_null() {
                self.used.fetch_add(cost(layout.size()), Ordering::Relaxed);
                return made;
            }
            if !self.can_try_again(layout) {
                return made;
            }
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's duties are those of the allocator behind.
        unsafe { self.heap.dealloc(memory, layout) };
        self.used.fetch_sub(cost(layout.size()), Ordering::Relaxed);
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(bytes, layout.align()) else {
            return null_mut();
        };
        loop {
            // SAFETY: the caller's duties are those of the allocator behind; what fails leaves the block as it was.
            let made = unsafe { self.heap.realloc(memory, layout, bytes) };
            if !made.is_null() {
                self.used.fetch_add(cost(bytes), Ordering::Relaxed);
                self.used.fetch_sub(cost(layout.size()), Ordering::Relaxed);
                return made;
            }
            if !self.can_try_again(wanted) {
                return made;
            }
        }
    }
}

/// Whether the block is kept back, and more than one part in `part` of the heap is left besides, counting what it can grow by.
pub(crate) fn has_room(part: usize) -> bool {
    let (bytes, free) = state();
    let growable = HEAP.growable();
    free + growable > (bytes + growable) / part.max(1) && HEAP.keep()
}

/// Lets the heap grow out of `growth`.
pub(crate) fn grow_from(growth: Growth) {
    *HEAP.source.lock() = Some(Source { growth, end: None });
}

/// Bytes of the heap, and how many of them are free; pieces between allocations may make the largest allocation much smaller.
fn state() -> (usize, usize) {
    let bytes = HEAP.bytes.load(Ordering::Relaxed);
    (
        bytes,
        bytes.saturating_sub(HEAP.used.load(Ordering::Relaxed)),
    )
}

/// Gives the heap its memory.
///
/// # Safety
/// The range is mapped readable and writable, and belongs to the heap alone from now on.
pub(crate) unsafe fn claim(base: *mut u8, bytes: usize) {
    // SAFETY: the caller vouches for the range. A range too small to manage is not claimed, and then no allocation succeeds.
    let _ = unsafe { HEAP.heap.lock().claim(base, bytes) };
    HEAP.bytes.fetch_add(bytes, Ordering::Relaxed);
    let keeps = (bytes / KEPT_PART).min(MOST_KEPT);
    HEAP.keeps.store(keeps, Ordering::Relaxed);
}

// Said so that the crate and talc use the same lock traits.
const _: fn() = || {
    fn same<T: lock_api::RawMutex>() {}
    same::<Spin>();
};
