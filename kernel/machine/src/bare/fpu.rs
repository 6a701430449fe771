//! The FPU: each CPU remembers whose registers it holds, and saves them only when somebody else needs them.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sundog_abi::vcpu::page::FPU_BYTE;
use sundog_arch_x86_64::acpi::MAX_CPUS;
use sundog_arch_x86_64::fpu;
use sundog_arch_x86_64::layout::direct;
use sundog_arch_x86_64::per_cpu;

use super::mailbox;
use crate::{Ref, SharedPage, Token, UNIT};

/// The unit of the state page whose guest's registers each CPU holds; 0 if nobody's.
static OWNER: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];
/// Whether the FPU can be used on each CPU.
static ENABLED: [AtomicBool; MAX_CPUS] = [const { AtomicBool::new(false) }; MAX_CPUS];

fn area(unit: u32) -> *mut u8 {
    let address = direct(u64::from(unit) * UNIT) as usize + FPU_BYTE;
    core::ptr::with_exposed_provenance_mut(address)
}

#[inline(always)]
fn allow(cpu: usize, allowed: bool) {
    // Only this CPU reads and writes its own entry.
    if ENABLED[cpu].load(Ordering::Relaxed) != allowed {
        ENABLED[cpu].store(allowed, Ordering::Relaxed);
        if allowed {
            fpu::enable();
        } else {
            fpu::disable();
        }
    }
}

/// Writes out what this CPU holds, and forgets it.
pub(super) fn save_own(cpu: usize) {
    let unit = OWNER[cpu].swap(0, Ordering::Relaxed);
    if unit == 0 {
        return;
    }
    allow(cpu, true);
    // SAFETY: the owner's page lives, since `fpu_forget` comes before its end; the area is aligned to 64 bytes, its page has room for
    // x87, SSE and AVX state behind FPU_BYTE, it was zero at first, and what its holder wrote into it since, `save` overwrites.
    unsafe { fpu::save(area(unit)) };
    allow(cpu, false);
}

/// Takes the registers of a page's guest from whichever CPU holds them.
fn collect(page: Ref<SharedPage>) {
    let own = per_cpu::index();
    for (cpu, owner) in OWNER.iter().enumerate() {
        if owner.load(Ordering::Relaxed) != page.unit() {
            continue;
        }
        if cpu == own {
            save_own(cpu);
        } else {
            mailbox::save_fpu(1 << cpu);
        }
    }
}

/// Gives this CPU's FPU to the guest of a state page.
pub fn fpu_use(_token: &Token, page: Ref<SharedPage>) {
    let cpu = per_cpu::index();
    if OWNER[cpu].load(Ordering::Relaxed) == page.unit() {
        allow(cpu, true);
        return;
    }
    collect(page);
    save_own(cpu);
    allow(cpu, true);
    // SAFETY: the area is aligned and has room, as above. A state that the CPU refuses leaves the registers in their first state, so
    // that what the last owner had in them is not seen; that is all its holder can achieve, and nothing to report.
    let _ = unsafe { fpu::restore(area(page.unit())) };
    OWNER[cpu].store(page.unit(), Ordering::Relaxed);
}

/// Before the kernel is left: the FPU may be used only by the guest that has it.
#[inline(always)]
pub fn fpu_leave(_token: &Token, page: Option<Ref<SharedPage>>) {
    let cpu = per_cpu::index();
    let owner = OWNER[cpu].load(Ordering::Relaxed);
    allow(cpu, page.is_some_and(|page| page.unit() == owner));
}

/// Writes a guest's FPU registers to its page, if a CPU has them.
pub fn fpu_sync(_token: &Token, page: Ref<SharedPage>) {
    collect(page);
}

/// Takes the FPU from a guest that is about to end.
pub fn fpu_forget(_token: &Token, page: Ref<SharedPage>) {
    collect(page);
}
