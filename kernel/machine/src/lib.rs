//! The only portable unsafe code of the kernel: typed object memory, user copies, per-CPU data.
#![no_std]
