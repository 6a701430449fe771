//! The pretended hardware: it keeps what the kernel told it, so that tests can look.

use core::cell::{Cell, RefCell};
use std::vec;
use std::vec::Vec;

use crate::Token;

/// What the hardware was told, and what it will answer.
#[derive(Clone, Default)]
pub struct Hardware {
    /// The clock, in ticks.
    pub now: Cell<u64>,
    /// The timer of each CPU: the deadline it was set to, or 0.
    pub timers: RefCell<Vec<u64>>,
    /// Port writes in order: port, width in bytes, value.
    pub port_writes: RefCell<Vec<(u16, u8, u32)>>,
    /// Whether each interrupt line is masked.
    pub masked: RefCell<Vec<bool>>,
    /// CPUs that were sent an interrupt since the last look.
    pub interrupted: Cell<u64>,
    /// CPUs whose translations were flushed since the last look.
    pub flushed: Cell<u64>,
    /// After this many more steps a long operation is asked to let others in; none: never.
    pub preempt_after: Cell<Option<u32>>,
}

impl Hardware {
    pub(crate) fn new(cpus: usize) -> Hardware {
        Hardware {
            timers: RefCell::new(vec![0; cpus]),
            masked: RefCell::new(vec![true; LINES]),
            ..Hardware::default()
        }
    }
}

/// Interrupt lines.
pub const LINES: usize = 24;

/// The clock, in ticks.
pub fn now(token: &Token) -> u64 {
    token.backing().hardware.now.get()
}

/// Sets the timer of the CPU that runs.
pub fn set_timer(token: &Token, cpu: usize, deadline: u64) {
    token.backing().hardware.timers.borrow_mut()[cpu] = deadline;
}

/// Reads a port.
pub fn port_in(token: &Token, port: u16, width: u8) -> u32 {
    let _ = token;
    u32::from(port) << 8 | u32::from(width)
}

/// Writes a port.
pub fn port_out(token: &Token, port: u16, width: u8, value: u32) {
    token
        .backing()
        .hardware
        .port_writes
        .borrow_mut()
        .push((port, width, value));
}

/// Masks or unmasks an interrupt line.
pub fn set_masked(token: &Token, line: u32, masked: bool) {
    token.backing().hardware.masked.borrow_mut()[line as usize] = masked;
}

/// Makes CPUs enter the kernel.
pub fn interrupt(token: &Token, cpus: u64) {
    let hardware = &token.backing().hardware;
    hardware.interrupted.set(hardware.interrupted.get() | cpus);
}

/// Flushes the translations of these CPUs and waits until it is done.
pub fn flush(token: &Token, cpus: u64) {
    let hardware = &token.backing().hardware;
    hardware.flushed.set(hardware.flushed.get() | cpus);
}

/// Whether something more urgent waits than the long operation that asks.
pub fn preempted(token: &Token) -> bool {
    let left = &token.backing().hardware.preempt_after;
    match left.get() {
        None => false,
        Some(0) => true,
        Some(steps) => {
            left.set(Some(steps - 1));
            false
        }
    }
}
