//! Ends the machine, or this CPU's part in it.

use crate::port;
use core::arch::asm;

const PORT: u16 = 0xf4;
/// The value for "all is well": QEMU's status is 33.
pub const PASS: u8 = 0x10;
/// The value for a panic: QEMU's status is 35.
pub const PANIC: u8 = 0x11;

/// Ends QEMU with status `2 * value + 1` if it has the device for it (`isa-debug-exit` at 0xf4), else stops this CPU.
pub fn exit(value: u8) -> ! {
    // SAFETY: the device ends QEMU and does nothing else; without the device the write goes nowhere.
    unsafe { port::out_u32(PORT, value.into()) };
    halt_forever()
}

/// Stops this CPU until the machine is reset.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off only an NMI or the like ends `hlt`, and then the loop goes on.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
