//! I/O ports.

use core::arch::asm;

/// Reads a byte from a port.
#[inline]
#[must_use]
pub fn in_u8(port: u16) -> u8 {
    let value;
    // SAFETY: reading a port changes no memory; what it does to the device cannot break Rust's rules.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Reads 16 bits from a port.
#[inline]
#[must_use]
pub fn in_u16(port: u16) -> u16 {
    let value;
    // SAFETY: as for `in_u8`.
    unsafe {
        asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Reads 32 bits from a port.
#[inline]
#[must_use]
pub fn in_u32(port: u16) -> u32 {
    let value;
    // SAFETY: as for `in_u8`.
    unsafe {
        asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Writes a byte to a port.
///
/// # Safety
/// The device behind the port must not, because of the write, change memory that the kernel relies on (by DMA, by a reset).
#[inline]
pub unsafe fn out_u8(port: u16, value: u8) {
    // SAFETY: the caller vouches for what the device does.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags)) };
}

/// Writes 16 bits to a port.
///
/// # Safety
/// As for [`out_u8`].
#[inline]
pub unsafe fn out_u16(port: u16, value: u16) {
    // SAFETY: the caller vouches for what the device does.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nostack, preserves_flags)) };
}

/// Writes 32 bits to a port.
///
/// # Safety
/// As for [`out_u8`].
#[inline]
pub unsafe fn out_u32(port: u16, value: u32) {
    // SAFETY: the caller vouches for what the device does.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags))
    };
}
