//! A client that calls: it waits for bytes when the driver dies.

use crate::{AFTER, ONE, READY, TWO, Watch, compare};
use alloc::vec::Vec;
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::abi::Info;
use sundog_serial_core::protocol::{DONE, MAX_BYTES, Message, READ, WRITE};

/// The most bytes of one read: an answer that fits into registers.
const MOST: u64 = 48;

/// Works with the driver and with the one after it.
///
/// # Errors
/// What was wrong.
pub fn run(environment: Environment) -> Result<(), &'static str> {
    let serial: Cap<Endpoint> = environment.require("serial");
    let go: Cap<Notification> = environment.require("go");
    write(serial, READY)?;
    compare(&read(serial, ONE.len())?, ONE)?;
    let watch = Watch::start(&environment);
    go.signal().map_err(|_| "the killer cannot be told")?;
    // The killer runs when this program waits: the driver has taken this call, and will not answer it.
    match call(serial, &Message::number(READ, MOST)) {
        Err(Error::Dead) => {}
        Err(_) => return Err("the dead driver's client got another error"),
        Ok(_) => return Err("the driver was not killed"),
    }
    write(serial, AFTER)?;
    watch.stop()?;
    compare(&read(serial, TWO.len())?, TWO)
}

/// Writes bytes, which the driver takes at once.
fn write(serial: Cap<Endpoint>, bytes: &[u8]) -> Result<(), &'static str> {
    let request = Message::bytes(WRITE, bytes).ok_or("too many bytes")?;
    match call(serial, &request) {
        Ok(answer) if (answer.label(), answer.count()) == (DONE, bytes.len() as u64) => Ok(()),
        _ => Err("the driver does not take bytes"),
    }
}

/// Reads so many bytes.
fn read(serial: Cap<Endpoint>, count: usize) -> Result<Vec<u8>, &'static str> {
    let mut found = Vec::new();
    while found.len() < count {
        let answer = call(serial, &Message::number(READ, MOST));
        let answer = answer.map_err(|_| "the driver cannot be read")?;
        let mut buffer = [0; MAX_BYTES];
        match answer.unpack(&mut buffer) {
            Some(bytes) if answer.label() == DONE => found.extend_from_slice(bytes),
            _ => return Err("the driver's answer makes no sense"),
        }
    }
    Ok(found)
}

/// One request and its answer, both short.
fn call(serial: Cap<Endpoint>, request: &Message) -> Result<Message, Error> {
    let all = request.words();
    let mut words = [0; 8];
    words
        .get_mut(..all.len())
        .ok_or(Error::OutOfRange)?
        .copy_from_slice(all);
    let received = serial.call(Info::new(0, all.len()), &words, None)?;
    let length = received.info.words().min(words.len());
    Message::arrived(&received.words[..length]).ok_or(Error::InvalidArgument)
}
