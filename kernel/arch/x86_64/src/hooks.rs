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

/// Names the image's two functions as the ones that this crate calls. To be used once, in the image.
#[macro_export]
macro_rules! entry_points {
    ($boot:path, $entry:path) => {
        // Nothing else in the image may define these names; the linker refuses two.
        #[unsafe(no_mangle)]
        fn sundog_boot(info: &'static $crate::boot::BootInfo) {
            $boot(info);
        }

        #[unsafe(no_mangle)]
        fn sundog_entry(event: $crate::event::Event) {
            $entry(event);
        }
    };
}
