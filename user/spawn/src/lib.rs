//! Builds a process out of an ELF image and an explicit list of what it gets.
//!
//! Everything that the process consists of is made of one child of the parent's memory, so one revoke destroys it. The process
//! holds its own CNode, address space, thread and time, and exactly the capabilities of the list with the rights of the list;
//! nothing is inherited.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod image;
mod layout;
mod process;
mod program;
mod spawn;

pub use image::{Image, ImageError, Segment};
pub use process::{Ended, Process};
pub use program::{Budget, Directory, Fault, Grant, Program, SpawnError, Time, What};
pub use spawn::spawn;
