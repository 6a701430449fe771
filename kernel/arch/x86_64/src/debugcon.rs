//! Text out of the kernel, by QEMU's debug port 0xe9.

use crate::port;
use core::fmt;

const PORT: u16 = 0xe9;

/// The debug port; every copy writes to the same place, unbuffered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Debugcon;

impl Debugcon {
    /// Writes bytes as they are.
    pub fn write_bytes(self, bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: the debug port takes bytes and does nothing else; without the device the write goes nowhere.
            unsafe { port::out_u8(PORT, *byte) };
        }
    }
}

impl fmt::Write for Debugcon {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes());
        Ok(())
    }
}
