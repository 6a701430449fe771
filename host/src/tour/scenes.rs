//! The list of scenes, in the order in which the tour plays them. The README has the same list.

use super::scene::Scene;
use crate::target_tests::evidence::Source::{Device, Kernel, Log, Message, Person, Terminal};

/// All scenes.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "contained",
        claim: "an unmodified Linux shell lives in a world of its own: files, processes and pipes out of what it was given",
        row: "linux_contained",
        shows: &[
            (Kernel, "linux holds 17"),
            (Kernel, "linux holds 18"),
            (Kernel, "linux holds nothing else"),
            (Terminal, ""),
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
        name: "root",
        claim: "another folder is `/` to a program that is put into it, and nothing that it can ask tells the difference",
        row: "sandbox_other_root",
        shows: &[
            (Terminal, "+ sandbox --bind"),
            (Terminal, "+ sandbox --mem"),
            (Terminal, "+ cmp"),
        ],
    },
    Scene {
        name: "refused",
        claim: "a device that was not granted stays out of reach, whatever the program says",
        row: "device_denied",
        shows: &[
            (Terminal, "cat /dev/ttyS1"),
            (Terminal, "crw"),
            (Message, "ipc: "),
            (Person, ""),
            (Terminal, "denied"),
        ],
    },
    Scene {
        name: "held",
        claim: "a driver holds its ports, its interrupt and its endpoint, and by the kernel's own word nothing else",
        row: "hostile_driver",
        shows: &[
            (Kernel, "serial1 holds 16"),
            (Kernel, "serial1 holds 17"),
            (Kernel, "serial1 holds 18"),
            (Kernel, "serial1 holds nothing else"),
        ],
    },
    Scene {
        name: "limit",
        claim: "a grant has a rate that the device's server keeps: 300 bytes at 100 a second",
        row: "consent_limited",
        shows: &[
            (Message, "consent -> program"),
            (Device, ""),
            (Terminal, "opened, run"),
            (Terminal, "recorded "),
            (Terminal, "300 bytes in"),
        ],
    },
    Scene {
        name: "handler",
        claim: "what a program gets is an endpoint, and at it answers one handler, record",
        row: "device_once",
        shows: &[
            (Terminal, "head -c"),
            (Message, "endpoint(record)"),
            (Device, ""),
            (Message, "record ["),
            (Terminal, "light=0"),
        ],
    },
    Scene {
        name: "black",
        claim: "an empty device is an answer too: the endpoint is there and has nothing to say",
        row: "device_black",
        shows: &[
            (Terminal, "cat /dev/ttyS1"),
            (Person, ""),
            (Message, "endpoint(record)"),
            (Device, ""),
            (Terminal, "read error"),
        ],
    },
    Scene {
        name: "asked",
        claim: "a program asks for a device, a person grants it, every use is on record, and a revoke ends it",
        row: "device_revoked",
        shows: &[
            (Terminal, "exec 3<"),
            (Message, "ipc: "),
            (Person, ""),
            (Device, ""),
            (Log, "\"use\""),
            (Terminal, "read error"),
        ],
    },
    Scene {
        name: "within",
        claim: "a sandbox gives a device to one within it, which asks for itself: the question and the record name both",
        row: "device_within",
        shows: &[
            (Terminal, "sandbox --ro-bind / / --dev /dev --dev-bind"),
            (Message, "linux > sandbox 1"),
            (Person, ""),
            (Log, "\"use\""),
            (Terminal, "light=0"),
            (Terminal, "Permission denied"),
        ],
    },
    Scene {
        name: "exchange",
        claim: "a program hands a narrower copy of its capability to another one; the revoke of the first takes both",
        row: "native_exchange",
        shows: &[
            (Terminal, "asker: opened"),
            (Terminal, "asker: holds"),
            (Device, ""),
            (Terminal, "friend: "),
            (Person, ""),
            (Terminal, "asker: revoked"),
        ],
    },
    Scene {
        name: "reshape",
        claim: "a parent maps, remaps and protects the memory of its child, before its start and while it runs",
        row: "native_reshape",
        shows: &[(Kernel, "reshape: "), (Kernel, "init: reshape is done")],
    },
    Scene {
        name: "ring",
        claim: "bytes go through a ring of frames that are mapped twice in a row, so none is cut in two at its end",
        row: "native_ring",
        shows: &[(Kernel, "ring: "), (Kernel, "init: reader is done")],
    },
    Scene {
        name: "hostile",
        claim: "a hostile program in a serial driver's place disturbs neither the driver beside it nor that one's client",
        row: "hostile_driver_on_the_other_cpu",
        shows: &[
            (Kernel, "serial1 holds 17"),
            (Kernel, "init: witness is done"),
            (Terminal, "...."),
        ],
    },
];
