//! This CPU's local interrupt controller: end of interrupt, messages to other CPUs, the one-shot timer.

use crate::layout::DEVICES;
use crate::msr;
use core::sync::atomic::{AtomicU64, Ordering};

const SPURIOUS: u64 = 0xf0;
const IDENTIFIER: u64 = 0x20;
const COMMAND_LOW: u64 = 0x300;
const COMMAND_HIGH: u64 = 0x310;
const TIMER: u64 = 0x320;
const TIMER_START: u64 = 0x380;
const TIMER_COUNT: u64 = 0x390;
const TIMER_DIVIDE: u64 = 0x3e0;

const MASKED: u32 = 1 << 16;
const DELIVERY_PENDING: u32 = 1 << 12;
const SPURIOUS_VECTOR: u32 = 0xff;

/// Counts of the timer in a tick of the time-stamp counter, as a fraction of 2^32.
static RATE: AtomicU64 = AtomicU64::new(0);

fn read(register: u64) -> u32 {
    let pointer = (DEVICES + register) as *const u32;
    // SAFETY: the page of registers is mapped at DEVICES before any CPU gets here.
    unsafe { pointer.read_volatile() }
}

fn write(register: u64, value: u32) {
    let pointer = (DEVICES + register) as *mut u32;
    // SAFETY: as for `read`; the registers used here start no DMA.
    unsafe { pointer.write_volatile(value) };
}

/// Switches this CPU's controller on.
pub(crate) fn enable() {
    // SAFETY: every CPU with long mode has the register.
    let base = unsafe { msr::read(msr::APIC_BASE) };
    // SAFETY: only the bit that switches it on changes.
    unsafe { msr::write(msr::APIC_BASE, base | 1 << 11) };
    write(SPURIOUS, 1 << 8 | SPURIOUS_VECTOR);
    write(TIMER, MASKED);
}

/// This CPU's identifier.
pub(crate) fn identifier() -> u8 {
    (read(IDENTIFIER) >> 24) as u8
}

/// Lets the timer run down from its highest value without an interrupt.
pub(crate) fn start_timer_for_measuring() {
    write(TIMER_DIVIDE, 0b1011); // by 1
    write(TIMER, MASKED);
    write(TIMER_START, u32::MAX);
}

/// The timer's count, which goes down.
pub(crate) fn timer_count() -> u32 {
    read(TIMER_COUNT)
}

/// Stops the timer and sets its rate, in counts and ticks per millisecond.
pub(crate) fn set_rate(counts: u64, ticks: u64) {
    write(TIMER_START, 0);
    RATE.store((counts << 32) / ticks.max(1), Ordering::Relaxed);
}

/// Sends a command word to the CPU with an identifier, and waits until it is on its way.
pub(crate) fn command(identifier: u8, word: u32) {
    write(COMMAND_HIGH, u32::from(identifier) << 24);
    write(COMMAND_LOW, word);
    while read(COMMAND_LOW) & DELIVERY_PENDING != 0 {
        core::hint::spin_loop();
    }
}
