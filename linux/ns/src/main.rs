//! `ns`: prints the names that this very program has, a line for each (`PREFIX slot SLOT`), then how paths map in the sandbox that it
//! runs in, by the word of the personality (`SOURCE PATH KIND OPTIONS`, as in /proc/self/mounts).
//!
//! A program that was started from a Linux shell has no names of its own: whatever it is to reach, the personality opens for it.
//! Given: `process` (the endpoint to the personality).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use sundog_protocols::host_process::Subject;
use sundog_rt::{Environment, entry, exit};
use sundog_service::Personality;

entry!(run);

fn run(environment: Environment) {
    let endpoint = environment.require("process");
    let Environment { start, message, .. } = environment;
    let mut personality = Personality::new(endpoint, message);
    if start.arguments().nth(1).is_some() {
        personality.write(2, "usage: ns\n");
        exit(2);
    }
    for name in start.names() {
        personality.write(1, format!("{} slot {}\n", name.prefix, name.slot));
    }
    let written = personality
        .tell(Subject::Names)
        .is_some_and(|text| personality.write(1, text));
    if !written {
        exit(1);
    }
}
