//! The pretended hardware: it keeps what the kernel told it, so that tests can look.

use core::cell::{Cell, RefCell};
use std::vec;
use std::vec::Vec;

use crate::{Ref, Registers, SharedPage, TablePage, Token};

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
    /// CPUs that were made to leave the root that they used, since the last look.
    pub left: Cell<u64>,
    /// What each CPU may remember of the page tables. Tests fill it with what they pretend that programs touched.
    pub translations: RefCell<Vec<Vec<Translation>>>,
    /// The loader's package, at [`PACKAGE`] in physical memory.
    pub package: Vec<u64>,
    /// After this many more steps a long operation is asked to let others in; none: never.
    pub preempt_after: Cell<Option<u32>>,
}

/// A translation that a CPU may remember until it is told to flush.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// The address of the page in user space.
    pub address: u64,
    /// The number of the page in memory.
    pub page: u64,
    /// Writes are allowed.
    pub write: bool,
    /// Fetching instructions is allowed.
    pub execute: bool,
    /// The page numbers of the tables that lead to it, which the CPU may remember as well.
    pub tables: [u64; 4],
}

impl Hardware {
    fn forget(&self, cpus: u64) {
        for (cpu, known) in self.translations.borrow_mut().iter_mut().enumerate() {
            if cpus >> cpu & 1 != 0 {
                known.clear();
            }
        }
    }

    /// Asserts that no CPU remembers anything in these units, which are about to get a new use.
    pub(crate) fn assert_forgotten(&self, unit: u32, units: u32) {
        let range = u64::from(unit) / 64..(u64::from(unit) + u64::from(units)).div_ceil(64);
        for known in self.translations.borrow().iter().flatten() {
            assert!(
                !range.contains(&known.page)
                    && !known.tables.iter().any(|page| range.contains(page)),
                "memory is used again while a CPU remembers {known:x?}"
            );
        }
    }

    pub(crate) fn new(cpus: usize) -> Hardware {
        Hardware {
            timers: RefCell::new(vec![0; cpus]),
            masked: RefCell::new(vec![true; LINES]),
            translations: RefCell::new(vec![Vec::new(); cpus]),
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
    hardware.forget(cpus);
}

/// Makes these CPUs use the kernel's own root, and waits until they do.
pub fn leave_root(token: &Token, cpus: u64) {
    let hardware = &token.backing().hardware;
    hardware.left.set(hardware.left.get() | cpus);
    hardware.forget(cpus);
}

/// What entry `index` (256 and above) of every root must be: nothing, there is no kernel to map.
pub fn kernel_root_entry(token: &Token, index: usize) -> u64 {
    let _ = (token, index);
    0
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

/// The line of a device's interrupt vector.
pub fn line_of(vector: u8) -> u32 {
    u32::from(vector)
}

/// Ends a device's interrupt.
pub fn end_of_interrupt(token: &Token) {
    let _ = token;
}

/// Makes the CPU resume from these registers when the kernel is left; none: it waits for an interrupt.
pub fn resume(token: &Token, registers: Option<&Registers>) {
    let _ = (token, registers);
}

/// The same on a fast path from one thread that is in no guest to another.
pub fn resume_other(token: &Token, registers: &Registers) {
    let _ = (token, registers);
}

/// Makes the CPU resume a guest when the kernel is left.
pub fn resume_guest(token: &Token, registers: &Registers, page: Ref<SharedPage>) {
    let _ = (token, registers, page);
}

/// There is no entry code that could move message words and a guest's general registers.
pub const MOVES_REGISTERS: bool = false;

/// Loads the root of an address space on this CPU; none: the kernel's own.
pub fn load_root(token: &Token, root: Option<Ref<TablePage>>) {
    let _ = (token, root);
}

/// Loads the root that lies `units` behind the header of its address space.
pub fn load_root_of<T>(token: &Token, space: Ref<T>, units: u32) {
    let _ = (token, space.part::<TablePage>(units));
}

/// Gives this CPU's FPU to the guest of a state page.
pub fn fpu_use(token: &Token, page: Ref<SharedPage>) {
    let _ = (token, page);
}

/// Before the kernel is left: the FPU may be used only by the guest that has it.
pub fn fpu_leave(token: &Token, page: Option<Ref<SharedPage>>) {
    let _ = (token, page);
}

/// Writes a guest's FPU registers to its page, if a CPU has them.
pub fn fpu_sync(token: &Token, page: Ref<SharedPage>) {
    let _ = (token, page);
}

/// Takes the FPU from a guest that is about to end.
pub fn fpu_forget(token: &Token, page: Ref<SharedPage>) {
    let _ = (token, page);
}

/// Where the pretended loader puts its package.
pub const PACKAGE: u64 = 0x4000_0000;

/// Reads a word that the loader filled.
pub fn boot_word(token: &Token, address: u64) -> u64 {
    token.backing().hardware.package[(address - PACKAGE) as usize / 8]
}

/// Copies the loader's bytes into memory that was just taken for init.
pub fn boot_copy(token: &Token, from: u64, to: u64, bytes: u64) {
    let _ = (token, from, to, bytes);
}
