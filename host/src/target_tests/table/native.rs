//! Native programs: what they do with capabilities, memory and each other.

use super::{TargetTest, USUAL};

pub const ROWS: &[TargetTest] = &[
    // A parent maps, remaps and protects a page of its child.
    TargetTest {
        name: "native_reshape",
        system: Some("reshape"),
        command_line: "exit-with=reshape",
        lines: &["init: reshape is done with status 0"],
        ..USUAL
    },
    // The same with both CPUs in one thread of the host, instruction by instruction.
    TargetTest {
        name: "native_reshape_icount",
        system: Some("reshape"),
        command_line: "exit-with=reshape",
        icount: true,
        lines: &["init: reshape is done with status 0"],
        ..USUAL
    },
];
