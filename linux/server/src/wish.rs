//! What a command line of `sandbox` or `bwrap` asks for.

use crate::gated::register;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use sundog_options::{BindMode, Front, Operation, Plan, Request, parse};

/// A sandbox that is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The name that it goes by.
    pub front: Front,
    /// Its options, with the ordinary view in place of none.
    pub plan: Plan,
}

/// The command that a program was started as.
fn front(name: &[u8]) -> Front {
    if name.rsplit(|byte| *byte == b'/').next() == Some(b"bwrap") {
        Front::Bwrap
    } else {
        Front::Sandbox
    }
}

/// The view if no file option is given: everything of the caller's, read only, with a /tmp, /proc and /dev of its own.
fn ordinary() -> Vec<Operation> {
    let dest = |path: &str| path.as_bytes().to_vec();
    vec![
        Operation::Bind {
            source: dest("/"),
            dest: dest("/"),
            mode: BindMode::ReadOnly,
        },
        Operation::Proc {
            dest: dest("/proc"),
        },
        Operation::Dev { dest: dest("/dev") },
        Operation::Tmpfs {
            dest: dest("/tmp"),
            size: None,
            perms: 0o1777,
        },
    ]
}

impl Wish {
    /// Reads a command line, its name first.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn of<A: AsRef<[u8]>>(arguments: &[A]) -> Result<Wish, String> {
        let (name, arguments) = arguments
            .split_first()
            .ok_or_else(|| String::from("no arguments"))?;
        let front = front(name.as_ref());
        let mut plan = match parse(front, arguments).request {
            Ok(Request::Run(plan)) => *plan,
            Ok(_) => return Err(String::from("no program is asked for")),
            Err(error) => {
                return Err(String::from_utf8_lossy(&error.message(front)).into_owned());
            }
        };
        if plan.operations.is_empty() && front == Front::Sandbox {
            plan.operations = ordinary();
        }
        register::denials(&plan)?;
        Ok(Wish { front, plan })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Result<Wish, String> {
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        Wish::of(&words)
    }

    #[test]
    fn no_file_option_is_the_ordinary_view_or_for_bwrap_nothing() {
        assert_eq!(wish("sandbox sh").unwrap().plan.operations.len(), 4);
        assert_eq!(wish("/bin/bwrap sh").unwrap().plan.operations, []);
        let binds = wish("sandbox --bind /a / --dev-bind /dev/ttyS1 /d --deny serial1 sh");
        assert_eq!(binds.unwrap().plan.operations.len(), 2);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for line in [
            "",
            "sandbox",
            "sandbox --help",
            "sandbox --nothing sh",
            "sandbox --allow serial sh",
            "sandbox --allow serial1=once sh",
            "sandbox --deny nothing sh",
        ] {
            assert!(wish(line).is_err(), "{line}");
        }
    }
}
