//! The console program without I/O: takes bytes from four sides, a request from the personality, and says what goes where.
//!
//! ```text
//!  COM1 <-> input and output  <-> personality (rings; news by calls)
//!  COM3 <-> frames            <-> consent     (rings of frames)
//! ```
//! Nothing here waits. What cannot go out yet stays in a bounded buffer, and a side is read only while there is room for what it may
//! bring: a host that does not read COM1 never keeps an answer on COM3 from the consent service.
use crate::Lines;
use crate::machine::{Console, Event, send};
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::console::{Failure, News, label};
use sundog_protocols::control::{Message, ToHost, ToMachine};

/// A side is not read while this many bytes wait for where it leads.
pub const ENOUGH: usize = 16 * 1024;

/// What the user did and the personality was not told yet. Sizes replace each other and signals are a set, as a terminal's are, so
/// this is bounded however fast they come.
#[derive(Debug, Default)]
struct Unread {
    terminals: Option<News>,
    size: Option<News>,
    signals: u64,
    discard: bool,
    end_of_input: bool,
    /// Nobody was woken for the end of input yet.
    end_is_quiet: bool,
    stop: bool,
}

/// The console program's state.
#[derive(Debug)]
pub struct Relay {
    console: Console,
    lines: Lines,
    input: Vec<u8>,
    nothing: Vec<u8>,
    broker: Vec<u8>,
    unread: Unread,
    news: bool,
    exit: Option<u8>,
    ended: bool,
}

impl Relay {
    /// A relay before the host's first message, which it has invited; `abi` is the kernel's number, which the host is told.
    pub fn new(abi: u32) -> Relay {
        let (console, mut lines) = (Console::new(abi), Lines::default());
        console.listen(&mut lines);
        Relay {
            console,
            lines,
            input: Vec::new(),
            nothing: Vec::new(),
            broker: Vec::new(),
            unread: Unread::default(),
            news: false,
            exit: None,
            ended: false,
        }
    }

    /// Whether bytes of COM1 can be taken.
    pub fn takes_console(&self) -> bool {
        self.input.len() < ENOUGH
    }

    /// Bytes from COM1.
    pub fn from_console(&mut self, bytes: &[u8]) {
        let events = self.console.console(bytes);
        self.events(events);
    }

    /// Whether bytes of COM3 can be taken.
    pub fn takes_control(&self) -> bool {
        self.input.len() < ENOUGH
            && self.broker.len() < ENOUGH
            && self.lines.control.len() < 2 * ENOUGH
    }

    /// Bytes from COM3.
    pub fn from_control(&mut self, bytes: &[u8]) {
        let events = self.console.control(bytes, &mut self.lines);
        self.events(events);
    }

    /// Whether output of the program can be taken.
    pub fn takes_output(&self) -> bool {
        self.lines.console.len() < ENOUGH
    }

    /// Bytes that the program wrote, as they are to go over COM1.
    pub fn from_program(&mut self, bytes: &[u8]) {
        self.console.output(bytes, &mut self.lines);
    }

    /// The personality's output is read to its end: an exit that waited for this goes out.
    pub fn output_is_empty(&mut self) {
        if let Some(status) = self.exit.take() {
            self.console.exit(status, &mut self.lines);
        }
    }

    /// Whether frames of the consent service can be taken.
    pub fn takes_broker(&self) -> bool {
        self.lines.control.len() < ENOUGH
    }

    /// Whole frames from the consent service; they go to the host as they are.
    pub fn from_broker(&mut self, frames: &[u8]) {
        self.lines.control.extend_from_slice(frames);
    }

    /// What waits for COM1; take from the front what was sent.
    pub fn to_console(&mut self) -> &mut Vec<u8> {
        &mut self.lines.console
    }

    /// What waits for COM3.
    pub fn to_control(&mut self) -> &mut Vec<u8> {
        &mut self.lines.control
    }

    /// What waits for the program's input; nothing as long as the personality was not told to throw away what it has.
    pub fn to_program(&mut self) -> &mut Vec<u8> {
        if self.unread.discard {
            &mut self.nothing
        } else {
            &mut self.input
        }
    }

