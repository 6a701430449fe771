//! The functions that this crate calls upwards: the kernel image defines them.

use crate::boot::BootInfo;

unsafe extern "Rust" {
    /// Called once, on the CPU that booted, on its own stack, when all CPUs run.
    pub(crate) safe fn sundog_boot(info: &'static BootInfo) -> !;
    /// Called on each other CPU, on its own stack, before `sundog_boot`.
    pub(crate) safe fn sundog_boot_application(cpu: usize) -> !;
}
