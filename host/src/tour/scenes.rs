//! The list of scenes, in the order in which the tour plays them. The README has the same list.

use super::scene::Scene;
use crate::target_tests::evidence::Source::{Device, Host, Kernel, Log, Message, Person, Terminal};

/// All scenes.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "contained",
        claim: "an unmodified Linux shell lives in a world of its own: files, processes and pipes out of what it was given",
        row: "linux_script",
        shows: &[
            (Terminal, "+ cat /tmp/a"),
            (Terminal, "hello ]"),
            (Terminal, "Linux"),
            (Terminal, "+ mkfifo"),
            (Terminal, "through ]"),
            (Kernel, "init: linux"),
        ],
    },
    Scene {
        name: "tool",
        claim: "sandboxing is an ordinary program: a shell starts another one with a part of what it holds",
        row: "sandbox_script",
        shows: &[
            (Terminal, "+ sandbox --ro-bind / /"),
            (Terminal, "out=seen"),
            (Terminal, "7 ]"),
            (Terminal, "Read-only"),
            (Terminal, "yes ]"),
        ],
    },
    Scene {
        name: "refused",
        claim: "a device that was not granted stays out of reach, whatever the program says",
        row: "consent_denied",
        shows: &[(Message, "ipc: "), (Person, ""), (Terminal, "refused")],
    },
    Scene {
        name: "limit",
        claim: "a grant has a rate that the device's server keeps: 300 bytes at 100 a second",
        row: "consent_limited",
        shows: &[
            (Message, "consent -> program"),
            (Device, ""),
            (Terminal, "opened, run"),
            (Terminal, "recorded E"),
            (Host, "that took"),
        ],
    },
    Scene {
        name: "handler",
        claim: "what a program gets is an endpoint, and at it answers one handler, record",
        row: "consent_once",
        shows: &[
            (Message, "endpoint(record)"),
            (Device, ""),
            (Message, "record ["),
            (Terminal, "recorded"),
        ],
    },
    Scene {
        name: "black",
        claim: "an empty device is an answer too: the endpoint is there and has nothing to say",
        row: "consent_black",
        shows: &[
            (Person, ""),
            (Message, "endpoint(record)"),
            (Device, ""),
            (Terminal, "asker: "),
        ],
    },
    Scene {
        name: "asked",
        claim: "a program asks for a device, a person grants it, every use is on record, and a revoke ends it",
        row: "consent_once",
        shows: &[
            (Message, "ipc: "),
            (Person, ""),
            (Terminal, "asker: "),
            (Device, ""),
            (Log, "\"use\""),
        ],
    },
    Scene {
        name: "hostile",
        claim: "a hostile program in a serial driver's place disturbs neither the driver beside it nor that one's client",
        row: "hostile_driver_on_the_other_cpu",
        shows: &[(Kernel, "init: "), (Terminal, "....")],
    },
];
