//! This CPU's descriptor table, task state and GS: makes it know its own stacks and data.

use crate::descriptor::{self, KERNEL_CODE, TASK_STATE, TaskState};
use crate::layout::{EXCEPTION_STACKS, exception_stack, kernel_stack};
use crate::msr;
use crate::per_cpu::{self, PerCpu};
use core::arch::asm;

/// Bytes at the end of each exception stack, where the CPU's own data can be found without GS.
const POINTER_SPACE: u64 = 16;

/// What `lgdt` and `lidt` read.
#[repr(C, packed)]
pub(crate) struct TablePointer {
    pub(crate) limit: u16,
    pub(crate) base: u64,
}

/// Sets up CPU `index`, on that CPU. Its data must have been made.
pub(crate) fn load(index: usize) {
    let Some(data) = per_cpu::of(index) else {
        panic!("CPU {index} has no data");
    };
    let mut state = TaskState::new();
    state.stacks = [kernel_stack(index as u64).1, 0, 0];
    let mut stacks = [0; 7];
    for number in 0..EXCEPTION_STACKS {
        let end = exception_stack(index as u64, number).1 - POINTER_SPACE;
        // SAFETY: the place lies in a mapped stack that is not in use yet.
        unsafe { (end as *mut u64).write(data.own.get()) };
        stacks[number as usize] = end;
    }
    state.exception_stacks = stacks;
    data.task_state.set(state);
    data.gdt
        .set(descriptor::gdt(data.task_state.as_ptr() as u64));
    load_tables(data);
    for register in [msr::GS_BASE, msr::KERNEL_GS_BASE] {
        let base = if register == msr::GS_BASE {
            data.own.get()
        } else {
            0
        };
        // SAFETY: GS is used for this CPU's data only, and this is its address.
        unsafe { msr::write(register, base) };
    }
}

fn load_tables(data: &'static PerCpu) {
    let pointer = TablePointer {
        limit: size_of_val(&data.gdt) as u16 - 1,
        base: data.gdt.as_ptr() as u64,
    };
    // SAFETY: the table stays where it is, and has a valid code segment for the reload below.
    unsafe { asm!("lgdt [{}]", in(reg) &pointer, options(nostack, readonly, preserves_flags)) };
    // SAFETY: returns far to the next instruction with the new table's code selector.
    unsafe {
        asm!(
            "push {selector}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            selector = const KERNEL_CODE,
            scratch = out(reg) _,
            options(preserves_flags),
        );
    }
    // SAFETY: the descriptor is an available task state that stays where it is.
    unsafe { asm!("ltr {:x}", in(reg) TASK_STATE, options(nostack, preserves_flags)) };
}
