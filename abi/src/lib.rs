//! The contract of kernel and user programs: types and the table of system calls.
//!
//! Everything that both sides must agree on is said here once. The kernel's dispatch, the user side's stubs, the names in traces
//! and `docs/abi.md` are made from [`for_each_syscall!`].
#![no_std]
#![forbid(unsafe_code)]

mod address;
pub mod boot;
mod error;
pub mod fault;
pub mod memory;
pub mod message;
mod object;
mod rights;
mod table;
pub mod vcpu;

pub use address::{Address, Slot};
pub use error::{Error, from_status};
pub use memory::Protection;
pub use message::Info;
pub use object::ObjectType;
pub use rights::Rights;
pub use table::{Argument, CALLS, Call, CallDescription};

/// The number that kernel and programs compare at start; it changes whenever a program built against the old contract could
/// misbehave under the new one.
pub const ABI_VERSION: u64 = 1;

/// A word of the machine as it travels through a system call.
pub type Word = u64;
