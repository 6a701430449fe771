//! The two ends of a sandbox's console, without I/O: COM1 carries the program's bytes, COM3 the control channel.
//!
//! [`machine`] is the console program's half: it turns what arrives into events of an abstract terminal (input, its end, sizes,
//! signals) and the program's output into bytes for the two lines; [`relay`] is the whole program around it. [`host`] is the
//! command's half. The lines are not ordered among each other, so an end of input and an exit carry the number of bytes that belong
//! before them.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod host;
pub mod machine;
pub mod relay;

use alloc::vec::Vec;

/// Bytes to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Over COM1, as they are.
    pub console: Vec<u8>,
    /// Over COM3, whole frames.
    pub control: Vec<u8>,
}

#[cfg(test)]
mod tests;
