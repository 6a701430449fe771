//! Text out of the kernel, by QEMU's debug port 0xe9.

use crate::port;
use core::fmt::{self, Write};
use core::hint;
use core::sync::atomic::{AtomicBool, Ordering};

const PORT: u16 = 0xe9;

/// How often a line waits for another CPU's: not for ever, since that CPU can have panicked in the middle of its line.
const PATIENCE: u32 = 1_000_000;

/// A line is being written.
static BUSY: AtomicBool = AtomicBool::new(false);

/// Writes a line, whole even if other CPUs write too.
pub fn line(text: fmt::Arguments) {
    let taken = || BUSY.swap(true, Ordering::Acquire);
    for _ in 0..PATIENCE {
        if !taken() {
            break;
        }
        hint::spin_loop();
    }
    // The port takes everything.
    let _ = writeln!(Debugcon, "{text}");
    BUSY.store(false, Ordering::Release);
}

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
