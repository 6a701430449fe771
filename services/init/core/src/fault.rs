//! A fault message in words.

use core::fmt;
use sundog_abi::fault::{BUDGET, EXCEPTION, EXECUTE, PAGE, PRESENT, UNKNOWN_CALL, WRITE};

/// What the kernel said about a thread, as a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultText {
    /// The label of the message.
    pub kind: u32,
    /// Its first words.
    pub words: [u64; 3],
}

impl fmt::Display for FaultText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.words;
        match self.kind {
            PAGE => {
                let access = match second {
                    bits if bits & EXECUTE != 0 => "executed",
                    bits if bits & WRITE != 0 => "wrote",
                    _ => "read",
                };
                let why = if second & PRESENT == 0 {
                    "nothing is mapped"
                } else {
                    "that is not allowed"
                };
                write!(formatter, "{access} {first:#x}, where {why}, at {third:#x}")
            }
            EXCEPTION => write!(
                formatter,
                "raised exception {first} (code {second:#x}) at {third:#x}"
            ),
            UNKNOWN_CALL => write!(
                formatter,
                "made the unknown system call {first} at {second:#x}"
            ),
            BUDGET => write!(formatter, "used up its time ({first} ticks)"),
            other => write!(formatter, "faulted in an unknown way ({other})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn faults_read_as_sentences() {
        let text = |kind, words| FaultText { kind, words }.to_string();
        assert_eq!(
            text(PAGE, [0x10, WRITE, 0x20_1000]),
            "wrote 0x10, where nothing is mapped, at 0x201000"
        );
        assert_eq!(
            text(PAGE, [0x10, EXECUTE | PRESENT, 0x10]),
            "executed 0x10, where that is not allowed, at 0x10"
        );
        assert_eq!(
            text(EXCEPTION, [6, 0, 0x20_1000]),
            "raised exception 6 (code 0x0) at 0x201000"
        );
        assert_eq!(
            text(UNKNOWN_CALL, [999, 0x20_1000, 0]),
            "made the unknown system call 999 at 0x201000"
        );
        assert_eq!(text(77, [0; 3]), "faulted in an unknown way (77)");
    }
}
