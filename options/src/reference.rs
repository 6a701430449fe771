//! The reference page of all options, `docs/options.md`, made from the table.

use alloc::format;
use alloc::string::String;

use crate::help::usage;
use crate::table::{Front, OPTIONS, Spec, Status};

/// The whole page as Markdown.
pub fn reference() -> String {
    let mut text = String::from(HEAD);
    let mut section = None;
    for spec in OPTIONS {
        if section != Some(spec.section) {
            section = Some(spec.section);
            text.push_str(&format!(
                "\n## {}\n\n| option | meaning | state | sundog run | sandbox | bwrap |\n|---|---|---|---|---|---|\n",
                spec.section.title()
            ));
        }
        text.push_str(&row(spec));
    }
    text
}

fn row(spec: &Spec) -> String {
    let state = match spec.status {
        Status::Works => String::from("works"),
        Status::Planned => String::from("error: planned"),
        Status::Never(reason) => format!("error: never; {reason}"),
    };
    let option = usage(spec).replace('|', "\\|");
    let mut row = format!("| `{option}` | {} | {state} |", spec.meaning);
    for front in Front::ALL {
        let known = if spec.fronts.contains(front) {
            " yes |"
        } else {
            " no |"
        };
        row.push_str(known);
    }
    row.push('\n');
    row
}

const HEAD: &str = "\
# Options of `sundog run`, `sandbox` and `bwrap`

Made from the table in `options/src/table.rs` by `cargo run -p sundog-options --example docs > docs/options.md`; do not edit.

Options are read up to the first argument that does not begin with a dash, or up to `--`. File options are done in the order
of the command line. Of another option given twice the last counts, with a warning. `--setenv`, `--unsetenv` and `--clearenv`
are done in order. An option whose state is an error ends the command with exit code 1; it is never ignored. With no file
option at all, `sundog run` and `sandbox` show the ordinary view, `bwrap` an empty tree.

`works` says that an option is read and planned. Where a front cannot yet do what was planned, it refuses the option by its name:
`sundog run` those of files, `--mem`, `--cpus` and `--argv0`; `sandbox` and `bwrap` within the system `--allow`, since a
sandbox cannot allow anything for the person. What `--allow`, `--deny` and `--policy` mean stands in [policy.md](policy.md).

Messages and exit codes of `bwrap` are those of bubblewrap 0.8.0. `--hostname` needs `--unshare-uts` there, `--size` takes no
suffix, and a `--perms` or `--size` at the end of the options passes without effect; for the others it is an error.
";
