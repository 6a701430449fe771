//! Sends back what a serial line receives, in capitals: the driver's test on target.
//!
//! Given: `serial` (the driver's endpoint).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::{MAX_WORDS, REGISTER_WORDS};
use sundog_rt::{Environment, entry, fail};
use sundog_serial_core::protocol::{DONE, MAX_BYTES, Message, READ, WRITE};

entry!(run);

fn run(environment: Environment) {
    let serial = environment.require("serial");
    let mut page = environment.message;
    let mut buffer = [0; MAX_BYTES];
    say(serial, &mut page, b"echo: ready\r\n");
    loop {
        let Some(answer) = call(serial, &mut page, &Message::number(READ, MAX_BYTES as u64)) else {
            fail("echo: the line cannot be read");
        };
        let Some(bytes) = answer.unpack(&mut buffer) else {
            fail("echo: the driver's answer makes no sense");
        };
        let mut capitals = [0; MAX_BYTES];
        capitals[..bytes.len()].copy_from_slice(bytes);
        capitals.make_ascii_uppercase();
        say(serial, &mut page, &capitals[..bytes.len()]);
    }
}

/// Writes all of the bytes.
fn say(serial: Cap<Endpoint>, page: &mut MessagePage, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let written = Message::bytes(WRITE, bytes).and_then(|message| call(serial, page, &message));
        let Some(count) = written
            .map(|answer| answer.count() as usize)
            .filter(|count| *count != 0)
        else {
            fail("echo: the line cannot be written");
        };
        bytes = bytes.get(count..).unwrap_or_default();
    }
}

/// One request and its answer, if that is a good one.
fn call(serial: Cap<Endpoint>, page: &mut MessagePage, message: &Message) -> Option<Message> {
    let all = message.words();
    let mut words = [0; REGISTER_WORDS];
    match words.get_mut(..all.len()) {
        Some(place) => place.copy_from_slice(all),
        None => {
            page.set_words(all);
        }
    }
    let received = serial.call(Info::new(0, all.len()), &words, None).ok()?;
    let length = received.info.words();
    let mut answer = [0; MAX_WORDS];
    if length <= REGISTER_WORDS {
        answer[..REGISTER_WORDS].copy_from_slice(&received.words);
    } else {
        page.words(&mut answer);
    }
    Message::arrived(answer.get(..length)?).filter(|answer| answer.label() == DONE)
}
