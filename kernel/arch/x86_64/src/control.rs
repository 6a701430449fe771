//! Switches each CPU's protections on and sets the registers that never change afterwards.

use crate::cpuid;
use crate::descriptor::{KERNEL_CODE, USER_BASE};
use crate::entry_format;
use crate::features::{Features, Leaves};
use crate::msr;
use crate::trap;
use core::arch::asm;

const CR4_FIXED: u64 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10; // PAE, PGE, OSFXSR, OSXMMEXCPT
const CR4_UMIP: u64 = 1 << 11;
const CR4_FSGSBASE: u64 = 1 << 16;
const CR4_OSXSAVE: u64 = 1 << 18;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

/// Flags that `syscall` clears: trap, interrupt, direction, nested task, alignment check.
const SYSCALL_CLEARS: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 1 << 14 | 1 << 18;

/// What this CPU has.
#[must_use]
pub fn features() -> Features {
    let seven = cpuid::leaf(7, 0);
    let vendor = cpuid::leaf(0, 0).ebx;
    Features::of(Leaves {
        leaf_1_ecx: cpuid::leaf(1, 0).ecx,
        leaf_7_ebx: seven.ebx,
        leaf_7_ecx: seven.ecx,
        extended_1_edx: cpuid::leaf(0x8000_0001, 0).edx,
        extended_7_edx: cpuid::leaf(0x8000_0007, 0).edx,
        amd: vendor == u32::from_le_bytes(*b"Auth") || vendor == u32::from_le_bytes(*b"Hygo"),
        capabilities: if seven.edx & 1 << 29 != 0 {
            capabilities()
        } else {
            0
        },
    })
}

fn capabilities() -> u64 {
    // SAFETY: called only where CPUID says that the register exists.
    unsafe { msr::read(msr::ARCH_CAPABILITIES) }
}

/// Sets this CPU's control registers by what it has.
pub(crate) fn set(features: Features) {
    let optional = [
        (features.umip, CR4_UMIP),
        (features.fsgsbase, CR4_FSGSBASE),
        (features.xsave, CR4_OSXSAVE),
        (features.smep, CR4_SMEP),
        (features.smap, CR4_SMAP),
    ];
    let bits = optional
        .iter()
        .filter(|(has, _)| *has)
        .fold(CR4_FIXED, |all, (_, bit)| all | bit);
    // SAFETY: every bit is one that the CPU has, paging stays as it is, and the kernel touches no user page.
    unsafe { asm!("mov cr4, {}", in(reg) bits, options(nostack, preserves_flags)) };
}

/// Sets this CPU's page attribute table.
pub(crate) fn set_cache_types() {
    // SAFETY: every CPU with long mode has the register; only entry 0 is in use so far, and that stays write-back.
    unsafe { msr::write(msr::PAT, entry_format::PAT) };
}

/// Sets where this CPU's `syscall` goes.
pub(crate) fn set_syscall(features: Features) {
    let selectors = u64::from(USER_BASE) << 48 | u64::from(KERNEL_CODE) << 32;
    // SAFETY: every CPU with long mode has the register; the selectors are the descriptor table's.
    unsafe { msr::write(msr::STAR, selectors) };
    // SAFETY: as above; the address is the entry code's.
    unsafe { msr::write(msr::LSTAR, trap::syscall_entry(features.fsgsbase)) };
    // SAFETY: as above.
    unsafe { msr::write(msr::SYSCALL_MASK, SYSCALL_CLEARS) };
    // SAFETY: as above; there is no other way in.
    unsafe { msr::write(msr::SYSENTER_SELECTOR, 0) };
}
