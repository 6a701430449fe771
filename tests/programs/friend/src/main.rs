//! A program for tests that holds nothing but an endpoint to another one: it asks that one for a capability, records through it until
//! the first bytes came, and says what it got; then it records again and says how that failed.
//!
//! Given: `giver` (the other program's endpoint). Messages: `sundog_asker`'s module `friend`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::serial::{Failure, Recorded, encode_number, label};
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Address;
use sundog_rt::{Environment, entry, fail};
use sundog_service::{Clock, Trouble, arrived, outgoing};

entry!(run);

/// The most bytes of one record.
const MOST: u64 = 48;
/// How long a pause is, in nanoseconds.
const PAUSE: u64 = 5_000_000;

fn run(environment: Environment) {
    if let Err(trouble) = conversation(environment) {
        fail(&alloc::format!("friend: {trouble:?}"));
    }
}

fn conversation(mut environment: Environment) -> Result<(), Trouble> {
    let giver: Cap<Endpoint> = environment.require("giver");
    let (pool, slots) = (
        &mut environment.resources.pool,
        &mut environment.resources.slots,
    );
    let pause: Cap<Notification> = pool.make(slots, 0)?;
    let slot = slots.take()?;
    let clock = Clock::new(environment.start.ticks_per_microsecond);
    let page = &mut environment.message;
    page.set_window(Address::NULL, slot, 1);
    call(page, giver, &Words::new(0))?;
    if page.arrived() != 1 {
        fail("friend: no capability came");
    }
    let device = Cap::root(slot);
    let bytes = loop {
        match record(page, device)? {
            Ok(bytes) => break bytes,
            Err(Failure::Empty | Failure::Limited) => {
                let end = clock.ticks(clock.now().saturating_add(PAUSE));
                match pause.wait(Some(end)) {
                    Ok(_) | Err(Error::TimedOut) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(failure) => fail(&alloc::format!("friend: {failure:?}")),
        }
    };
    let rights = slots.cnode().inspect(slot)?.rights;
    let mut report = Words::new(u64::from(rights.0));
    let pushed = report
        .push(bytes.len() as u64)
        .and_then(|()| report.push_bytes(&bytes));
    if pushed.is_err() {
        fail("friend: more bytes came than were asked for");
    }
    call(page, giver, &report)?;
    let error = match record(page, device) {
        Err(Trouble::Kernel(error)) => error as u64,
        _ => 0,
    };
    call(page, giver, &Words::new(error)).map(drop)
}

/// Asks the device for bytes.
fn record(
    page: &mut MessagePage,
    device: Cap<Endpoint>,
) -> Result<Result<Vec<u8>, Failure>, Trouble> {
    let Ok(request) = encode_number(label::RECORD, MOST) else {
        fail("friend: a number is no message");
    };
    let answer = call(page, device, &request)?;
    match Recorded::decode(&answer) {
        Ok(recorded) => Ok(recorded.map(|Recorded(bytes)| bytes)),
        Err(_) => fail("friend: the device's answer makes no sense"),
    }
}

fn call(page: &mut MessagePage, server: Cap<Endpoint>, request: &Words) -> Result<Words, Trouble> {
    let (info, registers) = outgoing(page, request);
    let received = server.call(info, &registers, None)?;
    match arrived(page, &received) {
        Ok(words) => Ok(words),
        Err(_) => fail("friend: an answer without words"),
    }
}
