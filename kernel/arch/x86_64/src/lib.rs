//! What is particular to x86_64: boot, traps, interrupt controllers, page-table format.
#![no_std]
