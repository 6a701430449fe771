//! Systems of drivers: the right ones, and hostile ones.

use super::{Board, Duration, SYSTEM, Step, TargetTest, USUAL};
use sundog_protocols::consent::Answer;

/// The real driver is killed and started again: its client gets an error, and is served again within 100 ms of the machine's time, which
/// only counted instructions make the same everywhere.
const KILLED: TargetTest = TargetTest {
    command_line: "exit-with=survivor",
    icount: true,
    lines: &[
        "init: 3 programs",
        "init: serial0 executed 0x10, where nothing is mapped, at 0x10",
        "init: serial0 runs again",
        "init: survivor is done with status 0",
    ],
    typed: &[("ready\n", "one\n"), ("after\n", "two\n")],
    console: Some(("ready\nafter\n", 1)),
    ..USUAL
};

/// The drivers of the terminal, of the control line and of the guarded line are killed, one after the other. The console goes on; the
/// consent service asks and hands out as before; the grant that the last driver knew is gone.
const ALL_KILLED: &[Step] = &[
    Step::Output("asker: ready"),
    Step::Type("hello\n"),
    Step::Output("asker: you typed hello"),
    Step::Type("kill\n"),
    Step::Output("asker: one was killed"),
    Step::Type("again\n"),
    Step::Output("asker: you typed again"),
    Step::Type("kill\n"),
    Step::Output("asker: one was killed"),
    Step::Answer(Answer::Once),
    Step::Output("asker: opened, once"),
    Step::Device("S"),
    Step::Output("asker: recorded S"),
    Step::Type("kill\n"),
    Step::Output("asker: one was killed"),
    Step::Output("asker: revoked"),
    Step::Answer(Answer::Once),
    Step::Output("asker: opened, once"),
    Step::Device("T"),
    Step::Output("asker: recorded T"),
    Step::Revoke,
    Step::Output("asker: revoked"),
    Step::Exit(0),
];

/// Random calls until there were 100,000, in the place of a driver; a witness works before their end and after it.
const SIEGE: TargetTest = TargetTest {
    system: Some("siege"),
    command_line: "exit-with=witness",
    lines: &[
        "init: 3 programs",
        "siege: 100000 calls with seed 7",
        "init: siege is done with status 0",
        "init: witness is done with status 0",
    ],
    console: Some((".", 600)),
    limit: Duration::from_secs(120),
    ..USUAL
};

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
        name: "hostile_random_calls",
        icount: true,
        ..SIEGE
    },
    // The same with CPUs that really run at the same time.
    TargetTest {
        name: "hostile_random_calls_in_parallel",
        ..SIEGE
    },
    TargetTest {
        name: "driver_killed_under_a_call",
        system: Some("killed-owned"),
        ..KILLED
    },
    TargetTest {
        name: "driver_killed_between_rings",
        system: Some("killed-ringed"),
        ..KILLED
    },
    TargetTest {
        name: "driver_killed_each_in_turn",
        system: Some("killed"),
        lines: &[
            "init: 7 programs",
            "init: serial0 runs again",
            "init: serial1 runs again",
            "init: serial2 runs again",
        ],
        steps: ALL_KILLED,
        ..SYSTEM
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
