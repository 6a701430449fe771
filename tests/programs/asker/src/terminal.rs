//! The terminal of the test program.

use crate::call;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::console::{News, label};
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::MessagePage;
use sundog_service::{Clock, Incoming, Outgoing, Trouble, ring};

/// How long a pause is, in nanoseconds.
const PAUSE: u64 = 5_000_000;

/// Rings and calls of the console.
pub struct Terminal {
    console: Cap<Endpoint>,
    events: Cap<Notification>,
    input: Incoming,
    output: Outgoing,
    clock: Clock,
}

impl Terminal {
    /// Maps the rings.
    ///
    /// # Errors
    /// Those of mapping.
    pub fn new(environment: &mut Environment) -> Result<Terminal, Trouble> {
        let wake: Cap<Notification> = environment.require("wake-console");
        Ok(Terminal {
            console: environment.require("console"),
            events: environment.require("events"),
            input: Incoming::new(ring(environment, "input")?, wake),
            output: Outgoing::new(ring(environment, "output")?, wake),
            clock: Clock::new(environment.start.ticks_per_microsecond),
        })
    }

    /// Waits until the host has said what its streams are.
    ///
    /// # Errors
    /// Those of the calls.
    pub fn wait_for_start(&mut self, page: &mut MessagePage) -> Result<(), Trouble> {
        loop {
            let answer = call(page, self.console, Ok(Words::new(label::NEXT)))?;
            match News::decode(&answer) {
                Ok(News::Terminals { .. }) => return Ok(()),
                Ok(News::Nothing) | Err(_) => drop(self.events.wait(None)?),
                Ok(_) => {}
            }
        }
    }

    /// Writes a line.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn say(&mut self, text: &str) -> Result<(), Trouble> {
        let mut line = String::from(text);
        line.push('\n');
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let count = self.output.write(rest)?;
            rest = &rest[count..];
            if count == 0 && self.output.sleep(1)? {
                self.events.wait(None)?;
            }
        }
        Ok(())
    }

    /// Reads up to the end of a line.
    ///
    /// # Errors
    /// Those of the ring.
    pub fn read_line(&mut self) -> Result<String, Trouble> {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            if self.input.read(&mut byte)? == 0 {
                if self.input.sleep()? {
                    self.events.wait(None)?;
                }
            } else if byte[0] == b'\n' {
                return Ok(String::from_utf8_lossy(&line).into_owned());
            } else {
                line.push(byte[0]);
            }
        }
    }

    /// Milliseconds of a clock that never goes back.
    pub fn milliseconds(&self) -> u64 {
        self.clock.now() / 1_000_000
    }

    /// Waits for a signal that is not the console's.
    ///
    /// # Errors
    /// Those of waiting.
    pub fn wait_for(&mut self, bit: u64) -> Result<(), Trouble> {
        // What else is signalled meanwhile is found by looking at the rings, before the next wait.
        while self.events.wait(None)? & bit == 0 {}
        Ok(())
    }

    /// Waits a little.
    ///
    /// # Errors
    /// Those of waiting.
    pub fn pause(&mut self) -> Result<(), Trouble> {
        let end = self.clock.ticks(self.clock.now().saturating_add(PAUSE));
        match self.events.wait(Some(end)) {
            Ok(_) | Err(Error::TimedOut) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the program.
    ///
    /// # Errors
    /// Those of the call.
    pub fn exit(&mut self, page: &mut MessagePage, status: u8) -> Result<(), Trouble> {
        let mut words = Words::new(label::EXIT);
        let words = words.push(status.into()).map(|()| words);
        call(page, self.console, words).map(drop)
    }
}
