//! The Linux personality: processes, memory, signals and system calls, over a trait for the machine.
#![no_std]
#![forbid(unsafe_code)]
