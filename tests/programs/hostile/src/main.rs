//! A program in the place of a driver that tries everything, and a witness that works on beside it.
//!
//! Arguments: `attack SEED ROUNDS`, with whatever capabilities the manifest gives a driver; or `witness ROUNDS`, which writes a byte
//! to a real serial driver each round and ends well if every one was taken.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

mod attack;
mod witness;

use sundog_rt::{Environment, entry, fail};

entry!(run);

fn run(environment: Environment) {
    let mut arguments = environment.start.arguments().skip(1);
    let role = arguments.next();
    let mut number = || {
        let text = core::str::from_utf8(arguments.next()?).ok()?;
        text.parse::<u64>().ok()
    };
    match (role, number(), number()) {
        (Some(b"attack"), Some(seed), Some(rounds)) => attack::run(seed, rounds),
        (Some(b"witness"), Some(rounds), None) => witness::run(environment, rounds),
        _ => fail("hostile: the arguments are attack SEED ROUNDS, or witness ROUNDS"),
    }
}
