//! The page that a VCpu shares with its holder: the guest's registers and why it came back.
//!
//! The holder writes registers before `vcpu_enter`; the kernel reads them once, checks them and keeps its own copy; it writes
//! them back only on exit.

/// Offsets in the state page, in 64-bit words.
pub mod page {
    /// rax rbx rcx rdx rsi rdi rbp rsp r8..r15, in this order: 16 words.
    pub const REGISTERS: usize = 0;
    /// The instruction pointer.
    pub const RIP: usize = 16;
    /// The flags; the kernel masks what a guest may not set.
    pub const RFLAGS: usize = 17;
    /// Base of FS.
    pub const FS_BASE: usize = 18;
    /// Base of GS.
    pub const GS_BASE: usize = 19;
    /// Why the guest came back: one of the constants of [`super::exit`].
    pub const EXIT: usize = 24;
    /// Fault: the address. Exception: the vector. Notification: the signal word.
    pub const EXIT_ADDRESS: usize = 25;
    /// Fault: bits of [`crate::fault`]. Exception: the error code.
    pub const EXIT_CODE: usize = 26;
    /// Words that the kernel reads and writes.
    pub const WORDS: usize = 27;
    /// The FPU's save area (XSAVE's standard layout) starts at this byte of the page.
    pub const FPU_BYTE: usize = 1024;
}

/// Reasons of an exit.
pub mod exit {
    /// The guest executed `syscall`.
    pub const SYSCALL: u64 = 1;
    /// The guest touched memory that is not mapped so.
    pub const FAULT: u64 = 2;
    /// The CPU raised an exception in the guest.
    pub const EXCEPTION: u64 = 3;
    /// Somebody kicked the VCpu.
    pub const KICK: u64 = 4;
    /// The notification bound to the entering thread has signals; they are in the exit's address word.
    pub const NOTIFICATION: u64 = 5;
    /// The deadline of the entry passed.
    pub const DEADLINE: u64 = 6;
    /// The registers in the page were not acceptable; the guest did not run.
    pub const BAD_STATE: u64 = 7;
}
