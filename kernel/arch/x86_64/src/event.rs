//! Why the kernel was entered.

/// The first vector that a device can have; those below are the CPU's exceptions and the masked legacy controllers'.
pub const FIRST_DEVICE_VECTOR: u8 = 0x30;
/// The last vector that a device can have.
pub const LAST_DEVICE_VECTOR: u8 = 0xef;
/// The timer's vector.
pub const TIMER_VECTOR: u8 = 0xf0;
/// The vector with which CPUs call each other.
pub const CALL_VECTOR: u8 = 0xf1;
/// A vector whose interrupts mean nothing and are dropped.
pub const NOTHING_VECTOR: u8 = 0xfe;
/// The vector of interrupts that went away before they were taken.
pub const SPURIOUS_VECTOR: u8 = 0xff;

/// Vector of the exception "no FPU now".
pub const NO_FPU: u8 = 7;
/// Vector of the exception "general protection".
pub const GENERAL_PROTECTION: u8 = 13;
const PAGE_FAULT: u8 = 14;
/// In a page fault's error code: the access was the program's own. One that the CPU made for it, of a descriptor table say, cannot be
/// mended by mapping something, so it is an exception like others. QEMU 7.2 accesses the stack so in `iretq` and `lretq`.
const BY_USER: u64 = 4;

/// Why the kernel was entered. All but interrupts come from the thread that is current on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The instruction `syscall`.
    Syscall,
    /// An access that the page tables do not allow.
    PageFault {
        /// The address that was accessed.
        address: u64,
        /// What the access was.
        access: Access,
    },
    /// Another exception.
    Exception {
        /// Its number, below 32.
        vector: u8,
        /// Its error code; 0 if it has none.
        error: u64,
    },
    /// The thread cannot be resumed from its registers: `rip`, or the base of FS or GS, is an address that user mode cannot have.
    /// It was not resumed; unless that is changed or another thread made current, this event comes again.
    BadState,
    /// The timer that this CPU set has run out. It can come early or twice, so look at the clock.
    Timer,
    /// Another CPU calls. What for is in memory: the interrupt itself proves nothing.
    Call,
    /// A device's interrupt, which the kernel must end with `lapic::end_of_interrupt`.
    Interrupt {
        /// The vector, in the devices' range.
        vector: u8,
    },
}

/// What an access that faulted was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// A page was there, but did not allow the access.
    pub present: bool,
    /// It was a write.
    pub write: bool,
    /// It was an instruction fetch.
    pub execute: bool,
}

impl Event {
    /// The event of an exception or interrupt; nothing for interrupts that mean nothing. `address` is what the CPU noted of a
    /// page fault.
    #[must_use]
    pub fn of_vector(vector: u8, error: u64, address: u64) -> Option<Event> {
        match vector {
            PAGE_FAULT if error & BY_USER != 0 => Some(Event::PageFault {
                address,
                access: Access {
                    present: error & 1 != 0,
                    write: error & 2 != 0,
                    execute: error & 16 != 0,
                },
            }),
            0..32 => Some(Event::Exception { vector, error }),
            FIRST_DEVICE_VECTOR..=LAST_DEVICE_VECTOR => Some(Event::Interrupt { vector }),
            TIMER_VECTOR => Some(Event::Timer),
            CALL_VECTOR => Some(Event::Call),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_become_events() {
        let access = Access {
            present: true,
            write: true,
            execute: false,
        };
        let fault = Event::PageFault {
            address: 0x1234,
            access,
        };
        assert_eq!(Event::of_vector(14, 0b111, 0x1234), Some(fault));
        assert_eq!(
            Event::of_vector(14, 0b001, 0x1234),
            Some(Event::Exception {
                vector: 14,
                error: 1
            })
        );
        assert_eq!(
            Event::of_vector(13, 8, 1),
            Some(Event::Exception {
                vector: 13,
                error: 8
            })
        );
        assert_eq!(
            Event::of_vector(0x30, 0, 0),
            Some(Event::Interrupt { vector: 0x30 })
        );
        assert_eq!(Event::of_vector(TIMER_VECTOR, 0, 0), Some(Event::Timer));
        assert_eq!(Event::of_vector(CALL_VECTOR, 0, 0), Some(Event::Call));
        for nothing in [0x20, 0x2f, NOTHING_VECTOR, SPURIOUS_VECTOR] {
            assert_eq!(Event::of_vector(nothing, 0, 0), None);
        }
    }
}
