//! What a native program stands on: entry point, start page, heap, panics, and memory that it maps for itself.
//!
//! A program is a crate whose `main.rs` reads:
//! ```text
//! #![cfg_attr(target_os = "none", no_std, no_main)]
//! #![forbid(unsafe_code)]
//! use sundog_rt::{Environment, entry};
//!
//! entry!(run);
//!
//! fn run(mut environment: Environment) {
//!     let endpoint = environment.require("endpoint");
//!     // ...
//! }
//! ```
//! Its build script is `fn main() { sundog_link::program() }`; it is built for `x86_64-unknown-none` into a static image. Its stack,
//! heap and start page are made by the parent. On a host the same crate is an empty program, so that it is type-checked there.
#![no_std]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod boot;
mod debug;
mod environment;
mod growth;
mod holdings;
mod mapping;
mod resources;
pub mod start;
mod thread;
mod window;

#[cfg(target_os = "none")]
#[doc(hidden)]
pub mod entry;
#[cfg(target_os = "none")]
mod heap;
#[cfg(target_os = "none")]
mod panic;

pub use boot::{BootEnvironment, BootError, BootPage, Package};
pub use debug::{Debug, set_debug};
pub use environment::{Environment, exit, fail};
pub use growth::{Account, Growth};
pub use holdings::holdings;
pub use mapping::Mapping;
pub use resources::{Reserved, Resources, TABLE_PAGES, map_with_tables};
pub use sundog_cap as cap;
pub use sundog_ring as ring;
pub use sundog_sys as sys;
pub use thread::{NewThread, spawn_thread};

/// Where the start page begins in a program.
pub const START_ADDRESS: u64 = 0x1001_0000;
/// Where the message page of a program's first thread is mapped.
pub const MESSAGE_ADDRESS: u64 = sundog_abi::boot::MESSAGE_ADDRESS;
/// The first address above the stack. It grows down towards the start pages; the page below it is never mapped. Start pages, message
/// page, stack and the first MiB of heap share one leaf table, since each costs 12 KiB.
pub const STACK_END: u64 = 0x1010_0000;
/// Where the heap begins; the start page says how long it is.
pub const HEAP_ADDRESS: u64 = STACK_END;

/// The note that marks an image as a native program: owner `Sundog`, type 1, the ABI version.
#[cfg(target_os = "none")]
#[doc(hidden)]
#[macro_export]
macro_rules! note {
    () => {
        ::core::arch::global_asm!(
            ".pushsection .note.sundog, \"a\", @note", ".balign 4", ".long 7, 8, 1", ".asciz \"Sundog\"", ".balign 4", ".quad {version}",
            ".popsection", version = const $crate::sys::abi::ABI_VERSION
        );
    };
}

/// Makes a function the beginning of a program: `entry!(run)` with `fn run(environment: Environment)`. If it returns, the program
/// has ended with status 0.
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        $crate::note!();
        extern "C" fn __sundog_entry() -> ! {
            $crate::entry::run($main)
        }
        ::core::arch::global_asm!(
            ".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call {entry}", "ud2",
            entry = sym __sundog_entry
        );
    };
}

/// Makes a function the beginning of a program: `entry!(run)` with `fn run(environment: Environment)`.
#[cfg(not(target_os = "none"))]
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        fn main() {
            let _: fn($crate::Environment) = $main;
            ::std::eprintln!("this program runs on Sundog only");
            ::std::process::exit(1);
        }
    };
}

/// Makes a function the beginning of the first program, which the kernel starts without a stack or a heap: both are parts of the
/// image. `boot_entry!(run, heap = BYTES)` with `fn run(environment: BootEnvironment)`.
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! boot_entry {
    ($main:path, heap = $heap:expr) => {
        $crate::note!();
        static __SUNDOG_STACK: $crate::entry::Reserved<{ $crate::entry::BOOT_STACK }> = $crate::entry::Reserved::new();
        static __SUNDOG_HEAP: $crate::entry::Reserved<{ $heap }> = $crate::entry::Reserved::new();
        extern "C" fn __sundog_entry() -> ! {
            $crate::entry::run_boot($main, &__SUNDOG_HEAP)
        }
        ::core::arch::global_asm!(
            ".globl _start", "_start:", "xor ebp, ebp", "lea rsp, [rip + {stack} + {bytes}]", "call {entry}", "ud2",
            stack = sym __SUNDOG_STACK, bytes = const $crate::entry::BOOT_STACK, entry = sym __sundog_entry
        );
    };
}

/// Makes a function the beginning of the first program.
#[cfg(not(target_os = "none"))]
#[macro_export]
macro_rules! boot_entry {
    ($main:path, heap = $heap:expr) => {
        fn main() {
            let _: fn($crate::BootEnvironment) = $main;
            const _: usize = $heap;
            ::std::eprintln!("this program runs on Sundog only");
            ::std::process::exit(1);
        }
    };
}

/// Whether more than one part in `part` of the heap is left, and a block of it is kept back for what is allocated before the next
/// question. What is made on the wish of somebody else is refused otherwise, so that the heap's end, which ends the program, is not
/// in their hands. Single allocations of more than 64 KiB never get of that block: they are made in ways that can fail.
#[must_use]
#[cfg(target_os = "none")]
pub fn heap_has_room(part: usize) -> bool {
    heap::has_room(part)
}

/// Lets the heap grow out of `growth` when it is used up.
#[cfg(target_os = "none")]
pub fn grow_heap_from(growth: Growth) {
    heap::grow_from(growth);
}

/// Lets the heap grow: on a host it does by itself.
#[cfg(not(target_os = "none"))]
pub fn grow_heap_from(_: Growth) {}

/// Whether more than one part in so many of the heap is left: on a host always.
#[must_use]
#[cfg(not(target_os = "none"))]
pub fn heap_has_room(_: usize) -> bool {
    true
}

/// Writes a line to the debug port, if this program holds a capability for it; else does nothing.
#[macro_export]
macro_rules! debug {
    ($($argument:tt)*) => {{
        use ::core::fmt::Write as _;
        let _ = ::core::writeln!($crate::Debug, $($argument)*);
    }};
}
