//! The console program: owns the terminal of the first personality and speaks the control channel with the host command.
//!
//! Given: `requests` (the endpoint for the personality), `events` (its notification), four pairs of rings with the notification of
//! their other side: `serial-input`, `serial-output`, `wake-serial` (COM1); `control-input`, `control-output`, `wake-control`
//! (COM3); `input`, `output`, `wake-linux` (the personality); `broker-input`, `broker-output`, `wake-consent` (frames for and from
//! the consent service). It waits for all of them at one place and never for a single one.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod server;

use server::Server;
use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    let ended = Server::new(environment).and_then(|mut server| server.run());
    if let Err(trouble) = ended {
        fail(&alloc::format!("console: {trouble:?}"));
    }
}
