//! What the CPU says about itself.

use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// A leaf's registers; all zero if the CPU has no such leaf.
#[must_use]
pub fn leaf(number: u32, sub: u32) -> CpuidResult {
    let highest = __cpuid_count(number & 0xffff_0000, 0).eax;
    if number > highest {
        return CpuidResult {
            eax: 0,
            ebx: 0,
            ecx: 0,
            edx: 0,
        };
    }
    __cpuid_count(number, sub)
}

/// Whether the CPU is QEMU's own emulation.
#[must_use]
pub fn is_qemu_emulation() -> bool {
    let leaf = leaf(0x4000_0000, 0);
    leaf.ebx == u32::from_le_bytes(*b"TCGT")
        && leaf.ecx == u32::from_le_bytes(*b"CGTC")
        && leaf.edx == u32::from_le_bytes(*b"GTCG")
}
