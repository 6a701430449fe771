//! Entries into the kernel, seen from Rust: what the assembly code calls, and what becomes of exceptions in the kernel itself.

use crate::descriptor::{USER_CODE, USER_DATA};
use crate::event::{self, Event};
use crate::hooks::{
    sundog_entry, sundog_fast_call, sundog_fast_enter, sundog_fast_exit, sundog_fast_reply_receive,
};
use crate::lapic;
use crate::msr;
use crate::per_cpu::PerCpu;
use crate::registers::{FIXED_FLAGS, Registers, USER_FLAGS};
use core::arch::{asm, global_asm};
use core::fmt;
use core::mem::offset_of;
use core::slice;
use sundog_abi::Call;
use sundog_abi::vcpu::page;

global_asm!(
    include_str!("trap.s"),
    rax = const offset_of!(Registers, rax),
    rbx = const offset_of!(Registers, rbx),
    rcx = const offset_of!(Registers, rcx),
    rdx = const offset_of!(Registers, rdx),
    rsi = const offset_of!(Registers, rsi),
    rdi = const offset_of!(Registers, rdi),
    rbp = const offset_of!(Registers, rbp),
    r8 = const offset_of!(Registers, r8),
    r9 = const offset_of!(Registers, r9),
    r10 = const offset_of!(Registers, r10),
    r11 = const offset_of!(Registers, r11),
    r12 = const offset_of!(Registers, r12),
    r13 = const offset_of!(Registers, r13),
    r14 = const offset_of!(Registers, r14),
    r15 = const offset_of!(Registers, r15),
    rip = const offset_of!(Registers, rip),
    rsp = const offset_of!(Registers, rsp),
    rflags = const offset_of!(Registers, rflags),
    fs_base = const offset_of!(Registers, fs_base),
    gs_base = const offset_of!(Registers, gs_base),
    how = const offset_of!(Registers, how),
    current = const offset_of!(PerCpu, current),
    guest = const offset_of!(PerCpu, guest),
    stack = const offset_of!(PerCpu, stack),
    scratch = const offset_of!(PerCpu, scratch),
    fsgsbase = const offset_of!(PerCpu, fsgsbase),
    smap = const offset_of!(PerCpu, smap),
    nmis = const offset_of!(PerCpu, nmis),
    user_flags = const USER_FLAGS,
    fixed_flags = const FIXED_FLAGS,
    user_code = const USER_CODE,
    user_data = const USER_DATA,
    fs_base_msr = const msr::FS_BASE,
    gs_base_msr = const msr::GS_BASE,
    kernel_gs_base_msr = const msr::KERNEL_GS_BASE,
    version_call = const Call::abi_version as u64,
    call_call = const Call::call as u64,
    reply_receive_call = const Call::reply_receive as u64,
    enter_call = const Call::vcpu_enter as u64,
    version = const sundog_abi::ABI_VERSION,
    page_registers = const 8 * page::REGISTERS,
    page_rip = const 8 * page::RIP,
    page_rflags = const 8 * page::RFLAGS,
    page_fs_base = const 8 * page::FS_BASE,
    page_gs_base = const 8 * page::GS_BASE,
    fast_call = sym sundog_fast_call,
    fast_reply_receive = sym sundog_fast_reply_receive,
    fast_enter = sym sundog_fast_enter,
    fast_exit = sym sundog_fast_exit,
    on_syscall = sym on_syscall,
    on_bad_state = sym on_bad_state,
    on_trap = sym on_trap,
    on_kernel_exception = sym on_kernel_exception,
    on_fatal = sym on_fatal,
    options(att_syntax)
);

unsafe extern "C" {
    static trap_stubs: u8;
    static syscall_with_bases: u8;
    static syscall_without_bases: u8;
    static debug_entry: u8;
    static nmi_entry: u8;
    static double_fault_entry: u8;
    static machine_check_entry: u8;
    static fixups_start: Fixup;
    static fixups_end: Fixup;
    fn resume() -> !;
}

/// An instruction of the kernel that may fault, and where to go on if it does.
#[repr(C)]
struct Fixup {
    from: u64,
    to: u64,
}

/// What is on the stack when the kernel itself caused an exception.
#[repr(C)]
struct KernelFrame {
    general: [u64; 15],
    vector: u64,
    error: u64,
    rip: u64,
    cs: u64,
    flags: u64,
    rsp: u64,
    ss: u64,
}

/// Address of the first instruction for a vector.
pub(crate) fn stub(vector: usize) -> u64 {
    (&raw const trap_stubs) as u64 + 16 * vector as u64
}

/// Entries with their own stacks: debug, non-maskable interrupt, double fault, machine check.
pub(crate) fn own_stack_entries() -> [u64; 4] {
    [
        (&raw const debug_entry) as u64,
        (&raw const nmi_entry) as u64,
        (&raw const double_fault_entry) as u64,
        (&raw const machine_check_entry) as u64,
    ]
}

/// Where `syscall` goes on a CPU with or without instructions for the bases of FS and GS.
pub(crate) fn syscall_entry(fsgsbase: bool) -> u64 {
    let entry = if fsgsbase {
        &raw const syscall_with_bases
    } else {
        &raw const syscall_without_bases
    };
    entry as u64
}

/// Leaves the kernel: to the thread that is current, or to waiting for an interrupt. Whatever is on the stack is dropped.
pub fn leave() -> ! {
    // SAFETY: every CPU that gets here has its tables, its data and its stack; `set_current`'s caller vouched for the registers.
    unsafe { resume() }
}

extern "C" fn on_syscall() {
    sundog_entry(Event::Syscall);
}

extern "C" fn on_bad_state() {
    sundog_entry(Event::BadState);
}

/// An exception in user mode, or an interrupt there or in the idle loop.
extern "C" fn on_trap(vector: u64, error: u64) {
    let vector = vector as u8;
    if matches!(vector, event::TIMER_VECTOR..=event::NOTHING_VECTOR) {
        lapic::end_of_interrupt();
    }
    if let Some(event) = Event::of_vector(vector, error, fault_address()) {
        sundog_entry(event);
    }
}

/// The address of the last page fault.
fn fault_address() -> u64 {
    let address;
    // SAFETY: reading the register changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// An exception in the kernel: goes on where the table says, or panics.
extern "C" fn on_kernel_exception(frame: &mut KernelFrame) {
    match fixups().iter().find(|fixup| fixup.from == frame.rip) {
        Some(fixup) => frame.rip = fixup.to,
        None => on_fatal(frame),
    }
}

fn fixups() -> &'static [Fixup] {
    let start = &raw const fixups_start;
    let bytes = (&raw const fixups_end) as usize - start as usize;
    // SAFETY: link.ld puts the two symbols around the table, which is constant.
    unsafe { slice::from_raw_parts(start, bytes / size_of::<Fixup>()) }
}

extern "C" fn on_fatal(frame: &mut KernelFrame) -> ! {
    panic!(
        "exception {} in the kernel, address {:x}, {frame}",
        frame.vector,
        fault_address()
    );
}

impl fmt::Display for KernelFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KernelFrame {
            error,
            rip,
            cs,
            flags,
            rsp,
            ..
        } = self;
        write!(
            out,
            "error {error:x}, rip {rip:x}, cs {cs:x}, flags {flags:x}, rsp {rsp:x}"
        )?;
        let names = [
            "r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rbp", "rdi", "rsi", "rdx",
            "rcx", "rbx", "rax",
        ];
        names
            .iter()
            .zip(self.general)
            .try_for_each(|(name, value)| write!(out, ", {name} {value:x}"))
    }
}
