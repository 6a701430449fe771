//! Native programs: what they do with capabilities, memory and each other.

use super::{Duration, Guests, SYSTEM, Step, TargetTest, USUAL};
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

/// The system of file servers and their clients.
const FILES: TargetTest = TargetTest {
    system: Some("files"),
    command_line: "exit-with=one",
    ..USUAL
};

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
    // File servers as programs: names, the ring, errors, full memory, strangers' handles.
    TargetTest {
        name: "files_work",
        hashed: Some("files-trial"),
        lines: &[
            "init: 5 programs",
            "files: 200000 bytes came back whole, some of them from across the end of the ring",
            "files: ENOSPC after 510 pages, and all of them back",
            "init: one is done with status 0",
        ],
        ..FILES
    },
    // Random requests, and a second thread that writes anything into the rings while the servers read.
    TargetTest {
        name: "files_hostile",
        arguments: &[
            ("tmpfs", &["apart"]),
            ("one", &["beside"]),
            ("two", &["hostile", "calls=100000", "seed=7"]),
        ],
        lines: &[
            "init: two gave up: files: 100000 calls with seed 7",
            "init: two runs again",
            "init: one is done with status 0",
        ],
        limit: Duration::from_secs(60),
        ..FILES
    },
    // A client dies with a file open whose name is gone.
    TargetTest {
        name: "files_client_killed",
        arguments: &[("one", &["mourn"]), ("two", &["holder"])],
        lines: &[
            "init: two runs again",
            "files: 6 lives of a client held 50 pages each, never more at once, and none in the end",
            "init: one is done with status 0",
        ],
        ..FILES
    },
    // The archive's server is killed under an open file.
    TargetTest {
        name: "files_server_killed",
        arguments: &[("one", &["rebind"])],
        lines: &[
            "init: archive executed 0x10, where nothing is mapped, at 0x10",
            "init: archive runs again",
            "init: one is done with status 0",
        ],
        ..FILES
    },
    // A Linux shell works in the tree of a server that stops, and is killed at last. Counted instructions: how long a server takes does
    // not depend on what else the computer does.
    TargetTest {
        name: "files_mounted",
        icount: true,
        system: Some("linux-server"),
        guests: Guests {
            programs: &[],
            scripts: &["server"],
        },
        command_line: "exit-with=linux",
        lines: &[
            "init: tmpfs executed 0x10, where nothing is mapped, at 0x10",
            "init: linux is done with status 0",
        ],
        limit: Duration::from_secs(60),
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
