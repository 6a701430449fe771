//! The interrupt descriptor table, which all CPUs share.

use crate::descriptor::gate;
use crate::gdt::TablePointer;
use crate::trap;
use core::arch::asm;
use core::cell::UnsafeCell;

const VECTORS: usize = 256;

/// Numbers of the exception stacks, as gates count them.
const NMI_STACK: u8 = 1;
const DOUBLE_FAULT_STACK: u8 = 2;
const DEBUG_STACK: u8 = 3;
const MACHINE_CHECK_STACK: u8 = 4;

#[repr(C, align(4096))]
struct Table(UnsafeCell<[[u64; 2]; VECTORS]>);

// SAFETY: written only by `make`, before other CPUs run; afterwards only the CPUs themselves read it.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new([[0; 2]; VECTORS]));

/// Fills the table. Called once, before other CPUs run.
pub(crate) fn make() {
    // SAFETY: no other CPU runs and this one does not use the table yet.
    let table = unsafe { &mut *TABLE.0.get() };
    for (vector, entry) in table.iter_mut().enumerate() {
        // Breakpoint and overflow are instructions that user mode may use.
        *entry = gate(trap::stub(vector), 0, matches!(vector, 3 | 4));
    }
    let [debug, nmi, double_fault, machine_check] = trap::own_stack_entries();
    table[1] = gate(debug, DEBUG_STACK, false);
    table[2] = gate(nmi, NMI_STACK, false);
    table[8] = gate(double_fault, DOUBLE_FAULT_STACK, false);
    table[18] = gate(machine_check, MACHINE_CHECK_STACK, false);
}

/// Makes this CPU use the table.
pub(crate) fn load() {
    let pointer = TablePointer {
        limit: size_of::<Table>() as u16 - 1,
        base: TABLE.0.get() as u64,
    };
    // SAFETY: the table is complete and stays where it is.
    unsafe { asm!("lidt [{}]", in(reg) &pointer, options(nostack, readonly, preserves_flags)) };
}
