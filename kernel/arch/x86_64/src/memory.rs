//! Filling memory by one instruction for each eight bytes.

use core::arch::asm;

/// Writes zero to `words` words from `start` on.
///
/// # Safety
/// The range must be mapped writable and nothing that lives may lie in it.
pub unsafe fn zero_words(start: *mut u64, words: usize) {
    // SAFETY: the caller vouches for the range; the direction flag is clear in the kernel.
    unsafe {
        asm!(
            "rep stosq",
            inout("rcx") words => _,
            inout("rdi") start => _,
            in("rax") 0_u64,
            options(nostack, preserves_flags)
        );
    }
}
