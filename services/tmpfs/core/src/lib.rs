//! A file system in memory, as a library.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod data;
mod directory;
mod inode;
mod names;
mod pages;
mod rename;
mod server;
#[cfg(test)]
mod tests;
mod tree;

pub use pages::{HeapPages, PAGE, Pages};
pub use tree::{Clock, Limits, StoppedClock, Tmpfs};
