//! Model-specific registers.

use core::arch::asm;

/// Where the local APIC is and whether it is on.
pub const APIC_BASE: u32 = 0x1b;
/// The page attribute table.
pub const PAT: u32 = 0x277;

/// Reads a register.
///
/// # Safety
/// The CPU must have it: otherwise the read is an exception.
#[inline]
#[must_use]
pub unsafe fn read(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the caller vouches that the register exists; reading one changes nothing.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a register.
///
/// # Safety
/// The CPU must have it, must accept the value, and what the value switches must leave the running code's memory as it is.
#[inline]
pub unsafe fn write(register: u32, value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: the caller vouches for register and value.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack, preserves_flags));
    }
}
