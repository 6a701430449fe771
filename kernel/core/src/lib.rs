//! Objects, capability operations, IPC and scheduling; no unsafe code.
#![no_std]
