//! A program in the place of a driver that tries everything, a parent that has it go on until so many random calls were made, and a
//! witness that works on beside it.
//!
//! Arguments:
//! - `attack calls=N seed=S`: with whatever capabilities the manifest gives a driver; in `progress` (a Frame), if there is one, it
//!   counts its random calls;
//! - `siege calls=N seed=S`: what a driver is given but the interrupt, which cannot be copied, and `archive` (where its own image lies), `time` (the attacker's, on the other CPU),
//!   `beats` (time there at a higher priority, for the pulse) and `end` (the witness' notification);
//! - `pulse`, which the siege starts: tells it whether that CPU runs;
//! - `witness rounds=N`: writes a byte to a real serial driver (`serial`) each round and ends well if every one was taken; with
//!   `end` it does so again after the siege.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod attack;
mod pulse;
mod random;
mod siege;
mod witness;

use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    let start = &environment.start;
    let number = |name: &str| {
        start.arguments().skip(2).find_map(|argument| {
            let text = core::str::from_utf8(argument).ok()?;
            text.strip_prefix(name)?.strip_prefix('=')?.parse().ok()
        })
    };
    let role = start.arguments().nth(1);
    match (role, number("calls"), number("seed"), number("rounds")) {
        (Some(b"attack"), Some(calls), Some(seed), None) => attack::run(environment, calls, seed),
        (Some(b"siege"), Some(calls), Some(seed), None) => siege::run(environment, calls, seed),
        (Some(b"pulse"), None, None, None) => pulse::run(environment),
        (Some(b"witness"), None, None, Some(rounds)) => witness::run(environment, rounds),
        _ => fail("hostile: attack or siege calls=N seed=S, or witness rounds=N"),
    }
}
