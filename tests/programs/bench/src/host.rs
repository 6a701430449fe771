//! Plays the host behind the control line: answers the console within the machine, so that a start waits for nobody outside.
//!
//! It has the rings and the place of the line's driver.

use alloc::vec::Vec;
use sundog_protocols::control::{Decoder, Event, Message, ToHost, ToMachine, VERSION};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Notification;
use sundog_rt::{Environment, exit, fail};
use sundog_service::{Incoming, Outgoing, Trouble, ring};

/// Bytes that one step moves.
const STEP: usize = 512;
/// What a person's terminal has.
const SIZE: ToMachine = ToMachine::Size {
    rows: 24,
    columns: 80,
};
/// What the host's clock shows.
const CLOCK: ToMachine = ToMachine::Clock {
    unix: 1_800_000_000,
};
/// All streams are that terminal.
const TERMINALS: ToMachine = ToMachine::Terminals {
    input: true,
    output: true,
    error: true,
};

/// Says Hello, answers the console's with what the command `run` says then, and ends when the program has.
pub fn play(environment: Environment) -> ! {
    match talk(environment) {
        Ok(()) => exit(0),
        Err(trouble) => fail(&alloc::format!("bench: the played host: {trouble:?}")),
    }
}

fn talk(mut environment: Environment) -> Result<(), Trouble> {
    let events: Cap<Notification> = environment.require("events");
    let console: Cap<Notification> = environment.require("wake");
    let mut to_machine = Outgoing::new(ring(&mut environment, "input")?, console);
    let mut from_machine = Incoming::new(ring(&mut environment, "output")?, console);
    say(&mut to_machine, &[ToMachine::Hello { version: VERSION }])?;
    let mut decoder: Decoder<ToHost> = Decoder::new();
    loop {
        let mut bytes = [0; STEP];
        let count = from_machine.read(&mut bytes)?;
        let mut heard = Vec::new();
        decoder.feed(&bytes[..count], |event| heard.push(event));
        for event in heard {
            match event {
                Event::Message(ToHost::Hello { .. }) => {
                    say(&mut to_machine, &[SIZE, CLOCK, TERMINALS])?;
                }
                Event::Message(ToHost::Exit { .. }) => return Ok(()),
                _ => {}
            }
        }
        if from_machine.sleep()? {
            events.wait(None)?;
        }
    }
}

fn say(to_machine: &mut Outgoing, messages: &[ToMachine]) -> Result<(), Trouble> {
    let mut bytes = Vec::new();
    for message in messages {
        if message.encode(&mut bytes).is_err() {
            fail("bench: a message is too long");
        }
    }
    if !to_machine.write_whole(&bytes)? {
        fail("bench: the ring to the console is full");
    }
    Ok(())
}
