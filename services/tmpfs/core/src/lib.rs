//! A file system in memory, as a library.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod pages;

pub use pages::{HeapPages, PAGE, Pages};
