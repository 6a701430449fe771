//! Stubs of the system calls.
#![no_std]
