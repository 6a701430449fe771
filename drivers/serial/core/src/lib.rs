//! The 16550's registers and state, without I/O.
#![no_std]
#![forbid(unsafe_code)]
