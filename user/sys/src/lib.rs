//! Stubs of the system calls: one function for each row of the table in `sundog-abi`.
//!
//! The functions are safe to call: a system call changes kernel objects, and reaches this program's own memory only where the
//! program hands the kernel its own address space or thread. Whoever unmaps or replaces memory of the caller itself
//! (`vspace_unmap`, `vspace_map`, `vspace_protect`, `vspace_share` on the own VSpace, `thread_write_registers` on a sibling)
//! has the duty that no reference into it is alive; `sundog-rt` keeps it by owning the range of addresses that it maps into.
//!
//! On a host there is no kernel to ask: there every call answers `UnknownCall`, so that programs can be type-checked and their
//! pure parts tested.
#![no_std]

mod answer;
mod arbitrary;
mod ending;
mod invoke;
mod message;
mod message_page;
mod range;

#[cfg(target_os = "none")]
#[path = "native.rs"]
mod trap;

#[cfg(not(target_os = "none"))]
#[path = "host.rs"]
mod trap;

pub use answer::{Answer, ToWord};
pub use arbitrary::arbitrary;
pub use ending::Ending;
pub use invoke::*;
pub use message::{
    Deadline, Received, Short, call, call_short, receive, reply, reply_receive,
    reply_receive_short, send,
};
pub use message_page::MessagePage;
pub use range::{Partial, map, protect, retype, share, unmap};
pub use sundog_abi as abi;
pub use trap::{hardware_random, stop, ticks};
