//! One file for each service's interface.
//!
//! `control` and `host_files` are spoken between the host and a machine, over streams of bytes; the others are layouts of the message words
//! that go through an endpoint. Every decoder here takes bytes or words from a stranger: it never panics, never allocates
//! more than its stated bound, and refuses what it does not understand.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod consent;
pub mod console;
pub mod control;
pub mod file;
pub mod host_files;
pub mod host_process;
pub mod pieces;
pub mod serial;
mod words;

pub use words::{MAX_WORDS, Malformed, Words};
