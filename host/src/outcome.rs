//! How a machine ended, and what that means.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// The status of QEMU when the machine wrote 0x10 to its exit port: all is well.
const PASS: i32 = exit_status(0x10);
/// The status of QEMU when the machine wrote 0x12 to its exit port: the program that it was to end with failed.
const ENDED: i32 = exit_status(0x12);
/// The status of QEMU when the machine wrote 0x11 to its exit port: the kernel panicked.
const PANIC: i32 = exit_status(0x11);
/// SIGFPE.
const DIVIDE: i32 = 8;
/// What stands in a panic's line between the program's name and the place: `sundog: panic: FILE:LINE: TEXT`.
const PANIC_MARK: &str = ": panic: ";

/// QEMU's exit status for a value that was written to the exit port.
const fn exit_status(value: i32) -> i32 {
    value << 1 | 1
}

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The system ended itself and said that all is well.
    Passed,
    /// The system ended itself and said that a program failed.
    Ended,
    /// The kernel panicked; its line, if it got as far as writing one.
    Panicked(Option<String>),
    /// The processor reset or switched itself off, which the kernel never does: a fault while handling a fault.
    Reset,
    /// The system ended with another value.
    Status(i32),
    /// QEMU itself failed, with what it said.
    Failed(String),
    /// A signal ended QEMU.
    Killed(i32),
    /// It did not end in time.
    TimedOut(Duration),
}

impl Outcome {
    /// The meaning of how QEMU ended, with the kernel's text and QEMU's own.
    pub fn new(status: ExitStatus, kernel_text: &str, said: &str) -> Self {
        if let (Some(signal), true) = (status.signal(), said.is_empty()) {
            return Self::Killed(signal);
        }
        match status.code() {
            Some(PASS) => Self::Passed,
            Some(PANIC) => {
                let mut lines = kernel_text
                    .lines()
                    .filter_map(|line| line.split_once(PANIC_MARK));
                Self::Panicked(lines.next().map(|(_, line)| line.trim_end().to_owned()))
            }
            Some(ENDED) if said.is_empty() => Self::Ended,
            Some(0) => Self::Reset,
            Some(status) if status != 1 && said.is_empty() => Self::Status(status),
            _ => Self::Failed(said.trim_end().to_owned()),
        }
    }

    /// The text of the file, or nothing if there is none; a machine can write any bytes.
    pub fn text(file: &Path) -> String {
        String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(formatter, "the system ended by itself, all well"),
            Self::Ended => write!(formatter, "the system ended by itself: a program failed"),
            Self::Panicked(Some(line)) => write!(formatter, "the kernel panicked: {line}"),
            Self::Panicked(None) => {
                write!(formatter, "the kernel panicked and wrote no line about it")
            }
            Self::Reset => write!(
                formatter,
                "the machine reset itself (a triple fault) or was switched off"
            ),
            Self::Status(status) => write!(formatter, "the machine ended with status {status}"),
            Self::Failed(said) if said.is_empty() => {
                write!(formatter, "QEMU failed without a word")
            }
            // Debian's QEMU 7.2 divides for the machine without looking: a quotient that does not fit ends it (CAVEATS.md).
            Self::Killed(DIVIDE) => write!(
                formatter,
                "QEMU was ended by a division that it made for a program of the machine (signal {DIVIDE})"
            ),
            Self::Killed(signal) => write!(formatter, "QEMU was ended by signal {signal}"),
            Self::Failed(said) => write!(formatter, "QEMU failed: {said}"),
            Self::TimedOut(limit) => write!(
                formatter,
                "the machine did not end within {} s",
                limit.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(status: i32) -> ExitStatus {
        ExitStatus::from_raw(status << 8)
    }

    #[test]
    fn only_the_agreed_value_passes() {
        assert_eq!(Outcome::new(exit(33), "", ""), Outcome::Passed);
        assert_eq!(Outcome::new(exit(0), "", ""), Outcome::Reset);
        assert_eq!(
            Outcome::new(exit(1), "", "no such file\n"),
            Outcome::Failed("no such file".into())
        );
        assert_eq!(Outcome::new(exit(37), "", ""), Outcome::Ended);
        assert_eq!(
            Outcome::new(exit(1), "", ""),
            Outcome::Failed(String::new())
        );
        let killed = Outcome::new(ExitStatus::from_raw(DIVIDE), "", "");
        assert_eq!(killed, Outcome::Killed(DIVIDE));
        assert!(killed.to_string().contains("division"), "{killed}");
    }

    #[test]
    fn a_panic_is_quoted() {
        let text = "sundog: 2 CPUs\nsundog: panic: a.rs:1: lost\n";
        assert_eq!(
            Outcome::new(exit(35), text, ""),
            Outcome::Panicked(Some("a.rs:1: lost".into()))
        );
        assert_eq!(Outcome::new(exit(35), "", ""), Outcome::Panicked(None));
    }
}
