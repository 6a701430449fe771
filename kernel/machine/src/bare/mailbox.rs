//! What CPUs ask of each other: flush your translations, leave the root that you use,
//! write out the FPU.
//!
//! Whoever holds the lock sets a bit in the other's mailbox, interrupts it and waits until the bit is gone. Whoever waits for the lock
//! serves its mailbox meanwhile, so nobody waits for a CPU that waits for it. The interrupt itself proves nothing: it only makes the
//! CPU look.

use core::sync::atomic::{AtomicBool, Ordering};

use sundog_arch_x86_64::acpi::MAX_CPUS;
use sundog_arch_x86_64::kernel_map;
use sundog_arch_x86_64::lapic;
use sundog_arch_x86_64::paging;
use sundog_arch_x86_64::per_cpu;

use super::fpu;
use super::hardware::for_each;

type Requests = [AtomicBool; MAX_CPUS];

static FLUSH: Requests = [const { AtomicBool::new(false) }; MAX_CPUS];
static LEAVE: Requests = [const { AtomicBool::new(false) }; MAX_CPUS];
static SAVE_FPU: Requests = [const { AtomicBool::new(false) }; MAX_CPUS];

/// Does what others asked of this CPU.
#[inline(always)]
pub(super) fn serve(cpu: usize) {
    if LEAVE[cpu].load(Ordering::Acquire) {
        use_kernel_root();
        LEAVE[cpu].store(false, Ordering::Release);
    }
    if FLUSH[cpu].load(Ordering::Acquire) {
        paging::flush_all();
        FLUSH[cpu].store(false, Ordering::Release);
    }
    if SAVE_FPU[cpu].load(Ordering::Acquire) {
        fpu::save_own(cpu);
        SAVE_FPU[cpu].store(false, Ordering::Release);
    }
}

/// Makes other CPUs write out the FPU registers that they hold, and waits for them.
pub(super) fn save_fpu(cpus: u64) {
    ask(&SAVE_FPU, cpus, || fpu::save_own(per_cpu::index()));
}

/// Flushes the translations of these CPUs, the own one included, and waits for the others.
pub(super) fn flush(cpus: u64) {
    ask(&FLUSH, cpus, paging::flush_all);
}

/// Makes these CPUs, the own one included, use the kernel's own root, and waits for the others.
pub(super) fn leave_root(cpus: u64) {
    ask(&LEAVE, cpus, use_kernel_root);
}

fn use_kernel_root() {
    // SAFETY: the kernel's root exists since boot, and its upper half is in each root.
    unsafe { paging::load_root(kernel_map::root()) };
}

fn ask(what: &Requests, cpus: u64, myself: fn()) {
    let own = per_cpu::index();
    let others = cpus & !(1 << own);
    for_each(others, |cpu| {
        what[cpu].store(true, Ordering::Release);
        lapic::call(cpu);
    });
    if cpus & 1 << own != 0 {
        myself();
    }
    for_each(others, |cpu| {
        while what[cpu].load(Ordering::Acquire) {
            core::hint::spin_loop();
        }
    });
}
