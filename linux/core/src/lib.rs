//! The Linux personality: processes, memory, signals and system calls, over a trait for the machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod calls;
mod deliver;
pub mod elf;
mod events;
mod exit;
pub mod frames;
pub mod kernel;
pub mod load;
pub mod machine;
pub mod memory;
pub mod native;
pub mod page_table;
pub mod process;
pub mod schedule;
mod show;
pub mod signal;
pub mod slab;
pub mod start;
pub mod task;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod waiters;
mod world;

pub use sundog_linux_vfs::{Errno, fallible};
