//! Typed capabilities, and what a process allocates from: its slots and its untyped memory.
//!
//! A [`Cap`] is an address with a type; it is a plain value, and copying it copies no right. Whether the slot really holds such an
//! object is checked by the kernel at every call.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod bitmap;
mod cap;
mod cnode;
mod device;
mod endpoint;
mod holding;
pub mod object;
mod pool;
mod sched;
mod slots;
mod thread;
mod untyped;
mod vspace;

pub use cap::Cap;
pub use cnode::Description;
pub use holding::Holding;
pub use object::Object;
pub use pool::{Child, Pool};
pub use slots::Slots;
pub use sundog_abi::{Error, Protection, Rights};

/// What every method returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;
