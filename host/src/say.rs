//! Lines of the command's own. A standard stream that takes none is no reason to abort: machines must be ended and folders removed.

use crate::failure::Failure;
use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// A line on standard error. Where that takes none nobody can be told so, and the exit status says the rest.
pub fn warn(line: impl Display) {
    drop(writeln!(stderr(), "{line}"));
}

/// Text on standard output.
///
/// # Errors
/// Standard output does not take it.
pub fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = stdout();
    let written = write!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}

/// A line on standard output.
///
/// # Errors
/// Standard output does not take it.
pub fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}
