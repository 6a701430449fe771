//! Stubs of the system calls.
