//! Raw copies by relaxed atomic bytes: slow, but every step is visible to Miri.
use core::sync::atomic::{AtomicU8, Ordering};

/// Copies `length` bytes.
///
/// # Safety
/// Both ranges must be mapped, the destination writable, and they must not overlap.
pub unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    for index in 0..length {
        // SAFETY: `index` is inside the source range that the caller guarantees.
        let source = unsafe { from.add(index) };
        // SAFETY: the byte is mapped; guests only ever race on pool memory, which is written atomically here.
        let byte = unsafe { source.read() };
        // SAFETY: `index` is inside the destination range that the caller guarantees.
        let target = unsafe { to.add(index) };
        // SAFETY: the byte is mapped and writable for the whole call.
        let cell = unsafe { AtomicU8::from_ptr(target) };
        cell.store(byte, Ordering::Relaxed);
    }
}

/// Writes `length` zero bytes.
///
/// # Safety
/// The range must be mapped and writable.
pub unsafe fn zero(to: *mut u8, length: usize) {
    for index in 0..length {
        // SAFETY: `index` is inside the range that the caller guarantees.
        let target = unsafe { to.add(index) };
        // SAFETY: the byte is mapped and writable for the whole call.
        let cell = unsafe { AtomicU8::from_ptr(target) };
        cell.store(0, Ordering::Relaxed);
    }
}
