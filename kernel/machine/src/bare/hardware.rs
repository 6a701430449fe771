//! The CPU and its interrupt controllers, as far as the core speaks to them.

use core::sync::atomic::{AtomicU32, Ordering};

use sundog_arch_x86_64::acpi::Madt;
use sundog_arch_x86_64::event::FIRST_DEVICE_VECTOR;
use sundog_arch_x86_64::ioapic;
use sundog_arch_x86_64::kernel_map;
use sundog_arch_x86_64::lapic;
use sundog_arch_x86_64::per_cpu;
use sundog_arch_x86_64::port;
use sundog_arch_x86_64::tsc;

use super::mailbox;
use crate::Token;

/// Interrupt lines.
pub const LINES: usize = 24;

/// The input of the interrupt controller that each line is wired to.
static INPUTS: [AtomicU32; LINES] = [const { AtomicU32::new(u32::MAX) }; LINES];

/// Sends each line to its vector on the CPU that booted, masked.
pub fn route_lines(madt: &Madt) {
    let Some(identifier) = per_cpu::identifier(0) else {
        return;
    };
    for (line, input) in INPUTS.iter().enumerate() {
        let wiring = ioapic::wiring(madt, line as u32);
        if ioapic::route(wiring, FIRST_DEVICE_VECTOR + line as u8, identifier).is_ok() {
            input.store(wiring.input, Ordering::Relaxed);
        }
    }
}

/// The clock, in ticks.
pub fn now(_token: &Token) -> u64 {
    tsc::now()
}

/// Sets the timer of the CPU that runs; `u64::MAX` stops it.
pub fn set_timer(_token: &Token, _cpu: usize, deadline: u64) {
    if deadline == u64::MAX {
        lapic::stop_timer();
    } else {
        lapic::set_timer(deadline);
    }
}

/// Reads a port; `width` is 1, 2 or 4 bytes.
pub fn port_in(_token: &Token, port: u16, width: u8) -> u32 {
    match width {
        1 => port::in_u8(port).into(),
        2 => port::in_u16(port).into(),
        _ => port::in_u32(port),
    }
}

/// Writes a port; `width` is 1, 2 or 4 bytes.
pub fn port_out(_token: &Token, port: u16, width: u8, value: u32) {
    match width {
        // SAFETY: an IoPorts capability covers the port; ports of controllers that the kernel relies on are never handed out
        // (docs/invariants.md, invariant 4).
        1 => unsafe { port::out_u8(port, value as u8) },
        // SAFETY: as above.
        2 => unsafe { port::out_u16(port, value as u16) },
        // SAFETY: as above.
        _ => unsafe { port::out_u32(port, value) },
    }
}

/// Masks or unmasks an interrupt line.
pub fn set_masked(_token: &Token, line: u32, masked: bool) {
    let Some(input) = INPUTS.get(line as usize) else {
        return;
    };
    let input = input.load(Ordering::Relaxed);
    // A line that is not wired has no input, and nothing to mask.
    let _ = if masked {
        ioapic::mask(input)
    } else {
        ioapic::unmask(input)
    };
}

/// Makes CPUs enter the kernel.
pub fn interrupt(_token: &Token, cpus: u64) {
    for_each(cpus, lapic::call);
}

/// Flushes the translations of these CPUs and waits until it is done.
pub fn flush(_token: &Token, cpus: u64) {
    mailbox::flush(cpus);
}

/// Makes these CPUs use the kernel's own root, and waits until they do.
pub fn leave_root(_token: &Token, cpus: u64) {
    mailbox::leave_root(cpus);
}

/// What entry `index` (256 and above) of every root must be, so that the kernel is mapped under it.
pub fn kernel_root_entry(_token: &Token, index: usize) -> u64 {
    kernel_map::root_entry(index).0
}

/// Whether something more urgent waits than the long operation that asks.
pub fn preempted(_token: &Token) -> bool {
    lapic::pending()
}

pub(super) fn for_each(cpus: u64, mut each: impl FnMut(usize)) {
    let mut left = cpus;
    while left != 0 {
        each(left.trailing_zeros() as usize);
        left &= left - 1;
    }
}
