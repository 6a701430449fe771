//! Linux programs: scripts that check themselves.

use super::{Duration, TargetTest, USUAL};

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "linux_script",
        system: Some("linux-script"),
        command_line: "exit-with=linux",
        lines: &["init: linux is done with status 0"],
        limit: Duration::from_secs(60),
        ..USUAL
    },
    TargetTest {
        name: "sandbox_script",
        system: Some("sandbox-script"),
        command_line: "exit-with=linux",
        lines: &["init: linux is done with status 0"],
        limit: Duration::from_secs(60),
        ..USUAL
    },
];
