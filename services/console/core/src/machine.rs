//! The half in the machine.
use crate::Lines;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::control::{self, Decoder, Message, ToHost, ToMachine};

/// What the terminal's user does, or what others have to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Input.
    Input(Vec<u8>),
    /// Input ended; none follows.
    EndOfInput,
    /// Input up to here that no program has read is thrown away.
    Discard,
    /// The terminal has this size.
    Resize {
        /// Lines.
        rows: u16,
        /// Characters in a line.
        columns: u16,
    },
    /// A signal for the program, by Linux's number.
    Signal(u8),
    /// The sandbox shall end.
    Stop,
    /// Which streams are terminals is known.
    Terminals {
        /// Standard input.
        input: bool,
        /// Standard output.
        output: bool,
        /// Standard error.
        error: bool,
    },
    /// A message for the consent service: an answer, a revoke, a wish for the list, a configuration.
    Broker(ToMachine),
    /// The host speaks no version that this side knows; it names its newest.
    NoVersion(u16),
    /// Something in the control channel was not understood; a line that says what.
    Trouble(String),
}

/// The console's state.
#[derive(Debug)]
pub struct Console {
    decoder: Decoder<ToMachine>,
    abi: u32,
    version: Option<u16>,
    received: u64,
    sent: u64,
    ends_after: Option<u64>,
    discard_after: Option<u64>,
    ended: bool,
}

impl Console {
    /// A console; `abi` is the kernel's number, which the host is told.
    pub fn new(abi: u32) -> Console {
        Console {
            decoder: Decoder::new(),
            abi,
            version: None,
            received: 0,
            sent: 0,
            ends_after: None,
            discard_after: None,
            ended: false,
        }
    }

    /// The first thing to send: whatever the host says from here on is read.
    pub fn listen(&self, lines: &mut Lines) {
        send(&ToHost::Listening, lines);
    }

    /// Bytes from COM3. Replies go to `lines`.
    pub fn control(&mut self, bytes: &[u8], lines: &mut Lines) -> Vec<Event> {
        let (mut events, mut found) = (Vec::new(), Vec::new());
        self.decoder.feed(bytes, |event| found.push(event));
        for event in found {
            match event {
                control::Event::Message(message) => self.message(message, lines, &mut events),
                control::Event::Refused(kind, bad) => {
                    events.push(Event::Trouble(format!(
                        "a message of type {kind} was refused: {bad:?}"
                    )));
                }
                control::Event::Skipped(count) => events.push(Event::Trouble(format!(
                    "{count} bytes belonged to no message"
                ))),
            }
        }
        events
    }

    /// Bytes from COM1.
    pub fn console(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        if !bytes.is_empty() && !self.ended {
            let missing = self.discard_after.map_or(0, |after| after - self.received);
            let before = bytes
                .len()
                .min(usize::try_from(missing).unwrap_or(usize::MAX));
            for part in [&bytes[..before], &bytes[before..]] {
                if !part.is_empty() {
                    self.received += part.len() as u64;
                    events.push(Event::Input(part.to_vec()));
                    self.discard(&mut events);
                }
            }
            self.end(&mut events);
        }
        events
    }

    /// Bytes that the program wrote, in pieces where its output is not one terminal; they go over COM1 as they are.
    pub fn output(&mut self, bytes: &[u8], lines: &mut Lines) {
        self.sent += bytes.len() as u64;
        lines.console.extend_from_slice(bytes);
    }

    /// The program ended: `status` as a shell sees it.
    pub fn exit(&mut self, status: u8, lines: &mut Lines) {
        send(
            &ToHost::Exit {
                status,
                output: self.sent,
            },
            lines,
        );
    }

    /// The version in use, once the host has said Hello.
    pub fn version(&self) -> Option<u16> {
        self.version
    }

    fn message(&mut self, message: ToMachine, lines: &mut Lines, events: &mut Vec<Event>) {
        if self.version.is_none() && !matches!(message, ToMachine::Hello { .. }) {
            events.push(Event::Trouble(
                "a message came before the host's Hello".into(),
            ));
            return;
        }
        match message {
            ToMachine::Hello { version } => {
                self.version = control::negotiate(version);
                match self.version {
                    Some(version) => send(
                        &ToHost::Hello {
                            abi: self.abi,
                            version,
                        },
                        lines,
                    ),
                    None => events.push(Event::NoVersion(version)),
                }
            }
            ToMachine::Size { rows, columns } => events.push(Event::Resize { rows, columns }),
            ToMachine::Signal { number } => events.push(Event::Signal(number)),
            ToMachine::Stop => events.push(Event::Stop),
            ToMachine::Input(_) if self.ended => (),
            ToMachine::Input(bytes) => events.push(Event::Input(bytes)),
            ToMachine::EndOfInput { after } => {
                self.ends_after = Some(after);
                self.end(events);
            }
            ToMachine::Discard { after } => {
                self.discard_after = Some(after.max(self.received));
                self.discard(events);
            }
            ToMachine::Terminals {
                input,
                output,
                error,
            } => {
                events.push(Event::Terminals {
                    input,
                    output,
                    error,
                });
            }
            broker @ (ToMachine::Answer { .. }
            | ToMachine::Revoke { .. }
            | ToMachine::ListGrants
            | ToMachine::Configure { .. }
            | ToMachine::Clock { .. }) => {
                events.push(Event::Broker(broker));
            }
        }
    }

    fn discard(&mut self, events: &mut Vec<Event>) {
        if self
            .discard_after
            .take_if(|after| self.received >= *after)
            .is_some()
        {
            events.push(Event::Discard);
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.ended && self.ends_after.is_some_and(|after| self.received >= after) {
            self.ended = true;
            events.push(Event::EndOfInput);
        }
    }
}

/// Adds a message to the control line. One that is longer than its bounds allow becomes a trace line that says so.
pub fn send(message: &ToHost, lines: &mut Lines) {
    if let Err(bad) = message.encode(&mut lines.control) {
        // A short line is always within the bounds.
        let _ = ToHost::Trace(format!("a message could not be sent: {bad:?}"))
            .encode(&mut lines.control);
    }
}
