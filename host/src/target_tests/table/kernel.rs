//! The kernel alone, and its figures.

use super::{Board, Duration, TargetTest, USUAL};

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "boot_microvm",
        lines: &["sundog: 2 CPUs"],
        ..USUAL
    },
    TargetTest {
        name: "boot_microvm_icount",
        lines: &["sundog: 2 CPUs"],
        icount: true,
        ..USUAL
    },
    TargetTest {
        name: "boot_q35",
        lines: &["sundog: 2 CPUs"],
        board: Board::Q35,
        ..USUAL
    },
    TargetTest {
        name: "bench_runs",
        system: Some("bench"),
        command_line: "exit-with=bench",
        limit: Duration::from_secs(60),
        ..USUAL
    },
];
