//! Starts the other CPUs.

use crate::boot;
use crate::kernel_map;
use crate::lapic;
use crate::layout::{TRAMPOLINE, direct, kernel_stack};
use crate::tsc;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const INIT: u32 = 0x4500;
const START: u32 = 0x4600 | (TRAMPOLINE >> 12) as u32;

/// What the CPU that is being started reads; one is started at a time.
#[repr(C)]
pub(crate) struct Start {
    root: AtomicU64,
    stack: AtomicU64,
    cpu: AtomicU64,
}

/// Read by the first instructions of a CPU in the high half.
pub(crate) static START_OF: Start = Start {
    root: AtomicU64::new(0),
    stack: AtomicU64::new(0),
    cpu: AtomicU64::new(0),
};

/// CPUs that run.
static RUNNING: AtomicUsize = AtomicUsize::new(1);

/// How many CPUs run.
#[must_use]
pub fn running() -> usize {
    RUNNING.load(Ordering::Acquire)
}

/// Says that this CPU runs.
pub(crate) fn arrived() {
    RUNNING.fetch_add(1, Ordering::AcqRel);
}

/// Starts the CPU with number `cpu` and the given APIC identifier, and waits until it runs. False if it does not within half a second.
pub(crate) fn start(cpu: usize, identifier: u8) -> bool {
    START_OF.root.store(kernel_map::root(), Ordering::Relaxed);
    START_OF
        .stack
        .store(kernel_stack(cpu as u64).1, Ordering::Relaxed);
    START_OF.cpu.store(cpu as u64, Ordering::Release);
    let before = running();
    // A CPU that takes INIT makes an instruction-counting QEMU lose count until the machine's next timer event, so let there be one.
    lapic::fire_for_nothing(20_000);
    lapic::command(identifier, INIT);
    // CPUs of this century need no pause between the two; for those that miss the first start there are more.
    for _ in 0..50 {
        lapic::command(identifier, START);
        let deadline = tsc::now() + 10 * tsc::ticks_per_ms();
        while tsc::now() < deadline {
            if running() != before {
                return true;
            }
            core::hint::spin_loop();
        }
    }
    // Back to waiting for a start that never comes: it must not wake up later, on a stack that another one has got.
    lapic::command(identifier, INIT);
    false
}

/// Puts the first instructions of the other CPUs where they start.
pub(crate) fn place_trampoline() {
    let code = boot::trampoline();
    let target = direct(TRAMPOLINE) as *mut u8;
    // SAFETY: the page is RAM of the first megabyte, mapped by the direct map, and not yet given to anybody.
    unsafe { target.copy_from_nonoverlapping(code.as_ptr(), code.len()) };
}
