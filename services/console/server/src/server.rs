//! The loop: move bytes until nothing moves, then sleep until a ring, the personality or the host wants something.

use alloc::vec::Vec;
use sundog_console_core::relay::Relay;
use sundog_protocols::console::Failure;
use sundog_rt::Environment;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Endpoint, Notification, Reply};
use sundog_rt::sys::abi::{ABI_VERSION, Info};
use sundog_rt::sys::{MessagePage, Received};
use sundog_service::{Incoming, Outgoing, Trouble, arrived, outgoing, ring};

/// Bytes that one step moves.
const STEP: usize = 4096;

/// A ring in each direction.
struct Side {
    input: Incoming,
    output: Outgoing,
}

impl Side {
    /// The rings with these names, the first one read here; `wake` names the other side's notification.
    fn new(
        environment: &mut Environment,
        input: &str,
        output: &str,
        wake: &str,
    ) -> Result<Side, Trouble> {
        let other: Cap<Notification> = environment.require(wake);
        Ok(Side {
            input: Incoming::new(ring(environment, input)?, other),
            output: Outgoing::new(ring(environment, output)?, other),
        })
    }
}

/// The running program.
pub struct Server {
    relay: Relay,
    serial: Side,
    control: Side,
    program: Side,
    broker: Side,
    wake_program: Cap<Notification>,
    requests: Cap<Endpoint>,
    reply: Cap<Reply>,
    message: MessagePage,
}

impl Server {
    /// Maps the rings and connects the notification.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn new(mut environment: Environment) -> Result<Server, Trouble> {
        let events: Cap<Notification> = environment.require("events");
        environment.thread().bind_notification(Some(events))?;
        let resources = &mut environment.resources;
        let reply = resources.pool.make(&mut resources.slots, 0)?;
        let abi = u32::try_from(ABI_VERSION).unwrap_or(u32::MAX);
        let given = &mut environment;
        Ok(Server {
            relay: Relay::new(abi),
            serial: Side::new(given, "serial-input", "serial-output", "wake-serial")?,
            control: Side::new(given, "control-input", "control-output", "wake-control")?,
            // Seen from the personality: its output is read here.
            program: Side::new(given, "output", "input", "wake-linux")?,
            broker: Side::new(given, "broker-output", "broker-input", "wake-consent")?,
            wake_program: given.require("wake-linux"),
            requests: given.require("requests"),
            reply,
            message: environment.message,
        })
    }

    /// Serves until something is broken.
    ///
    /// # Errors
    /// Those of the rings and of waiting; never the personality's or the host's fault in what they say.
    pub fn run(&mut self) -> Result<(), Trouble> {
        loop {
            while self.pump()? {}
            if self.relay.take_news() {
                self.wake_program.signal()?;
            }
            if !self.may_sleep()? {
                continue;
            }
            let received = self.requests.receive(Some(self.reply), None)?;
            if !received.info.has(Info::NOTIFICATION) {
                self.answer(&received);
            }
        }
    }

    fn answer(&mut self, received: &Received) {
        let answer = match arrived(&self.message, received) {
            Ok(words) => self.relay.request(&words),
            Err(_) => Failure::Malformed.encode(),
        };
        let (info, words) = outgoing(&mut self.message, &answer);
        // A caller that is gone meanwhile gets no answer, and that is all.
        let _ = self.reply.reply(info, &words);
    }

    /// Moves what can be moved, once; whether anything did.
    fn pump(&mut self) -> Result<bool, Trouble> {
        let relay = &mut self.relay;
        let mut moved = false;
        if relay.takes_control() {
            moved |= read(&mut self.control.input, |bytes| relay.from_control(bytes))?;
        }
        if relay.takes_broker() {
            moved |= read_all(&mut self.broker.input, |bytes| relay.from_broker(bytes))?;
        }
        if relay.takes_console() {
            moved |= read(&mut self.serial.input, |bytes| relay.from_console(bytes))?;
        }
        if relay.takes_output() {
            moved |= read(&mut self.program.input, |bytes| relay.from_program(bytes))?;
            if self.program.input.is_empty()? {
                relay.output_is_empty();
            }
        }
        moved |= write(&mut self.control.output, relay.to_control())?;
        moved |= write(&mut self.broker.output, relay.to_broker())?;
        moved |= write(&mut self.serial.output, relay.to_console())?;
        moved |= write(&mut self.program.output, relay.to_program())?;
        Ok(moved)
    }

    /// Asks every side that something is wanted of for a signal; false if one has it already.
    fn may_sleep(&mut self) -> Result<bool, Trouble> {
        let relay = &mut self.relay;
        let mut sleeping = true;
        for (wanted, input) in [
            (relay.takes_control(), &mut self.control.input),
            (relay.takes_broker(), &mut self.broker.input),
            (relay.takes_console(), &mut self.serial.input),
            (relay.takes_output(), &mut self.program.input),
        ] {
            sleeping &= !wanted || input.sleep()?;
        }
        for (wanted, output) in [
            (!relay.to_control().is_empty(), &mut self.control.output),
            (!relay.to_broker().is_empty(), &mut self.broker.output),
            (!relay.to_console().is_empty(), &mut self.serial.output),
            (!relay.to_program().is_empty(), &mut self.program.output),
        ] {
            sleeping &= !wanted || output.sleep(1)?;
        }
        Ok(sleeping)
    }
}

fn read(from: &mut Incoming, mut to: impl FnMut(&[u8])) -> Result<bool, Trouble> {
    let mut bytes = [0; STEP];
    let count = from.read(&mut bytes)?;
    if count != 0 {
        to(&bytes[..count]);
    }
    Ok(count != 0)
}

/// Reads to the end: frames are written whole, so what was read then is whole frames, between which others may be put.
fn read_all(from: &mut Incoming, mut to: impl FnMut(&[u8])) -> Result<bool, Trouble> {
    let mut moved = false;
    while !from.is_empty()? {
        moved |= read(from, &mut to)?;
    }
    Ok(moved)
}

fn write(to: &mut Outgoing, bytes: &mut Vec<u8>) -> Result<bool, Trouble> {
    if bytes.is_empty() {
        return Ok(false);
    }
    let count = to.write(bytes)?;
    bytes.drain(..count);
    Ok(count != 0)
}
