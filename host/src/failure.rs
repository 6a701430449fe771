//! Why the command cannot go on, as text for a person.

use crate::say;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// The status of a command whose reader has gone: as if SIGPIPE had ended it.
const NO_READER: u8 = 128 + 13;

/// An error that ends the command; shown as lines that begin with the command's name.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with a text that says what is wrong and, where it is known, what to do.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A failure of the operating system, with what was tried.
    pub fn system(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }

    /// Standard output does not take what is written. That its reader has gone is told to nobody, as of any program in a pipe.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self(String::new()),
            _ => Self::system("cannot write to standard output", error),
        }
    }

    /// Says it on standard error; the status with which it ends the command.
    pub fn told(&self) -> ExitCode {
        if self.0.is_empty() {
            return NO_READER.into();
        }
        say::warn(self);
        ExitCode::FAILURE
    }

    /// The text alone.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines().enumerate() {
            let break_before = if index == 0 { "" } else { "\n" };
            write!(formatter, "{break_before}sundog: {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_the_command() {
        assert_eq!(Failure::new("a\nb").to_string(), "sundog: a\nsundog: b");
    }
}
