//! The heap: of a fixed size that the parent chose.

use core::sync::atomic::{AtomicBool, Ordering};
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

#[global_allocator]
static HEAP: TalcLock<Spin, Manual> = TalcLock::new(Manual);

/// Gives the heap its memory.
///
/// # Safety
/// The range is mapped readable and writable, and belongs to the heap alone from now on.
pub(crate) unsafe fn claim(base: *mut u8, bytes: usize) {
    // SAFETY: the caller vouches for the range. A range too small to manage is not claimed, and then no allocation succeeds.
    let _ = unsafe { HEAP.lock().claim(base, bytes) };
}

// Said so that the crate and talc use the same lock traits.
const _: fn() = || {
    fn same<T: lock_api::RawMutex>() {}
    same::<Spin>();
};
