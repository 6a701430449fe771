//! The host command's half.
use crate::Lines;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::consent::Answer;
use sundog_protocols::control::{
    self, By, Decoder, Grant, MAX_BYTES, Message, Part, Prompt, Stream, ToHost, ToMachine,
};
use sundog_protocols::pieces;

/// Answers whose line for the store has not come yet; the oldest are forgotten beyond this.
const MAX_EXPECTED: usize = 64;

/// What the host has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The machine reads what is sent from here on: say Hello.
    Listening,
    /// The machine is there: the kernel's ABI.
    Ready(u32),
    /// The machine uses a version that this side does not speak.
    NoVersion(u16),
    /// Ask the person.
    Prompt(Prompt),
    /// The question needs no answer any more.
    PromptGone(u64),
    /// Write these bytes to this standard stream.
    Output(Stream, Vec<u8>),
    /// Add a line to the log.
    Log(String),
    /// A line for the person who asked for a trace; escape it before it is shown.
    Trace(String),
    /// A line for the person, about what was decided without a question; escape it before it is shown.
    Notice(String),
    /// Grants, and whether these are the last of the list.
    Grants(Vec<Grant>, bool),
    /// A line for the store: the answer was typed here, for this line's question.
    Remember(Answer, String),
    /// A line for the store, because an option said `always`. Take it only if one did.
    RememberOption(String),
    /// Something in the control channel was not understood or not expected.
    Trouble(String),
}

/// The state of the host's half.
#[derive(Debug)]
pub struct Host {
    decoder: Decoder<ToHost>,
    sent: u64,
    received: u64,
    /// Takes COM1 apart where it carries two streams.
    pieces: Option<pieces::Reader>,
    exit: Option<(u8, u64)>,
    expected: BTreeMap<u64, Answer>,
}

impl Default for Host {
    fn default() -> Self {
        Host::new()
    }
}

impl Host {
    /// Before anything was sent.
    pub fn new() -> Host {
        Host {
            decoder: Decoder::new(),
            sent: 0,
            received: 0,
            pieces: None,
            exit: None,
            expected: BTreeMap::new(),
        }
    }

    /// The first thing to send, as soon as the machine listens.
    pub fn hello(&self, lines: &mut Lines) {
        self.send(
            &ToMachine::Hello {
                version: control::VERSION,
            },
            lines,
        );
    }

    /// Sends a message whose fields are within their bounds by their kind: all but [`ToMachine::Configure`] and
    /// [`ToMachine::Input`], which have calls of their own, as has [`ToMachine::Terminals`].
    pub fn send(&self, message: &ToMachine, lines: &mut Lines) {
        // Messages of fixed size always encode.
        let _ = message.encode(&mut lines.control);
    }

    /// Says which streams are terminals, the last thing before the program starts. Unless both streams of output are one, COM1
    /// carries them in pieces.
    pub fn terminals(&mut self, input: bool, output: bool, error: bool, lines: &mut Lines) {
        self.pieces = (!(output && error)).then(pieces::Reader::new);
        let terminals = ToMachine::Terminals {
            input,
            output,
            error,
        };
        self.send(&terminals, lines);
    }

    /// Sends a text of configuration in pieces. The name is cut to what a message holds.
    pub fn configure(&self, part: Part, name: &str, text: &str, lines: &mut Lines) {
        let name = &name[..name.floor_char_boundary(control::MAX_NAME)];
        let mut rest = text;
        loop {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_BYTES));
            rest = after;
            let message = ToMachine::Configure {
                part,
                name: name.into(),
                text: piece.into(),
                last: rest.is_empty(),
            };
            self.send(&message, lines);
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Input for the program.
    pub fn input(&mut self, bytes: &[u8], lines: &mut Lines) {
        self.sent += bytes.len() as u64;
        lines.console.extend_from_slice(bytes);
    }

    /// Input ended.
    pub fn end_of_input(&self, lines: &mut Lines) {
        self.send(&ToMachine::EndOfInput { after: self.sent }, lines);
    }

    /// A question is about to be shown: what was typed ahead is thrown away.
    pub fn discard_input(&self, lines: &mut Lines) {
        self.send(&ToMachine::Discard { after: self.sent }, lines);
    }

    /// The person answered, or not.
    pub fn answer(&mut self, id: u64, answer: Answer, by: By, rate: u32, lines: &mut Lines) {
        if by == By::Typed && matches!(answer, Answer::Always | Answer::Never) {
            self.expected.insert(id, answer);
            if self.expected.len() > MAX_EXPECTED {
                self.expected.pop_first();
            }
        }
        self.send(
            &ToMachine::Answer {
                id,
                answer,
                by,
                rate,
            },
            lines,
        );
    }

    /// Bytes from COM1.
    pub fn console(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.received += bytes.len() as u64;
        let mut events = Vec::new();
        let mut add = |stream, bytes: &[u8]| events.push(Event::Output(stream, bytes.to_vec()));
        match &mut self.pieces {
            Some(pieces) => {
                if pieces.feed(bytes, add).is_err() {
                    let text = "the program's output cannot be told apart any more";
                    events.push(Event::Trouble(text.into()));
                }
            }
            None if bytes.is_empty() => {}
            None => add(Stream::Output, bytes),
        }
        events
    }

    /// Bytes from COM3.
    pub fn control(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut found = Vec::new();
        self.decoder.feed(bytes, |event| found.push(event));
        found
            .into_iter()
            .filter_map(|event| self.event(event))
            .collect()
    }

    /// The exit status, once the program has ended and all of its output is here.
    pub fn finished(&self) -> Option<u8> {
        self.exit
            .filter(|(_, output)| self.received >= *output)
            .map(|(status, _)| status)
    }

    /// The exit status, although output may be missing: for when the lines have closed.
    pub fn exited(&self) -> Option<u8> {
        self.exit.map(|(status, _)| status)
    }

    fn event(&mut self, event: control::Event<ToHost>) -> Option<Event> {
        let message = match event {
            control::Event::Message(message) => message,
            control::Event::Refused(kind, bad) => {
                return Some(Event::Trouble(format!(
                    "a message of type {kind} was refused: {bad:?}"
                )));
            }
            control::Event::Skipped(count) => {
                return Some(Event::Trouble(format!(
                    "{count} bytes belonged to no message"
                )));
            }
        };
        Some(match message {
            ToHost::Listening => Event::Listening,
            ToHost::Hello { abi, version } if control::negotiate(version) == Some(version) => {
                Event::Ready(abi)
            }
            ToHost::Hello { version, .. } => Event::NoVersion(version),
            ToHost::Prompt(prompt) => Event::Prompt(prompt),
            ToHost::PromptGone { id } => Event::PromptGone(id),
            ToHost::Exit { status, output } => {
                // The first one counts: nothing runs after it.
                self.exit.get_or_insert((status, output));
                return None;
            }
            ToHost::Log(line) => Event::Log(line),
            ToHost::Grants { list, last } => Event::Grants(list, last),
            ToHost::Trace(line) => Event::Trace(line),
            ToHost::Notice(line) => Event::Notice(line),
            ToHost::Remember { id: 0, line } => Event::RememberOption(line),
            ToHost::Remember { id, line } => match self.expected.remove(&id) {
                Some(answer) => Event::Remember(answer, line),
                None => Event::Trouble(format!(
                    "the machine wants to remember an answer to question {id}, which nobody gave"
                )),
            },
        })
    }
}