    /// What waits for the consent service.
    pub fn to_broker(&mut self) -> &mut Vec<u8> {
        &mut self.broker
    }

    /// Whether there is news since the last look that the personality must be woken for. The end of input is news only once all
    /// input before it was handed over; whatever else there is does not wait for that.
    pub fn take_news(&mut self) -> bool {
        if self.unread.end_is_quiet && self.input.is_empty() {
            self.unread.end_is_quiet = false;
            self.news = true;
        }
        core::mem::take(&mut self.news)
    }

    /// A request of the personality.
    pub fn request(&mut self, words: &Words) -> Words {
        let reply = match words.label() {
            label::NEXT if words.as_slice().len() == 1 => self.next().encode().ok(),
            label::EXIT if !self.ended => exit_status(words).map(|status| {
                self.ended = true;
                self.exit = Some(status);
                Words::new(0)
            }),
            label::EXIT => Some(Failure::Ended.encode()),
            _ => None,
        };
        reply.unwrap_or_else(|| Failure::Malformed.encode())
    }

    fn next(&mut self) -> News {
        let unread = &mut self.unread;
        if let Some(news) = unread.terminals.take().or_else(|| unread.size.take()) {
            return news;
        }
        if unread.signals != 0 {
            let bit = unread.signals.trailing_zeros();
            unread.signals &= unread.signals - 1;
            return News::Signal(bit as u8 + 1);
        }
        if core::mem::take(&mut unread.stop) {
            return News::Stop;
        }
        if core::mem::take(&mut unread.discard) {
            return News::Discard;
        }
        if unread.end_of_input && self.input.is_empty() {
            unread.end_of_input = false;
            return News::EndOfInput;
        }
        News::Nothing
    }

    fn events(&mut self, events: Vec<Event>) {
        for event in events {
            let trouble = match event {
                Event::Input(bytes) => {
                    self.input.extend_from_slice(&bytes);
                    continue;
                }
                Event::Broker(message) => {
                    self.tell_broker(&message);
                    continue;
                }
                Event::Trouble(line) => Some(format!("console: {line}")),
                Event::NoVersion(version) => Some(format!(
                    "console: the host speaks version {version} of the control channel, which this side does not"
                )),
                event => {
                    self.user(event);
                    continue;
                }
            };
            if let Some(line) = trouble {
                send(&ToHost::Trace(line), &mut self.lines);
            }
        }
    }

    /// What the terminal's user did.
    fn user(&mut self, event: Event) {
        match event {
            Event::Terminals {
                input,
                output,
                error,
            } => {
                // For the consent service this is the end of its configuration.
                self.tell_broker(&ToMachine::Terminals {
                    input,
                    output,
                    error,
                });
                self.unread.terminals = Some(News::Terminals {
                    input,
                    output,
                    error,
                });
            }
            Event::Resize { rows, columns } => {
                self.unread.size = Some(News::Size { rows, columns });
            }
            // The decoder lets 1 to 64 through.
            Event::Signal(number) => self.unread.signals |= 1 << (number.wrapping_sub(1) & 63),
            Event::EndOfInput => {
                (self.unread.end_of_input, self.unread.end_is_quiet) = (true, true);
                return;
            }
            Event::Stop => self.unread.stop = true,
            Event::Discard => {
                self.input.clear();
                self.unread.discard = true;
            }
            _ => return,
        }
        self.news = true;
    }

    fn tell_broker(&mut self, message: &ToMachine) {
        if let Err(bad) = message.encode(&mut self.broker) {
            // What was decoded is within the bounds; said all the same, since nothing may be lost in silence.
            let line = format!("console: a message for the consent service was lost: {bad:?}");
            send(&ToHost::Trace(line), &mut self.lines);
        }
    }
}

fn exit_status(words: &Words) -> Option<u8> {
    let mut reader = words.reader();
    let status = reader.word().ok()?;
    reader.end().ok()?;
    u8::try_from(status).ok()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
