//! This CPU's local interrupt controller: end of interrupt, messages to other CPUs, the one-shot timer.

use crate::event::{CALL_VECTOR, NOTHING_VECTOR, SPURIOUS_VECTOR, TIMER_VECTOR};
use crate::layout::DEVICES;
use crate::msr;
use crate::per_cpu;
use crate::tsc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SPURIOUS: u64 = 0xf0;
const IDENTIFIER: u64 = 0x20;
const TASK_PRIORITY: u64 = 0x80;
const END: u64 = 0xb0;
const REQUESTS: u64 = 0x200;
const LINE_0: u64 = 0x350;
const COMMAND_LOW: u64 = 0x300;
const COMMAND_HIGH: u64 = 0x310;
const TIMER: u64 = 0x320;
const TIMER_START: u64 = 0x380;
const TIMER_COUNT: u64 = 0x390;
const TIMER_DIVIDE: u64 = 0x3e0;

const MASKED: u32 = 1 << 16;
const DELIVERY_PENDING: u32 = 1 << 12;
const BY_DEADLINE: u32 = 0b10 << 17;

/// Counts of the timer in a tick of the time-stamp counter, as a fraction of 2^32.
static RATE: AtomicU64 = AtomicU64::new(0);
/// The timer can be told the time at which it shall fire.
static DEADLINE: AtomicBool = AtomicBool::new(false);

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
    assert!(
        base & 1 << 10 == 0,
        "the firmware left the local APIC in x2APIC mode, which is not supported"
    );
    // SAFETY: only the bit that switches it on changes.
    unsafe { msr::write(msr::APIC_BASE, base | 1 << 11) };
    write(SPURIOUS, 1 << 8 | u32::from(SPURIOUS_VECTOR));
    write(TASK_PRIORITY, 0);
    write(LINE_0, MASKED); // the legacy controllers' way in
    write(TIMER, MASKED);
    write(TIMER_DIVIDE, 0b1011); // by 1
}

/// Prepares this CPU's timer, by its deadlines if it has them.
pub(crate) fn set_up_timer(deadline: bool) {
    DEADLINE.store(deadline, Ordering::Relaxed);
    let mode = if deadline { BY_DEADLINE } else { 0 };
    write(TIMER_START, 0);
    write(TIMER, mode | u32::from(TIMER_VECTOR));
}

/// Makes the timer fire once in about `counts`, with an interrupt that means nothing.
pub(crate) fn fire_for_nothing(counts: u32) {
    write(TIMER, u32::from(NOTHING_VECTOR));
    write(TIMER_START, counts);
}

/// Tells this CPU's controller that the interrupt it delivered last is dealt with.
#[inline]
pub fn end_of_interrupt() {
    write(END, 0);
}

/// Sets this CPU's timer: [`crate::event::Event::Timer`] comes when the time-stamp counter reaches `deadline`, at once if that is past.
/// For deadlines far away (more than 2^32 counts of the timer) it can come early. Replaces the deadline before.
#[inline]
pub fn set_timer(deadline: u64) {
    if DEADLINE.load(Ordering::Relaxed) {
        // SAFETY: the register exists where the flag is set; a deadline only causes the timer's interrupt.
        unsafe { msr::write(msr::TSC_DEADLINE, deadline.max(1)) };
        return;
    }
    let ticks = deadline.saturating_sub(tsc::now());
    let counts = (u128::from(ticks) * u128::from(RATE.load(Ordering::Relaxed))) >> 32;
    write(TIMER_START, u32::try_from(counts + 1).unwrap_or(u32::MAX));
}

/// Stops this CPU's timer.
#[inline]
pub fn stop_timer() {
    if DEADLINE.load(Ordering::Relaxed) {
        // SAFETY: as in `set_timer`; 0 disarms.
        unsafe { msr::write(msr::TSC_DEADLINE, 0) };
    } else {
        write(TIMER_START, 0);
    }
}

/// Whether an interrupt waits at this CPU until the kernel is left.
#[must_use]
pub fn pending() -> bool {
    // The first word is of vectors below 32, which are exceptions.
    (1..8).any(|word| read(REQUESTS + 0x10 * word) != 0)
}

/// Interrupts another CPU: [`crate::event::Event::Call`] comes there. Nothing happens if there is no such CPU.
#[inline]
pub fn call(cpu: usize) {
    if let Some(identifier) = per_cpu::identifier(cpu) {
        command(identifier, 0x4000 | u32::from(CALL_VECTOR));
    }
}

/// Interrupts CPU `cpu` even where interrupts are off; it is counted there ([`per_cpu::nmis`]) and otherwise ignored.
pub fn interrupt_non_maskable(cpu: usize) {
    if let Some(identifier) = per_cpu::identifier(cpu) {
        command(identifier, 0x4400);
    }
}

/// The address and the value that a device must write to interrupt CPU `cpu` with `vector` (an MSI). Nothing if there is no such CPU.
#[must_use]
pub fn message(cpu: usize, vector: u8) -> Option<(u64, u32)> {
    let identifier = per_cpu::identifier(cpu)?;
    Some((0xfee0_0000 | u64::from(identifier) << 12, vector.into()))
}

/// This CPU's identifier.
pub(crate) fn identifier() -> u8 {
    (read(IDENTIFIER) >> 24) as u8
}

/// Lets the timer run down from its highest value without an interrupt.
pub(crate) fn start_timer_for_measuring() {
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
