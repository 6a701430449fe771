//! Messages that the kernel sends to a thread's fault endpoint.
//!
//! The message has [`crate::Info::FAULT`] set, the label is one of the kinds below, the badge is the fault capability's. A reply
//! resumes the thread where it stopped, with its registers as they then are.

/// The thread touched memory that it may not touch so. Words: address, error bits ([`WRITE`], [`EXECUTE`], [`PRESENT`]), instruction pointer.
pub const PAGE: u32 = 1;
/// The CPU raised an exception. Words: vector, error code, instruction pointer.
pub const EXCEPTION: u32 = 2;
/// The thread made a system call that is not in the table. Words: number, instruction pointer.
pub const UNKNOWN_CALL: u32 = 3;
/// The scheduling context's budget ran out. Words: ticks consumed.
pub const BUDGET: u32 = 4;

/// Error bit: the access was a write.
pub const WRITE: u64 = 1;
/// Error bit: the access was an instruction fetch.
pub const EXECUTE: u64 = 2;
/// Error bit: a page is mapped there, but not for this kind of access.
pub const PRESENT: u64 = 4;
