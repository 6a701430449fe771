//! The consent program: stands between programs and devices, and asks the person.
//!
//! Given: `requests` (its endpoint) and `mint` (the same, to make badged capabilities of), `events` (its notification),
//! `broker-input` and `broker-output` (rings of control frames from and for the host, by way of the console) with `wake-console`,
//! and a capability for each device of its arguments. The arguments are described in `sundog_consent_core::given`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod devices;
mod server;

use sundog_consent_core::given::Given;
use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    let given = match Given::parse(environment.start.arguments().skip(1)) {
        Ok(given) => given,
        Err(text) => fail(&text),
    };
    let ended = server::Server::new(environment, given).and_then(|mut server| server.run());
    if let Err(trouble) = ended {
        fail(&alloc::format!("consent: {trouble:?}"));
    }
}
