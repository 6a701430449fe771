//! Raw copies by the processor's string instructions, which the Rust memory model does not see, so that a guest may race.
use core::arch::asm;

/// Copies `length` bytes.
///
/// # Safety
/// Both ranges must be mapped, the destination writable, and they must not overlap.
pub unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller guarantees both ranges; the direction flag is clear in Rust code, and the registers that the
    // instructions change are declared.
    unsafe {
        asm!(
            "rep movsq",
            "mov rcx, {tail}",
            "rep movsb",
            tail = in(reg) length & 7,
            inout("rcx") length >> 3 => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// Writes `length` zero bytes.
///
/// # Safety
/// The range must be mapped and writable.
pub unsafe fn zero(to: *mut u8, length: usize) {
    // SAFETY: the caller guarantees the range; the direction flag is clear in Rust code, and the registers that the
    // instructions change are declared.
    unsafe {
        asm!(
            "rep stosq",
            "mov rcx, {tail}",
            "rep stosb",
            tail = in(reg) length & 7,
            inout("rcx") length >> 3 => _,
            inout("rdi") to => _,
            in("rax") 0u64,
            options(nostack, preserves_flags)
        );
    }
}
