//! A client of a real serial driver that another program kills: it must be told, and served again soon.
//!
//! Given: `go` (the killer's notification) and
//! - argument `owned`: `serial` (the driver's endpoint);
//! - argument `ringed`: `input` and `output` (the driver's rings), `events` (the own notification), `wake` (the driver's).
//!
//! On the line it says `ready`, waits for an answer, says `after` once the driver was killed, and waits for another answer.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod owned;
mod ringed;

use alloc::format;
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, debug, entry, fail};

entry!(run);

/// The most microseconds between the order to kill the driver and the first thing that the new one did.
const MOST: u64 = 100_000;

/// What it says, and what it is answered.
const READY: &[u8] = b"ready\n";
const AFTER: &[u8] = b"after\n";
const ONE: &[u8] = b"one\n";
const TWO: &[u8] = b"two\n";

fn run(environment: Environment) {
    let done = match environment.start.arguments().nth(1) {
        Some(b"owned") => owned::run(environment),
        Some(b"ringed") => ringed::run(environment),
        _ => fail("survivor: the argument is owned or ringed"),
    };
    if let Err(text) = done {
        fail(&format!("survivor: {text}"));
    }
}

/// The time since the driver was killed.
struct Watch {
    start: u64,
    ticks_per_microsecond: u64,
}

impl Watch {
    fn start(environment: &Environment) -> Watch {
        Watch {
            start: ticks(),
            ticks_per_microsecond: environment.start.ticks_per_microsecond.max(1),
        }
    }

    /// The new driver has done something: says when, and that it is soon enough.
    fn stop(self) -> Result<(), &'static str> {
        let ticks = ticks() - self.start;
        let microseconds = ticks / self.ticks_per_microsecond;
        debug!("survivor: served again after {ticks} ticks, {microseconds} microseconds");
        if microseconds < MOST {
            Ok(())
        } else {
            Err("the driver came back too late")
        }
    }
}

/// Compares what arrived with what should have.
fn compare(found: &[u8], wanted: &[u8]) -> Result<(), &'static str> {
    if found == wanted {
        Ok(())
    } else {
        Err("other bytes arrived than were sent")
    }
}
