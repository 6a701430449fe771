//! The floating-point and vector registers, which are saved only when another thread wants them.

use crate::cpuid;
use crate::features::Features;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// Parts of the state that are saved: x87, SSE, AVX.
const WANTED: u64 = 0b111;
/// Bytes of the state without `xsave`.
const LEGACY_SIZE: u64 = 512;

/// Parts that this machine saves with `xsave`; 0 without it.
static PARTS: AtomicU64 = AtomicU64::new(0);
static SIZE: AtomicU64 = AtomicU64::new(LEGACY_SIZE);

/// Prepares this CPU; afterwards the first use of the registers is an exception.
pub(crate) fn set_up(features: Features) {
    if features.xsave {
        let leaf = cpuid::leaf(0xd, 0);
        let parts = (u64::from(leaf.edx) << 32 | u64::from(leaf.eax)) & WANTED;
        // SAFETY: the CPU has these parts, and OSXSAVE is on.
        unsafe {
            asm!("xsetbv", in("ecx") 0, in("eax") parts as u32, in("edx") 0, options(nostack, preserves_flags))
        };
        PARTS.store(parts, Ordering::Relaxed);
        // Asked again, since the answer is the size for the parts that are on.
        SIZE.store(cpuid::leaf(0xd, 0).ebx.into(), Ordering::Relaxed);
    }
    disable();
}

/// Bytes that [`save`] writes.
#[must_use]
pub fn state_size() -> u64 {
    SIZE.load(Ordering::Relaxed)
}

/// Makes every use of the registers an exception (vector 7) on this CPU.
#[inline]
pub fn disable() {
    let mut value: u64;
    // SAFETY: reading the register changes nothing.
    unsafe { asm!("mov {}, cr0", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value |= 1 << 3;
    // SAFETY: only the bit changes that makes FPU instructions trap; the kernel uses none.
    unsafe { asm!("mov cr0, {}", in(reg) value, options(nostack, preserves_flags)) };
}

/// Allows use of the registers on this CPU.
#[inline]
pub fn enable() {
    // SAFETY: the kernel does not depend on FPU instructions trapping.
    unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) };
}

/// Writes the registers to `area`. They must be enabled.
///
/// # Safety
/// `area` must be aligned to 64 bytes, have [`state_size`] bytes and be used by nobody else; at first it must be all zero.
pub unsafe fn save(area: *mut u8) {
    let parts = PARTS.load(Ordering::Relaxed) as u32;
    if parts == 0 {
        // SAFETY: the caller vouches for the area.
        unsafe { asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags)) };
    } else {
        // SAFETY: the caller vouches for the area; the parts are those that are on.
        unsafe {
            asm!("xsave64 [{}]", in(reg) area, in("eax") parts, in("edx") 0, options(nostack, preserves_flags))
        };
    }
}

/// Reads the registers from `area`. They must be enabled. False, with registers in their first state, if the area holds
/// what the CPU does not accept.
///
/// # Safety
/// `area` must be aligned to 64 bytes and have [`state_size`] bytes.
#[must_use]
pub unsafe fn restore(area: *const u8) -> bool {
    let parts = PARTS.load(Ordering::Relaxed) as u32;
    let mut failed: u64 = 0;
    if parts == 0 {
        // SAFETY: the caller vouches for the area; a value that the CPU refuses leads to the fix-up.
        unsafe {
            asm!(
                "2: fxrstor64 [{area}]",
                "jmp 4f",
                "3: mov {failed:e}, 1",
                "4:",
                ".pushsection .fixups, \"a\", @progbits",
                ".quad 2b, 3b",
                ".popsection",
                area = in(reg) area,
                failed = inout(reg) failed,
                options(nostack),
            );
        }
    } else {
        // SAFETY: as above.
        unsafe {
            asm!(
                "2: xrstor64 [{area}]",
                "jmp 4f",
                "3: mov {failed:e}, 1",
                "4:",
                ".pushsection .fixups, \"a\", @progbits",
                ".quad 2b, 3b",
                ".popsection",
                area = in(reg) area,
                failed = inout(reg) failed,
                in("eax") parts,
                in("edx") 0,
                options(nostack),
            );
        }
    }
    if failed != 0 {
        reset();
    }
    failed == 0
}

/// Puts the registers into the state in which a new thread finds them.
pub fn reset() {
    #[repr(C, align(64))]
    struct First([u8; 832]);
    // An area without any part marked as present, but with the control words that the ABI asks for.
    static FIRST: First = {
        let mut bytes = [0; 832];
        bytes[0] = 0x7f;
        bytes[1] = 0x03;
        bytes[24] = 0x80;
        bytes[25] = 0x1f;
        First(bytes)
    };
    let parts = PARTS.load(Ordering::Relaxed) as u32;
    let area = FIRST.0.as_ptr();
    if parts == 0 {
        // SAFETY: the area is aligned, long enough and valid.
        unsafe { asm!("fxrstor64 [{}]", in(reg) area, options(nostack, preserves_flags)) };
    } else {
        // SAFETY: as above; with no part marked as present each goes to its first state.
        unsafe {
            asm!("xrstor64 [{}]", in(reg) area, in("eax") parts, in("edx") 0, options(nostack, preserves_flags))
        };
    }
}
