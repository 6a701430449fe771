//! Filters of system calls: a process may make those that are listed, with arguments as listed, and is killed for any other.
//!
//! The filter is a program for Linux's small interpreter (classic BPF). It sees the numbers that are in the registers, and no memory.

use crate::ptrace::system_call;
use std::io::Error;

mod program;

const SYS_SECCOMP: usize = 317;
const SET_MODE_FILTER: usize = 1;

/// What an argument must be. Arguments are numbers of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// Just this.
    Be(u64),
    /// No other bits than these.
    Within(u64),
    /// One of a row: from the first to the last, by steps. Both ends lie in the same 4 GiB; the step is a power of two that divides the first.
    Step {
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
        /// From one to the next.
        step: u64,
    },
    /// Not below 4 GiB.
    BeHigh,
}

/// A call that is allowed if all that is said of its arguments holds. A call may have several rules; one that holds is enough.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The number of the call.
    pub call: u32,
    /// The argument (0 to 5), and what it must be.
    pub arguments: &'a [(u8, Must)],
}

/// Makes a filter hold for this thread and all that it starts, for good. It must have given up new privileges, and be the only thread.
///
/// # Errors
/// Those of the system call: `EINVAL` for a filter with more than 4096 instructions.
pub fn restrict(rules: &[Rule<'_>]) -> Result<(), Error> {
    let program = program::assemble(rules);
    // Linux's `struct sock_fprog`: how many instructions, and where.
    let place = program.as_ptr().expose_provenance() as u64;
    let header = [program.len().min(usize::from(u16::MAX)) as u64, place];
    let header = header.as_ptr().expose_provenance();
    // SAFETY: the call reads the header of 16 bytes and as many instructions of 8 bytes as that says; both are alive.
    unsafe { system_call(SYS_SECCOMP, [SET_MODE_FILTER, 0, header, 0, 0, 0]) }.map(drop)
}
