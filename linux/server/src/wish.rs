//! What a command line of `sandbox` or `bwrap` asks for.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use sundog_options::{BindMode, Front, Operation, Plan, Request, parse};

/// A sandbox that is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
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
        // Everything that is not done by the inner personality or here is refused, never dropped.
        let refused = [
            (!plan.rules.is_empty(), "--allow and --deny"),
            (plan.policy.is_some(), "--policy"),
        ];
        if let Some((_, option)) = refused.iter().find(|(given, _)| *given) {
            return Err(format!("{option} does not work within a sandbox yet"));
        }
        let late_root = |operation: &Operation| matches!(operation, Operation::Bind { dest, .. } if dest == b"/");
        if plan.operations.iter().skip(1).any(late_root) {
            return Err(String::from(
                "what is bound to / must be the first file option",
            ));
        }
        let sized =
            |operation: &Operation| matches!(operation, Operation::Tmpfs { size: Some(_), .. });
        if plan.operations.iter().any(sized) {
            return Err(String::from("--size does not work within a sandbox yet"));
        }
        let device = |operation: &Operation| {
            matches!(
                operation,
                Operation::Bind {
                    mode: BindMode::Device,
                    ..
                }
            )
        };
        if plan.operations.iter().any(device) {
            return Err(String::from(
                "--dev-bind does not work within a sandbox yet",
            ));
        }
        Ok(Wish { plan })
    }

    /// The sources that are bound, in order, with whether they are read only.
    pub fn sources(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.plan
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Bind { source, mode, .. } => {
                    Some((source.as_slice(), *mode == BindMode::ReadOnly))
                }
                _ => None,
            })
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
        assert_eq!(wish("sandbox sh").unwrap().sources().count(), 1);
        assert_eq!(wish("/bin/bwrap sh").unwrap().plan.operations, []);
        let binds = wish("sandbox --bind /a / --ro-bind /c /d sh").unwrap();
        assert_eq!(
            binds.sources().collect::<Vec<_>>(),
            [(&b"/a"[..], false), (b"/c", true)]
        );
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for line in [
            "",
            "sandbox",
            "sandbox --help",
            "sandbox --nothing sh",
            "sandbox --allow serial sh",
            "sandbox --dev-bind / / sh",
            "sandbox --tmpfs /tmp --size 5 --tmpfs /tmp sh",
            "sandbox --bind /tmp /data --ro-bind / / sh",
        ] {
            assert!(wish(line).is_err(), "{line}");
        }
    }
}
