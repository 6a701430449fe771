//! The page-table registers: which root is in use, and what the CPU remembers of it.

use core::arch::asm;

/// Uses the page tables whose root is at the physical address `root`.
///
/// # Safety
/// The root's upper half must be the kernel's (see [`crate::kernel_map::root_entry`]), and the tables must stay valid while in use.
#[inline]
pub unsafe fn load_root(root: u64) {
    // SAFETY: the caller vouches for the tables; the kernel's own mappings are the same in each root.
    unsafe { asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) };
}

/// The physical address of the root in use.
#[inline]
#[must_use]
pub fn read_root() -> u64 {
    let root: u64;
    // SAFETY: reading the register changes nothing.
    unsafe { asm!("mov {}, cr3", out(reg) root, options(nomem, nostack, preserves_flags)) };
    root & !0xfff
}

/// Makes this CPU forget its translation of one address under the root in use.
#[inline]
pub fn flush_page(address: u64) {
    // SAFETY: forgetting a translation makes the CPU read the tables again, which is always allowed.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Makes this CPU forget all translations of the root in use but global ones.
#[inline]
pub fn flush_all() {
    // SAFETY: the root stays the same one.
    unsafe { load_root(read_root()) };
}
