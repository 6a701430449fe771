//! A user thread's registers while it does not run.

use core::cell::Cell;
use core::fmt;

/// Everything that the entry code saves and restores. The entry code knows the layout by `offset_of`.
///
/// All zero is a valid value. Whatever the fields hold, resuming from them cannot harm the kernel: flags are masked, segments are
/// fixed, and addresses that user mode cannot have are reported as [`crate::event::Event::BadState`].
#[repr(C)]
#[derive(Default)]
pub struct Registers {
    /// General register.
    pub rax: Cell<u64>,
    /// General register.
    pub rbx: Cell<u64>,
    /// General register; `syscall` puts the return address there.
    pub rcx: Cell<u64>,
    /// General register.
    pub rdx: Cell<u64>,
    /// General register.
    pub rsi: Cell<u64>,
    /// General register.
    pub rdi: Cell<u64>,
    /// General register.
    pub rbp: Cell<u64>,
    /// General register.
    pub r8: Cell<u64>,
    /// General register.
    pub r9: Cell<u64>,
    /// General register.
    pub r10: Cell<u64>,
    /// General register; `syscall` puts the flags there.
    pub r11: Cell<u64>,
    /// General register.
    pub r12: Cell<u64>,
    /// General register.
    pub r13: Cell<u64>,
    /// General register.
    pub r14: Cell<u64>,
    /// General register.
    pub r15: Cell<u64>,
    /// Address of the next instruction.
    pub rip: Cell<u64>,
    /// Stack pointer.
    pub rsp: Cell<u64>,
    /// Flags; on the way out only those in [`USER_FLAGS`] count.
    pub rflags: Cell<u64>,
    /// Base of the segment FS.
    pub fs_base: Cell<u64>,
    /// Base of the segment GS.
    pub gs_base: Cell<u64>,
    /// [`BY_IRET`] or [`BY_SYSRET`].
    pub how: Cell<u64>,
}

/// Resume with all registers. Entries by interrupt or exception set it.
pub const BY_IRET: u64 = 0;
/// Resume by the faster instruction, which loses `rcx` and `r11` (they become `rip` and the flags). Entries by `syscall` set it;
/// whoever changes `rcx` or `r11`, or takes a thread to other code, sets [`BY_IRET`].
pub const BY_SYSRET: u64 = 1;

/// Flags that belong to user mode: arithmetic ones, trap, direction, resume, alignment check, identification.
pub const USER_FLAGS: u64 = 0x25_0dd5;
/// Flags that are always set in user mode: interrupts are on, and bit 1 is always 1.
pub const FIXED_FLAGS: u64 = 0x202;

impl Registers {
    /// All zero.
    #[must_use]
    pub const fn new() -> Registers {
        Registers {
            rax: Cell::new(0),
            rbx: Cell::new(0),
            rcx: Cell::new(0),
            rdx: Cell::new(0),
            rsi: Cell::new(0),
            rdi: Cell::new(0),
            rbp: Cell::new(0),
            r8: Cell::new(0),
            r9: Cell::new(0),
            r10: Cell::new(0),
            r11: Cell::new(0),
            r12: Cell::new(0),
            r13: Cell::new(0),
            r14: Cell::new(0),
            r15: Cell::new(0),
            rip: Cell::new(0),
            rsp: Cell::new(0),
            rflags: Cell::new(0),
            fs_base: Cell::new(0),
            gs_base: Cell::new(0),
            how: Cell::new(0),
        }
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rip {:x} rsp {:x}", self.rip.get(), self.rsp.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_mode_cannot_get_privileged_flags() {
        let (interrupt, io_level, nested, virtual_8086) =
            (1 << 9, 3 << 12, 1 << 14, 7 << 17 & !(1 << 18));
        assert_eq!(
            USER_FLAGS & (interrupt | io_level | nested | virtual_8086),
            0
        );
        assert_eq!(FIXED_FLAGS, interrupt | 2);
    }
}
