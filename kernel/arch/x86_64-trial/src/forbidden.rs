//! What the kernel must not be able to do: each of these ends in a panic by an exception.

use crate::space::{self, Space};
use core::arch::asm;
use core::hint::black_box;
use sundog_arch_x86_64::layout::{KERNEL_BASE, STACKS, direct};
use sundog_arch_x86_64::paging;

static CONSTANT: u64 = 1;
const PAGE: u64 = 0x50_0000;

/// Does the thing with that name. Returns if there is none, or if nothing stopped it.
pub fn try_it(name: &str) {
    let constant = (&raw const CONSTANT) as u64;
    match name {
        "write-constant" => write(constant),
        "write-code" => write(try_it as *const () as u64),
        "write-code-by-direct-map" => write(direct(try_it as *const () as u64 - KERNEL_BASE)),
        "execute-constant" => execute(constant),
        "execute-direct-map" => execute(direct(try_it as *const () as u64 - KERNEL_BASE)),
        "read-null" => read(0),
        "read-below-stack" => read(STACKS),
        "read-user" => {
            user_page(space::DATA);
            read(PAGE);
        }
        "execute-user" => {
            user_page(space::CODE);
            execute(PAGE);
        }
        "overflow" => overflow(0),
        "breakpoint" => breakpoint(),
        _ => {}
    }
}

fn user_page(flags: sundog_arch_x86_64::entry_format::Flags) {
    let space = Space::new();
    let _ = space.map(PAGE, flags);
    // SAFETY: the root's upper half is the kernel's; the tables are never given back.
    unsafe { paging::load_root(space.root) };
}

fn write(address: u64) {
    // SAFETY: if the write is not stopped, this kernel ends with an error at once.
    unsafe { (address as *mut u8).write_volatile(0) };
}

fn read(address: u64) {
    // SAFETY: a read changes nothing.
    let _ = unsafe { (address as *const u8).read_volatile() };
}

fn execute(address: u64) {
    // SAFETY: if the jump is not stopped, the trial is over and fails in one way or another.
    unsafe { asm!("call {}", in(reg) address, clobber_abi("C")) };
}

fn breakpoint() {
    // SAFETY: the exception's handler panics.
    unsafe { asm!("int3", options(nomem, nostack)) };
}

#[expect(unconditional_recursion, reason = "this is to overflow the stack")]
fn overflow(depth: u64) {
    let filler = black_box([depth; 100]);
    overflow(filler[0] + 1);
    black_box(filler);
}
