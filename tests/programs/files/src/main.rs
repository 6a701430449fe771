//! Clients of file servers: one that tries everything files are for, one beside it, and one that attacks.
//!
//! Given: names with their servers' endpoints and rings, `events` (the own notification), and, as the argument wants it, `wake` (the
//! other client's notification), `go` (the killer's), `scribbler` (time for a second thread). Arguments: what it does.
//! - `work`: everything; the other one is a `peer`;
//! - `beside`: works while the other one is `hostile calls=N seed=S`;
//! - `mourn`: works while the other one, a `holder`, is killed;
//! - `rebind`: reads while the archive's server is killed;
//! - `reap`: as soon as a file `stop` is there, stops the server's thread (`victim`), and a while later kills it.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod client;
mod hostile;
mod killed;
mod peer;
mod work;

use alloc::format;
use client::{Trial, Wrong};
use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    let start = environment.start.clone();
    let number = |name: &str| {
        start.arguments().skip(2).find_map(|argument| {
            let text = core::str::from_utf8(argument).ok()?;
            text.strip_prefix(name)?.strip_prefix('=')?.parse().ok()
        })
    };
    let done = match start.arguments().nth(1) {
        Some(b"work") => Trial::new(environment).and_then(work::run),
        Some(b"peer") => Trial::new(environment).and_then(peer::run),
        Some(b"beside") => Trial::new(environment).and_then(hostile::beside),
        Some(b"mourn") => Trial::new(environment).and_then(killed::mourn),
        Some(b"holder") => Trial::new(environment).and_then(killed::hold),
        Some(b"reap") => killed::reap(environment),
        Some(b"rebind") => Trial::new(environment).and_then(killed::rebind),
        Some(b"hostile") => match (number("calls"), number("seed")) {
            (Some(calls), Some(seed)) => hostile::attack(environment, calls, seed),
            _ => Err(Wrong::Text("hostile calls=N seed=S")),
        },
        _ => Err(Wrong::Text("the argument says what to do")),
    };
    if let Err(wrong) = done {
        fail(&format!("files: {wrong:?}"));
    }
}
