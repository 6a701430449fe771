//! The functions that this crate calls upwards: the kernel image defines them.

use crate::boot::BootInfo;
use crate::event::Event;

unsafe extern "Rust" {
    /// Called once, on the CPU that booted, when all CPUs run. The others wait, without a thread, for [`crate::lapic::call`].
    /// When it returns, the CPU runs the thread that is current then.
    pub(crate) safe fn sundog_boot(info: &'static BootInfo);
    /// Called at each entry into the kernel, with interrupts off, on this CPU's kernel stack. When it returns, the CPU runs the
    /// thread that is current then, or waits for an interrupt if none is.
    pub(crate) safe fn sundog_entry(event: Event);
}
