//! What is particular to x86_64: boot, traps, interrupt controllers, page-table format.
//!
//! Formats and parsers are pure and run on the host; everything that needs the machine exists only for the bare target.
//! This crate is the lowest one: it calls upwards only through the functions listed in [`hooks`].
#![no_std]

pub mod acpi;
pub mod descriptor;
pub mod entry_format;
pub mod event;
pub mod features;
pub mod layout;
pub mod physical;
pub mod registers;
pub mod start_info;

#[cfg(target_os = "none")]
pub mod boot;
#[cfg(target_os = "none")]
pub mod control;
#[cfg(target_os = "none")]
pub mod cpuid;
#[cfg(target_os = "none")]
pub mod debugcon;
#[cfg(target_os = "none")]
pub mod exit;
#[cfg(target_os = "none")]
pub mod fpu;
#[cfg(target_os = "none")]
pub mod frames;
#[cfg(target_os = "none")]
mod gdt;
#[cfg(target_os = "none")]
pub mod hooks;
#[cfg(target_os = "none")]
mod idt;
#[cfg(target_os = "none")]
pub mod ioapic;
#[cfg(target_os = "none")]
pub mod kernel_map;
#[cfg(target_os = "none")]
pub mod lapic;
#[cfg(target_os = "none")]
pub mod memory;
#[cfg(target_os = "none")]
pub mod msr;
#[cfg(target_os = "none")]
pub mod paging;
#[cfg(target_os = "none")]
pub mod per_cpu;
#[cfg(target_os = "none")]
mod pic;
#[cfg(target_os = "none")]
pub mod port;
#[cfg(target_os = "none")]
pub mod smp;
#[cfg(target_os = "none")]
pub mod trap;
#[cfg(target_os = "none")]
pub mod tsc;
#[cfg(target_os = "none")]
pub mod user_copy;
