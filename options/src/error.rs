//! What can be wrong with a command line, and how it is said.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::plan::Bytes;
use crate::table::{Front, Spec};

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// No digits.
    Empty,
    /// Something else than digits and a suffix.
    NotANumber,
    /// More than the option or 64 bits can take.
    TooLarge,
    /// Zero, or below the option's least value.
    TooSmall,
}

/// Why a command line was refused. The exit code is 1 in every case, as bubblewrap's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No program was named: print the help on standard error.
    NoProgram,
    /// More arguments than the limit (9000, as bubblewrap).
    TooManyArguments(usize),
    /// An argument contains a NUL byte.
    Nul,
    /// An option that this front end does not know.
    UnknownOption(Bytes),
    /// An option without all its arguments.
    MissingArgument(&'static str, usize),
    /// An option that is planned.
    NotYet(&'static str),
    /// An option that will never work, and why.
    Never(&'static str, &'static str),
    /// An option that may be given only once.
    Twice(&'static str),
    /// A modifier given twice before the option that it modifies.
    ModifierTwice(&'static str),
    /// `--perms` before something that makes no file.
    PermsDangling,
    /// `--size` before something else than `--tmpfs`.
    SizeDangling,
    /// A mode that is not octal or above 07777.
    Mode(&'static str),
    /// A `--size` that is no number or zero.
    TmpfsSize,
    /// A `--size` above half the address space.
    TmpfsSizeLimit,
    /// A variable's name that is empty or contains '='.
    VariableName(&'static str, Bytes),
    /// `--hostname` without `--unshare-uts` (bwrap only).
    HostnameNeedsUts,
    /// A host name of more than 64 bytes.
    HostnameTooLong(Bytes),
    /// A number out of range or not a number.
    Number(&'static str, Bytes, NumberFault),
    /// A value that is not one of those in the option's help.
    Value(&'static str, Bytes, &'static str),
}

/// The largest size of a tmpfs in bytes.
pub(crate) const MAX_TMPFS: u64 = u64::MAX >> 1;

impl Error {
    /// The exit code of the front end.
    pub const fn exit_code(&self) -> u8 {
        1
    }

    /// What the front end prints on standard error, with the newline: one line, or the help if no program was named.
    /// Under the name `bwrap` it is bubblewrap's text, bytes unchanged; the others print control characters escaped.
    pub fn message(&self, front: Front) -> Vec<u8> {
        if *self == Error::NoProgram {
            return crate::help(front).into_bytes();
        }
        let mut line = format!("{}: ", front.name()).into_bytes();
        line.extend_from_slice(&self.text(front));
        line.push(b'\n');
        line
    }

    fn text(&self, front: Front) -> Vec<u8> {
        let shown = |value: &[u8]| match front {
            Front::Bwrap => value.to_vec(),
            Front::Run | Front::Sandbox => value.escape_ascii().collect(),
        };
        match self {
            Error::UnknownOption(name) => [b"Unknown option ".as_slice(), &shown(name)].concat(),
            Error::VariableName(option, name) => match front {
                Front::Bwrap => format!("{} failed", option.trim_start_matches('-')).into_bytes(),
                Front::Run | Front::Sandbox => [
                    option.as_bytes(),
                    b": a variable's name must not be empty or contain '=': '",
                    &shown(name),
                    b"'",
                ]
                .concat(),
            },
            Error::HostnameTooLong(name) => [
                b"Can't set hostname to ".as_slice(),
                &shown(name),
                b": Invalid argument",
            ]
            .concat(),
            Error::Number(option, value, fault) => [
                format!("{option} {}: '", fault.text()).as_bytes(),
                &shown(value),
                b"'",
            ]
            .concat(),
            Error::Value(option, value, expected) => [
                format!("{option} takes {expected}, not '").as_bytes(),
                &shown(value),
                b"'",
            ]
            .concat(),
            other => other.fixed_text().into_bytes(),
        }
    }

    /// The text of errors that quote nothing.
    fn fixed_text(&self) -> String {
        match self {
            Error::TooManyArguments(limit) => {
                format!("Exceeded maximum number of arguments {limit}")
            }
            Error::Nul => "An argument contains a NUL byte".into(),
            Error::MissingArgument(option, count) => {
                format!("{option} takes {}", arguments(option, *count))
            }
            Error::NotYet(option) => format!("{option} is not supported yet"),
            Error::Never(option, reason) => format!("{option} is not supported: {reason}"),
            Error::Twice(option) => format!("{option} used multiple times"),
            Error::ModifierTwice(option) => format!("{option} given twice for the same action"),
            Error::PermsDangling => {
                "--perms must be followed by an option that creates a file".into()
            }
            Error::SizeDangling => "--size must be followed by --tmpfs".into(),
            Error::Mode(option) => format!("{option} takes an octal argument <= 07777"),
            Error::TmpfsSize => "--size takes a non-zero number of bytes".into(),
            Error::TmpfsSizeLimit => format!("--size (for tmpfs) is limited to {MAX_TMPFS}"),
            Error::HostnameNeedsUts => "Specifying --hostname requires --unshare-uts".into(),
            Error::NoProgram
            | Error::UnknownOption(_)
            | Error::VariableName(..)
            | Error::HostnameTooLong(_)
            | Error::Number(..)
            | Error::Value(..) => String::new(),
        }
    }

    pub(crate) fn missing(spec: &Spec) -> Error {
        Error::MissingArgument(spec.name, spec.arguments.len())
    }
}

/// How many arguments, in bubblewrap's words, which differ for two options.
fn arguments(option: &str, count: usize) -> &'static str {
    match (option, count) {
        ("--chdir" | "--remount-ro", 1) => "one argument",
        (_, 1) => "an argument",
        (_, 2) => "two arguments",
        _ => "three arguments",
    }
}

impl NumberFault {
    const fn text(self) -> &'static str {
        match self {
            NumberFault::Empty => "takes a number, not nothing",
            NumberFault::NotANumber => "takes a number",
            NumberFault::TooLarge => "takes a smaller number",
            NumberFault::TooSmall => "takes a number above zero",
        }
    }
}
