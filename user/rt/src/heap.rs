//! The heap: of a fixed size that the parent chose.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use talc::lock_api::{GuardSend, RawMutex};
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

/// The heap and how much of it is taken.
struct Counted {
    heap: TalcLock<Spin, Manual>,
    bytes: AtomicUsize,
    used: AtomicUsize,
}

#[global_allocator]
static HEAP: Counted = Counted {
    heap: TalcLock::new(Manual),
    bytes: AtomicUsize::new(0),
    used: AtomicUsize::new(0),
};

/// What an allocation takes at most, with the allocator's own word.
fn cost(bytes: usize) -> usize {
    const WORD: usize = 8;
    const STEP: usize = 32;
    bytes.saturating_add(WORD + STEP - 1) & !(STEP - 1)
}

// SAFETY: every call goes on to the allocator behind, unchanged; only sums are kept here.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's duties are those of the allocator behind.
        let made = unsafe { self.heap.alloc(layout) };
        if !made.is_null() {
            self.used.fetch_add(cost(layout.size()), Ordering::Relaxed);
        }
        made
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's duties are those of the allocator behind.
        unsafe { self.heap.dealloc(memory, layout) };
        self.used.fetch_sub(cost(layout.size()), Ordering::Relaxed);
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's duties are those of the allocator behind.
        let made = unsafe { self.heap.realloc(memory, layout, bytes) };
        if !made.is_null() {
            self.used.fetch_add(cost(bytes), Ordering::Relaxed);
            self.used.fetch_sub(cost(layout.size()), Ordering::Relaxed);
        }
        made
    }
}

/// Bytes of the heap, and how many of them are free; pieces between allocations may make the largest allocation much smaller.
pub(crate) fn state() -> (usize, usize) {
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
}

// Said so that the crate and talc use the same lock traits.
const _: fn() = || {
    fn same<T: lock_api::RawMutex>() {}
    same::<Spin>();
};
