//! Model-specific registers.

use core::arch::asm;

/// Where the local APIC is and whether it is on.
pub const APIC_BASE: u32 = 0x1b;
/// What the CPU is not vulnerable to, and the like.
pub const ARCH_CAPABILITIES: u32 = 0x10a;
/// Code selector of `sysenter`; 0 makes the instruction an exception.
pub const SYSENTER_SELECTOR: u32 = 0x174;
/// Selectors for `syscall` and `sysret`.
pub const STAR: u32 = 0xc000_0081;
/// Where `syscall` goes.
pub const LSTAR: u32 = 0xc000_0082;
/// Flags that `syscall` clears.
pub const SYSCALL_MASK: u32 = 0xc000_0084;
/// Base of the segment FS.
pub const FS_BASE: u32 = 0xc000_0100;
/// Base of the segment GS.
pub const GS_BASE: u32 = 0xc000_0101;
/// The base that `swapgs` exchanges with GS's.
pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
/// When the timer shall fire, if it can be told.
pub const TSC_DEADLINE: u32 = 0x6e0;
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
