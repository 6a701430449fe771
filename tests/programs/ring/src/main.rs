//! Two programs and a ring between them: what is written across its end comes out whole, and lies in memory where it must.
//!
//! Given: `ring` (its Frame), `events` (the own notification), `wake` (the other side's). Argument: `write` or `read`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod reader;
mod writer;

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Notification;
use sundog_rt::ring::Moved;
use sundog_rt::{Environment, entry, fail};
use sundog_service::Trouble;

entry!(run);

/// Bytes of a message: they do not divide the ring, so that messages lie across its end at ever other places.
const MESSAGE: usize = 1000;
/// How many messages are written.
const MESSAGES: usize = 200;

fn run(environment: Environment) {
    let done = match environment.start.arguments().nth(1) {
        Some(b"write") => writer::run(environment),
        Some(b"read") => reader::run(environment),
        _ => fail("ring: the argument is write or read"),
    };
    if let Err(trouble) = done {
        fail(&alloc::format!("ring: {trouble:?}"));
    }
}

/// The bytes of a message; no two next to each other are alike, in one message or from one to the next.
fn message(number: usize) -> [u8; MESSAGE] {
    core::array::from_fn(|index| (number * 7 + index * 3) as u8)
}

/// Wakes the other side if it sleeps; whether anything was moved.
fn moved(moved: Moved, other: Cap<Notification>) -> Result<bool, Trouble> {
    if moved.wake {
        other.signal()?;
    }
    Ok(moved.bytes != 0)
}
