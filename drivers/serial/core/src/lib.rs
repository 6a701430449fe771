//! The 16550 serial device: registers, interrupts, bounded queues, and the service on top, without I/O of its own.
//!
//! The device is reached through the trait [`Ports`], so that tests play the device and the server hands in its I/O ports.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod protocol;
mod queue;
mod registers;
mod service;
mod uart;

pub use queue::Queue;
pub use registers::Ports;
pub use service::{Action, Completion, MAX_PARKED, Service};
pub use uart::{Counters, InitError, Settings, Uart};

#[cfg(test)]
mod fake;
