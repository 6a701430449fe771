//! `caps`: prints what this very program holds, a line for each capability: slot, type, rights, size, badge (or line, or first port), name.
//! `caps --sandbox`: the same of the personality that runs this sandbox, by its word; that is all that any program in it can reach.
//!
//! Given: `process` (the endpoint to the personality).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use sundog_protocols::host_process::Subject;
use sundog_rt::{Environment, entry, exit, holdings};
use sundog_service::Personality;

entry!(run);

fn run(environment: Environment) {
    let endpoint = environment.require("process");
    let own = holdings(&environment.start, environment.resources.slots.cnode());
    let Environment { start, message, .. } = environment;
    let mut personality = Personality::new(endpoint, message);
    let done = match start.arguments().nth(1) {
        None => personality.write(1, &own),
        Some(b"--sandbox") => match personality.tell(Subject::Capabilities) {
            Some(text) => personality.write(1, text),
            None => false,
        },
        Some(_) => {
            personality.write(2, "usage: caps [--sandbox]\n");
            exit(2)
        }
    };
    if !done {
        exit(1);
    }
}
