//! What is known of a signal: its cause, and Linux's `siginfo_t` made of it.

/// Who or what caused a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The system itself (SI_KERNEL).
    Kernel,
    /// kill, tkill, sigqueue: code, sender's process and user, value.
    User {
        /// SI_USER (0), SI_TKILL (-6), SI_QUEUE (-1) ...
        code: i32,
        /// The sending process.
        pid: i32,
        /// Its user.
        uid: u32,
        /// sigqueue's value.
        value: u64,
    },
    /// A child ended, stopped or went on.
    Child {
        /// CLD_EXITED (1), CLD_KILLED (2), CLD_DUMPED (3), CLD_STOPPED (5), CLD_CONTINUED (6).
        code: i32,
        /// The child.
        pid: i32,
        /// Its user.
        uid: u32,
        /// Its exit status or signal.
        status: i32,
    },
    /// An instruction: code and address.
    Fault {
        /// Such as SEGV_MAPERR (1).
        code: i32,
        /// The address.
        address: u64,
        /// The processor's vector.
        vector: u8,
        /// The processor's error code.
        error: u64,
    },
    /// A POSIX timer.
    Timer {
        /// Its number.
        id: i32,
        /// How many expiries were missed.
        overrun: i32,
        /// Its value.
        value: u64,
    },
}

/// A signal and its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInformation {
    /// The signal.
    pub signal: u32,
    /// Its cause.
    pub cause: Cause,
}

impl SignalInformation {
    /// A signal of the system's own.
    #[must_use]
    pub fn kernel(signal: u32) -> Self {
        Self {
            signal,
            cause: Cause::Kernel,
        }
    }

    /// Linux's `siginfo_t`.
    #[must_use]
    pub fn encode(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &self.signal.to_le_bytes());
        match self.cause {
            Cause::Kernel => put(8, &0x80_i32.to_le_bytes()),
            Cause::User {
                code,
                pid,
                uid,
                value,
            } => {
                put(8, &code.to_le_bytes());
                put(16, &pid.to_le_bytes());
                put(20, &uid.to_le_bytes());
                put(24, &value.to_le_bytes());
            }
            Cause::Child {
                code,
                pid,
                uid,
                status,
            } => {
                put(8, &code.to_le_bytes());
                put(16, &pid.to_le_bytes());
                put(20, &uid.to_le_bytes());
                put(24, &status.to_le_bytes());
            }
            Cause::Fault { code, address, .. } => {
                put(8, &code.to_le_bytes());
                put(16, &address.to_le_bytes());
            }
            Cause::Timer { id, overrun, value } => {
                put(8, &(-2_i32).to_le_bytes());
                put(16, &id.to_le_bytes());
                put(20, &overrun.to_le_bytes());
                put(24, &value.to_le_bytes());
            }
        }
        bytes
    }
}
