//! Linux programs: scripts of `tests/linux` that check themselves, in a shell of the system `linux-script`.

use super::{Duration, Guests, TargetTest, USUAL};

/// What the rows have in common: the script ends with status 0 only if all was as it should be.
const SCRIPT: TargetTest = TargetTest {
    system: Some("linux-script"),
    command_line: "exit-with=linux",
    lines: &["init: linux is done with status 0"],
    limit: Duration::from_secs(60),
    ..USUAL
};

const fn guests(
    scripts: &'static [&'static str],
    programs: &'static [&'static str],
) -> Guests<'static> {
    Guests { programs, scripts }
}

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "linux_script",
        guests: guests(&["shell"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "sandbox_script",
        guests: guests(&["sandbox"], &[]),
        ..SCRIPT
    },
    TargetTest {
        name: "linux_memory_mapped_twice_in_a_row",
        guests: guests(&["memfd"], &["memfd-ring"]),
        ..SCRIPT
    },
];
