//! Systems of drivers: the right ones, and hostile ones.

use super::{Board, SYSTEM, TargetTest, USUAL};

pub const ROWS: &[TargetTest] = &[
    TargetTest {
        name: "hostile_driver",
        system: Some("hostile"),
        command_line: "exit-with=witness",
        lines: &["init: 3 programs", "init: witness is done with status 0"],
        console: Some((".", 300)),
        ..USUAL
    },
    TargetTest {
        name: "hostile_driver_on_the_other_cpu",
        system: Some("hostile-two-cpus"),
        command_line: "exit-with=witness",
        lines: &["init: 3 programs", "init: witness is done with status 0"],
        console: Some((".", 300)),
        ..USUAL
    },
    TargetTest {
        name: "system_microvm",
        ..SYSTEM
    },
    TargetTest {
        name: "system_microvm_icount",
        icount: true,
        ..SYSTEM
    },
    TargetTest {
        name: "system_q35",
        board: Board::Q35,
        ..SYSTEM
    },
];
