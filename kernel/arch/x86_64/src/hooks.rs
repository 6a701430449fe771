//! The functions that this crate calls upwards: the kernel image defines them.

use crate::boot::BootInfo;
use crate::event::Event;
use crate::registers::Registers;

unsafe extern "Rust" {
    /// Called once, on the CPU that booted, when all CPUs run. The others wait, without a thread, for [`crate::lapic::call`].
    /// When it returns, the CPU runs the thread that is current then.
    pub(crate) safe fn sundog_boot(info: &'static BootInfo);
    /// Called at each entry into the kernel, with interrupts off, on this CPU's kernel stack. When it returns, the CPU runs the
    /// thread that is current then, or waits for an interrupt if none is.
    pub(crate) safe fn sundog_entry(event: Event);
}

// The fast paths: called by the entry code before `sundog_entry`, and instead of it if they do not refuse. Who refuses has changed
// nothing. Not all registers are saved yet, and none of those that such a function must keep.
unsafe extern "C" {
    /// The system call `call`, of a thread that is no guest. Gives the registers of the thread that is current now and got the message;
    /// null: refused. Words are where they were, in r12 to r15; of the registers saved rdi and rsi come back, and the others are zero.
    pub(crate) safe fn sundog_fast_call(rdi: u64, rsi: u64) -> *const Registers;
    /// The same for `reply_receive`.
    pub(crate) safe fn sundog_fast_reply_receive(
        rdi: u64,
        rsi: u64,
        rdx: u64,
        rcx: u64,
        r8: u64,
    ) -> *const Registers;
    /// The same for `vcpu_enter`. The guest is current now, and its general registers are those in its page. Gives the registers of the
    /// thread that entered it; null: refused.
    pub(crate) safe fn sundog_fast_enter(rdi: u64, rsi: u64) -> *const Registers;
    /// The same for any system call of a guest. True: the thread that is in the guest is current now and goes on.
    pub(crate) safe fn sundog_fast_exit() -> bool;
}

/// Names the image's functions as the ones that this crate calls. To be used once, in the image.
#[macro_export]
macro_rules! entry_points {
    ($boot:path, $entry:path, $call:path, $reply_receive:path, $enter:path, $exit:path) => {
        // Nothing else in the image may define these names; the linker refuses two.
        #[unsafe(no_mangle)]
        fn sundog_boot(info: &'static $crate::boot::BootInfo) {
            $boot(info);
        }

        #[unsafe(no_mangle)]
        fn sundog_entry(event: $crate::event::Event) {
            $entry(event);
        }

        #[unsafe(no_mangle)]
        extern "C" fn sundog_fast_call(rdi: u64, rsi: u64) -> *const $crate::registers::Registers {
            $call(rdi, rsi)
        }

        #[unsafe(no_mangle)]
        extern "C" fn sundog_fast_reply_receive(
            rdi: u64,
            rsi: u64,
            _: u64,
            _: u64,
            r8: u64,
        ) -> *const $crate::registers::Registers {
            $reply_receive(rdi, rsi, r8)
        }

        #[unsafe(no_mangle)]
        extern "C" fn sundog_fast_enter(rdi: u64, rsi: u64) -> *const $crate::registers::Registers {
            $enter(rdi, rsi)
        }

        #[unsafe(no_mangle)]
        extern "C" fn sundog_fast_exit() -> bool {
            $exit()
        }
    };
}
