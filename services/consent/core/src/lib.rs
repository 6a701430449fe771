//! Decisions, policy, prompt and log of the consent service, without I/O.
//!
//! The service in the machine holds a [`broker::Broker`]; the host command holds a [`prompt::Console`] on the person's terminal and
//! the [`store::Store`]. Time is always handed in, never read, so every test is exact.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod broker;
pub mod bucket;
pub mod desk;
pub mod given;
pub mod grants;
pub mod guard;
pub mod json;
pub mod log;
pub mod names;
pub mod policy;
pub mod prompt;
pub mod service;
pub mod store;
pub mod trace;

pub use sundog_protocols::consent::{Answer, Answers, Open, Opened, Refusal, Register, Resource};

/// A hash of a program or manifest.
pub type Hash = [u8; 32];

/// What the clocks show, handed in by the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds of a clock that never goes back.
    pub monotonic: u64,
    /// Seconds since 1970 (UTC), for stored answers and the log.
    pub unix: u64,
}

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod random;
