//! Linux system calls of the host side that need unsafe code.
pub mod ptrace;
