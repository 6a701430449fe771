//! What CPUs ask of each other: flush your translations.
//!
//! Whoever holds the lock sets a bit in the other's mailbox, interrupts it and waits until the bit is gone. Whoever waits for the lock
//! serves its mailbox meanwhile, so nobody waits for a CPU that waits for it. The interrupt itself proves nothing: it only makes the
//! CPU look.

use core::sync::atomic::{AtomicBool, Ordering};

use sundog_arch_x86_64::acpi::MAX_CPUS;
use sundog_arch_x86_64::lapic;
use sundog_arch_x86_64::paging;
use sundog_arch_x86_64::per_cpu;

use super::hardware::for_each;

static FLUSH: [AtomicBool; MAX_CPUS] = [const { AtomicBool::new(false) }; MAX_CPUS];

/// Does what others asked of this CPU.
pub(super) fn serve(cpu: usize) {
    if FLUSH[cpu].load(Ordering::Acquire) {
        paging::flush_all();
        FLUSH[cpu].store(false, Ordering::Release);
    }
}

/// Flushes the translations of these CPUs, the own one included, and waits for the others.
pub(super) fn flush(cpus: u64) {
    let own = per_cpu::index();
    let others = cpus & !(1 << own);
    for_each(others, |cpu| {
        FLUSH[cpu].store(true, Ordering::Release);
        lapic::call(cpu);
    });
    if cpus & 1 << own != 0 {
        paging::flush_all();
    }
    for_each(others, |cpu| {
        while FLUSH[cpu].load(Ordering::Acquire) {
            core::hint::spin_loop();
        }
    });
}
