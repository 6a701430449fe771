//! The CPU and its interrupt controllers, as far as the core speaks to them.

use core::sync::atomic::{AtomicU32, Ordering};

use sundog_arch_x86_64::acpi::Madt;
use sundog_arch_x86_64::event::FIRST_DEVICE_VECTOR;
use sundog_arch_x86_64::ioapic;
use sundog_arch_x86_64::kernel_map;
use sundog_arch_x86_64::lapic;
use sundog_arch_x86_64::layout::{DIRECT_MAP_SIZE, direct};
use sundog_arch_x86_64::paging;
use sundog_arch_x86_64::per_cpu;
use sundog_arch_x86_64::port;
use sundog_arch_x86_64::tsc;

use super::mailbox;
use crate::{Ref, Registers, SharedPage, TablePage, Token, UNIT};

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

/// The line of a device's interrupt vector.
pub fn line_of(vector: u8) -> u32 {
    u32::from(vector - FIRST_DEVICE_VECTOR)
}

/// Ends a device's interrupt.
pub fn end_of_interrupt(_token: &Token) {
    lapic::end_of_interrupt();
}

/// Makes the CPU resume from these registers when the kernel is left; none: it waits for an interrupt.
pub fn resume(_token: &Token, registers: Option<&Registers>) {
    let pointer = registers.map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: the registers are part of a thread, which lives until `take_off` made this CPU leave it (invariant 3); the core resumes
    // a thread on one CPU at a time.
    unsafe { per_cpu::set_current(pointer) };
}

/// The same on a fast path from one thread that is in no guest to another.
#[inline(always)]
pub fn resume_other(_token: &Token, registers: &Registers) {
    // SAFETY: as for `resume`; neither thread is in a guest, so no guest is current.
    unsafe { per_cpu::exchange_current(registers) };
}

/// Makes the CPU resume a guest from these registers, or on a fast path with the general ones in its page, when the kernel is left.
pub fn resume_guest(_token: &Token, registers: &Registers, page: Ref<SharedPage>) {
    let page = core::ptr::with_exposed_provenance(direct(page.address()) as usize);
    // SAFETY: registers and page are parts of a VCpu, for which the same holds as for a thread in `resume`; the direct map covers
    // the page.
    unsafe { per_cpu::set_guest(registers, page) };
}

/// Whether the entry code itself moves message words and a guest's general registers on fast paths, so that the core must not.
pub const MOVES_REGISTERS: bool = true;

/// Loads the root of an address space on this CPU; none: the kernel's own.
pub fn load_root(_token: &Token, root: Option<Ref<TablePage>>) {
    let address = root.map_or_else(kernel_map::root, Ref::address);
    // SAFETY: the upper half of each root is the kernel's own (VSpace::create), and the root is in use until every CPU has left it.
    unsafe { paging::load_root(address) };
}

/// Loads the root that lies `units` behind the header of its address space.
#[inline(always)]
pub fn load_root_of<T>(_token: &Token, space: Ref<T>, units: u32) {
    let address = space.address() + u64::from(units) * UNIT;
    // SAFETY: as for `load_root`.
    unsafe { paging::load_root(address) };
}

pub use super::fpu::{fpu_forget, fpu_leave, fpu_sync, fpu_use};

/// Reads a word of physical memory that the loader filled, at an address that is a multiple of 8 within usable memory.
///
/// # Panics
/// If it is neither.
pub fn boot_word(_token: &Token, address: u64) -> u64 {
    assert!(
        address.is_multiple_of(8) && address < DIRECT_MAP_SIZE,
        "no such word"
    );
    let pointer: *const u64 = core::ptr::with_exposed_provenance(direct(address) as usize);
    // SAFETY: the direct map covers the address, and a word of memory can be read as any value; nothing writes it meanwhile, because
    // no capability to the package exists yet.
    unsafe { pointer.read() }
}

/// Copies the loader's bytes into zeroed memory that was just taken for init; both are physical addresses of page starts.
///
/// # Panics
/// If an address is not a page's, or not in usable memory.
pub fn boot_copy(_token: &Token, from: u64, to: u64, bytes: u64) {
    let fits = |address: u64| {
        address.is_multiple_of(4096)
            && address
                .checked_add(bytes)
                .is_some_and(|end| end <= DIRECT_MAP_SIZE)
    };
    assert!(fits(from) && fits(to), "no such memory");
    let source: *const u8 = core::ptr::with_exposed_provenance(direct(from) as usize);
    let target: *mut u8 = core::ptr::with_exposed_provenance_mut(direct(to) as usize);
    // SAFETY: both ranges are covered by the direct map; the target is a Frame that nobody has mapped yet, the source is the package,
    // which no untyped covers, so they do not overlap.
    unsafe { core::ptr::copy_nonoverlapping(source, target, bytes as usize) };
}
