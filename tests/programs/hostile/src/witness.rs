//! The witness: what it does must work however its neighbours behave.

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Frame, Notification};
use sundog_rt::sys::abi::{Info, Protection};
use sundog_rt::{Environment, Resources, fail};
use sundog_serial_core::protocol::{DONE, Message, WRITE};

/// Pages that it maps, fills, checks and unmaps each round.
const PAGES: u32 = 4;

/// Works for some rounds; with `end` for some more after its signal.
pub fn run(mut environment: Environment, rounds: u64) {
    let serial: Cap<Endpoint> = environment.require("serial");
    let end: Option<Cap<Notification>> = environment.capability("end");
    let resources = &mut environment.resources;
    let Ok(frame): Result<Cap<Frame>, _> = resources.frame(PAGES) else {
        fail("witness: no memory");
    };
    work(resources, frame, serial, rounds);
    if let Some(end) = end {
        if end.wait(None).is_err() {
            fail("witness: waiting is refused");
        }
        work(resources, frame, serial, rounds);
    }
}

fn work(resources: &mut Resources, frame: Cap<Frame>, serial: Cap<Endpoint>, rounds: u64) {
    for round in 0..rounds {
        let Ok(mut memory) = resources.map(frame, 0, PAGES, Protection::READ_WRITE) else {
            fail("witness: a frame cannot be mapped");
        };
        let pattern = round.to_le_bytes();
        let mut found = [0; 8];
        for page in 0..PAGES as usize {
            let place = page * 4096 + (round as usize * 8) % 4096;
            if memory.write(place, &pattern).is_err()
                || memory.read(place, &mut found).is_err()
                || found != pattern
            {
                fail("witness: memory does not keep what was written");
            }
        }
        if resources.unmap(memory).is_err() {
            fail("witness: a mapping cannot be removed");
        }
        write(serial);
    }
}

/// Writes one byte to the line.
fn write(serial: Cap<Endpoint>) {
    let Some(message) = Message::bytes(WRITE, b".") else {
        fail("witness: a byte is no message");
    };
    let mut words = [0; 8];
    let all = message.words();
    words[..all.len()].copy_from_slice(all);
    let answer = serial.call(Info::new(0, all.len()), &words, None);
    let taken = answer
        .ok()
        .and_then(|answer| Message::arrived(&answer.words))
        .filter(|answer| answer.label() == DONE);
    if taken.is_none_or(|answer| answer.count() != 1) {
        fail("witness: the driver did not take a byte");
    }
}
