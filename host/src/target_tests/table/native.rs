//! Native programs: what they do with capabilities, memory and each other.

use super::{Duration, SYSTEM, Step, TargetTest, USUAL};
use sundog_protocols::consent::Answer;

/// A program gets the guarded line from a person and hands a narrower copy of the capability to another program; the person takes it
/// back from the first, and with it from the second.
const EXCHANGE: &[Step] = &[
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Answer(Answer::Once),
    Step::Output("asker: opened, once"),
    Step::Output("asker: holds send, grant-reply"),
    Step::Device("S"),
    Step::Output("friend: recorded by send: S"),
    Step::Revoke,
    Step::Output("asker: revoked"),
    Step::Output("friend: InvalidAddress"),
    Step::Exit(0),
];

/// How long the slowest round took is in the kernel's text too.
const WAKES: TargetTest = TargetTest {
    command_line: "exit-with=left",
    limit: Duration::from_secs(120),
    ..USUAL
};

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
    TargetTest {
        name: "native_exchange",
        system: Some("exchange"),
        lines: &["init: 7 programs"],
        steps: EXCHANGE,
        ..SYSTEM
    },
    // A ring: what is written across its end comes out whole.
    TargetTest {
        name: "native_ring",
        system: Some("ring"),
        command_line: "exit-with=reader",
        lines: &["init: reader is done with status 0"],
        ..USUAL
    },
    // Two CPUs wake each other in every way: no wake-up is lost, be the other one asleep or busy.
    TargetTest {
        name: "native_wakes_of_a_sleeping_cpu",
        system: Some("wakes"),
        lines: &[
            "wakes: sleeps: 2000 rounds",
            "init: left is done with status 0",
        ],
        ..WAKES
    },
    TargetTest {
        name: "native_wakes_of_a_busy_cpu",
        system: Some("wakes-busy"),
        lines: &[
            "wakes: sleeps: 5000 rounds",
            "init: left is done with status 0",
        ],
        ..WAKES
    },
];
