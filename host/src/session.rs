//! A run's conversation without I/O: the machine's two lines on one side, the person's streams on the other, consent in between.
//!
//! The loop of [`pump`] hands in what arrives and takes out what is to be written. Time is handed in, so every test is exact.

mod out;
pub mod pump;
pub mod records;
pub mod shown;
pub mod terminal;

use crate::failure::Failure;
pub use out::Out;
use records::Records;
use shown::Shown;
use std::sync::mpsc::Sender;
use std::time::SystemTime;
use sundog_consent_core::names::escaped;
use sundog_consent_core::policy;
use sundog_consent_core::prompt::{self, Console, Event as Asked};
use sundog_consent_core::{Answer, SECOND};
use sundog_console_core::Lines;
use sundog_console_core::host::{Event, Host};
use sundog_protocols::control::{By, Part, Prompt, Stream, ToMachine};

/// How long the program has to end after SIGTERM or SIGHUP.
const GRACE: u64 = 5 * SECOND;
/// Interrupts from outside that a program may ignore before the run ends.
const INTERRUPTS: u32 = 3;
/// No more is read from a side while this many bytes wait for the other.
pub const ENOUGH: usize = 256 * 1024;
/// Bytes typed before the machine is there that are kept for it.
const EARLY: usize = 4096;
/// Ctrl-C, as a terminal in raw mode sends it.
const INTERRUPT_KEY: u8 = 3;

/// Linux's numbers of the signals that a run takes.
pub mod signal {
    /// The terminal is gone.
    pub const HUP: u8 = 1;
    /// Interrupt from the keyboard.
    pub const INT: u8 = 2;
    /// Quit from the keyboard.
    pub const QUIT: u8 = 3;
    /// A stream that nobody reads.
    pub const PIPE: u8 = 13;
    /// A wish to end.
    pub const TERM: u8 = 15;
    /// The process goes on after a stop.
    pub const CONT: u8 = 18;
    /// The window has another size.
    pub const WINCH: u8 = 28;
}

/// Which of the standard streams are terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub input: bool,
    /// Standard output.
    pub output: bool,
    /// Standard error.
    pub error: bool,
}

impl Terminals {
    /// The stream on which questions are drawn, if one is a terminal.
    pub fn screen(self) -> Option<Stream> {
        match (self.output, self.error) {
            (true, _) => Some(Stream::Output),
            (false, true) => Some(Stream::Error),
            (false, false) => None,
        }
    }

    /// Whether there is somebody who can read a question and answer it.
    pub fn person(self) -> bool {
        self.input && self.screen().is_some()
    }
}

/// What the command line says about consent, checked already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Texts for the machine, in the order in which they are sent: what, its name, the text.
    pub texts: Vec<(Part, String, String)>,
    /// An option says `always`, so the machine may ask to remember that.
    pub always: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The program ended, with this status as a shell sees it.
    Exit(u8),
    /// A signal ended the run.
    Signal(u8),
    /// The machine and this command speak different versions.
    Version(u16),
    /// A standard stream does not take what was written to it; which, and why.
    Unwritten(String),
    /// The machine ended before the program did.
    MachineEnded,
}

/// The state of a run.
#[derive(Debug)]
pub struct Session {
    terminals: Terminals,
    consent: Consent,
    trace: bool,
    explain: bool,
    let_in: Option<Sender<()>>,
    host: Host,
    lines: Lines,
    out: Out,
    shown: Option<Shown>,
    console: Option<Console>,
    records: Records,
    ready: bool,
    early: Vec<u8>,
    kernel_line: Vec<u8>,
    input_ended: bool,
    told: Vec<(String, String)>,
    /// Something is drawn or taken away as soon as all bytes of the screen's stream are written.
    drawing: bool,
    interrupts: u32,
    ending: Option<(u8, u64)>,
    end: Option<End>,
}

impl Session {
    /// A run before anything was sent. `size` is that of the terminal on which questions are drawn: lines and columns.
    pub fn new(
        terminals: Terminals,
        size: (usize, usize),
        consent: Consent,
        records: Records,
    ) -> Self {
        let (rows, columns) = size;
        let console = terminals
            .person()
            .then(|| Console::new(rows, columns, true, prompt::TIME_OUT));
        Self {
            terminals,
            consent,
            trace: false,
            explain: false,
            let_in: None,
            host: Host::new(),
            lines: Lines::default(),
            out: Out::default(),
            shown: terminals.screen().map(|_| Shown::new(rows, columns)),
            console,
            records,
            ready: false,
            early: Vec::new(),
            kernel_line: Vec::new(),
            input_ended: false,
            told: Vec::new(),
            drawing: false,
            interrupts: 0,
            ending: None,
            end: None,
        }
    }

    /// Shows the machine's traces (`trace`) and what is odd on its lines (`explain`) on standard error.
    pub fn show(&mut self, trace: bool, explain: bool) {
        (self.trace, self.explain) = (trace, explain);
    }

    /// Where it is told that a program got the guarded line.
    pub fn tell_when_let_in(&mut self, let_in: Option<Sender<()>>) {
        self.let_in = let_in;
    }

    /// Bytes for the machine; what was sent is taken out of them.
    pub fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Both streams of output are the same file, so their order is kept.
    pub fn keep_order(&mut self) {
        self.out.keep_order();
    }

    /// Bytes for the standard streams; what was written is taken out of them.
    pub fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    /// Whether standard input is to be read.
    pub fn takes_input(&self) -> bool {
        !self.input_ended && self.lines.console.len() < ENOUGH && self.early.len() < EARLY
    }

    /// Whether the machine's console is to be read.
    pub fn takes_output(&self) -> bool {
        let held = self.shown.as_ref().map_or(0, Shown::held);
        held + self.out.len() < ENOUGH
    }

    /// Bytes from standard input.
    pub fn input(&mut self, bytes: &[u8], now: u64) {
        match &mut self.console {
            Some(console) => console.input(bytes, now),
            None => self.forward(bytes),
        }
        self.settle();
    }

    /// Standard input ended.
    pub fn input_ends(&mut self) {
        self.input_ended = true;
        if self.ready {
            self.host.end_of_input(&mut self.lines);
        }
    }

    /// Standard input cannot be read: a terminal is gone; anything else never could, as a folder.
    pub fn input_fails(&mut self, error: impl std::fmt::Display, now: u64) {
        self.input_ends();
        if self.terminals.input {
            self.signal(signal::HUP, now);
        } else {
            self.say(&format!("cannot read standard input: {error}"));
        }
    }

    /// Bytes from COM1.
    pub fn console(&mut self, bytes: &[u8], now: u64) {
        let events = self.host.console(bytes);
        self.events(events, now);
    }

    /// Bytes from COM3.
    pub fn control(&mut self, bytes: &[u8], now: u64) {
        let events = self.host.control(bytes);
        self.events(events, now);
    }

    /// The kernel's text, for standard error.
    pub fn kernel(&mut self, bytes: &[u8]) {
        self.kernel_line.extend_from_slice(bytes);
        while let Some(end) = self.kernel_line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.kernel_line.drain(..=end).collect();
            self.tell(&escaped(String::from_utf8_lossy(&line).trim_end()));
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        if let Some(shown) = &mut self.shown {
            shown.resize(rows, columns);
        }
        if let Some(console) = &mut self.console {
            console.resize(rows, columns);
        }
        if self.ready {
            self.send_size();
        }
        self.settle();
    }

    /// A signal for this command.
    pub fn signal(&mut self, number: u8, now: u64) {
        self.interrupts += 1;
        if !self.ready || self.ending.is_some() || self.interrupts > INTERRUPTS {
            self.end.get_or_insert(End::Signal(number));
            return;
        }
        self.host
            .send(&ToMachine::Signal { number }, &mut self.lines);
        if !matches!(number, signal::INT | signal::QUIT) {
            self.ending = Some((number, now + GRACE));
        }
    }

    /// Nobody reads a standard stream any more.
    pub fn stream_closed(&mut self) {
        self.end.get_or_insert(End::Signal(signal::PIPE));
    }

    /// A standard stream cannot be written to.
    pub fn stream_failed(&mut self, stream: Stream, error: impl std::fmt::Display) {
        let name = match stream {
            Stream::Output => "standard output",
            Stream::Error => "standard error",
        };
        let text = format!("cannot write to {name}: {error}");
        self.end.get_or_insert(End::Unwritten(text));
    }

    /// All bytes of the standard streams are written.
    pub fn written(&mut self, now: u64) {
        if std::mem::take(&mut self.drawing)
            && let Some(console) = &mut self.console
        {
            if self.shown.as_ref().is_some_and(Shown::covers) {
                console.drawn(now);
            } else {
                console.removed(now);
            }
            self.settle();
        }
    }

    /// Time has passed; call it after everything that could be read was handed in.
    pub fn tick(&mut self, now: u64) {
        if let Some((number, _)) = self.ending.filter(|(_, at)| now >= *at) {
            self.end.get_or_insert(End::Signal(number));
        }
        if let Some(console) = &mut self.console {
            console.tick(now);
        }
        self.settle();
    }

    /// When [`Session::tick`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        let ending = self.ending.map(|(_, at)| at);
        let console = self.console.as_ref().and_then(Console::deadline);
        [ending, console].into_iter().flatten().min()
    }

    /// How the run ended, if it did. The program's end counts when all of its output is here and nothing covers it.
    pub fn end(&self) -> Option<End> {
        let exit = self.host.finished().filter(|_| self.uncovered());
        self.end.clone().or(exit.map(End::Exit))
    }

    /// The machine's lines have closed: nothing more comes, and nobody waits for an answer.
    pub fn closed(&mut self) -> End {
        self.uncover();
        self.host.finished().map_or(End::MachineEnded, End::Exit)
    }

    /// Takes away what is drawn and shows what was held back: the run is over, whatever was asked.
    pub fn uncover(&mut self) {
        if let (Some(shown), Some(stream)) = (&mut self.shown, self.terminals.screen()) {
            shown.cover(&[], self.out.stream(stream));
            shown.release(self.out.stream(stream));
        }
    }

    /// What the records could not write, as lines for the person.
    pub fn troubles(&mut self) -> Vec<String> {
        self.records.take_troubles()
    }

    /// Whether the program's output is held back: something covers its screen, or is about to.
    fn holds(&self) -> bool {
        let asks = self.console.as_ref().is_some_and(Console::holds_output);
        let covered = self.shown.as_ref().is_some_and(Shown::covers);
        covered || (asks || self.drawing) && self.host.exited().is_none()
    }

    fn uncovered(&self) -> bool {
        self.shown
            .as_ref()
            .is_none_or(|shown| !shown.covers() && shown.held() == 0)
    }

    fn events(&mut self, events: Vec<Event>, now: u64) {
        for event in events {
            self.event(event, now);
        }
        self.settle();
    }

    fn event(&mut self, event: Event, now: u64) {
        match event {
            Event::Listening => self.host.hello(&mut self.lines),
            Event::Ready(_) if self.ready => {}
            Event::Ready(_) => self.begin(),
            Event::NoVersion(version) => drop(self.end.get_or_insert(End::Version(version))),
            Event::Prompt(prompt) => self.ask(prompt, now),
            Event::PromptGone(id) => {
                if let Some(console) = &mut self.console {
                    console.gone(id, now);
                }
            }
            Event::Output(stream, bytes) => self.program(stream, &bytes),
            Event::Log(line) => {
                if let (Some(let_in), true) = (&self.let_in, records::lets_in(&line)) {
                    // Whoever waited for it may be gone.
                    let _ = let_in.send(());
                }
                self.records.log(&line);
            }
            Event::Trace(line) if self.trace => self.say(&escaped(&line)),
            Event::Notice(line) if self.terminals.error || self.explain => {
                self.say(&escaped(&line));
            }
            Event::Trace(_) | Event::Notice(_) => {}
            Event::Grants(list, last) => {
                if let Some(console) = &mut self.console {
                    console.grants(list, last);
                }
            }
            Event::Remember(answer, line) => self.records.remember(Some(answer), &line),
            Event::RememberOption(line) if self.consent.always => {
                self.records.remember(Some(Answer::Always), &line);
            }
            Event::RememberOption(_) => {
                self.trouble("the machine wants to remember an option that was not given");
            }
            Event::Trouble(text) => self.trouble(&text),
        }
    }

    /// The machine is there: everything that it must know before the program starts, and what was typed early.
    fn begin(&mut self) {
        self.ready = true;
        let stored = self.records.stored();
        for (part, name, text) in std::mem::take(&mut self.consent.texts)
            .iter()
            .chain(&stored)
        {
            self.host.configure(*part, name, text, &mut self.lines);
        }
        self.send_size();
        let unix = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs();
        self.host.send(&ToMachine::Clock { unix }, &mut self.lines);
        let Terminals {
            input,
            output,
            error,
        } = self.terminals;
        // The last one: the program starts after it.
        self.host.terminals(input, output, error, &mut self.lines);
        let early = std::mem::take(&mut self.early);
        self.host.input(&early, &mut self.lines);
        if self.input_ended {
            self.host.end_of_input(&mut self.lines);
        }
    }

    fn send_size(&mut self) {
        if let Some(shown) = &self.shown {
            let (rows, columns) = shown.size();
            let [rows, columns] =
                [rows, columns].map(|size| u16::try_from(size).unwrap_or(u16::MAX));
            self.host
                .send(&ToMachine::Size { rows, columns }, &mut self.lines);
        }
    }

    fn ask(&mut self, prompt: Prompt, now: u64) {
        if let Some(console) = &mut self.console {
            console.ask(prompt, now);
            self.host.discard_input(&mut self.lines);
            return;
        }
        self.host
            .answer(prompt.id, Answer::Deny, By::NotShown, 0, &mut self.lines);
        let device = (prompt.resource, prompt.instance);
        if !self.told.contains(&device) && self.told.len() < prompt::MAX_QUEUE {
            let (resource, instance) = (escaped(&device.0), escaped(&device.1));
            self.say(&format!(
                "denied {resource} +{instance} to {}: there is no terminal to ask on; say `--allow {}` or `--policy FILE`",
                escaped(&prompt.program),
                policy::once(&resource, &instance)
            ));
            self.told.push(device);
        }
    }

    /// Bytes of the program for a stream: to a terminal through the filter, elsewhere as they are.
    fn program(&mut self, stream: Stream, bytes: &[u8]) {
        let terminal = match stream {
            Stream::Output => self.terminals.output,
            Stream::Error => self.terminals.error,
        };
        let hold = self.holds();
        let (true, Some(shown)) = (terminal, &mut self.shown) else {
            self.out.stream(stream).extend_from_slice(bytes);
            return;
        };
        shown.program(bytes, hold, self.out.stream(stream));
        self.replies();
    }

    /// Answers of the model to the program's questions go where the terminal's own would have gone.
    fn replies(&mut self) {
        let replies = self
            .shown
            .as_mut()
            .map(Shown::take_replies)
            .unwrap_or_default();
        if self.terminals.input {
            self.forward(&replies);
        }
    }

    fn forward(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
        } else if self.ready {
            self.host.input(bytes, &mut self.lines);
        } else if self.terminals.input && bytes.contains(&INTERRUPT_KEY) {
            // There is no program yet that could take it.
            self.end.get_or_insert(End::Signal(signal::INT));
        } else {
            self.early.extend_from_slice(bytes);
        }
    }

    /// Does what the prompt asks for, until it asks for nothing.
    fn settle(&mut self) {
        while let Some(console) = &mut self.console {
            let events = console.take_events();
            if events.is_empty() {
                break;
            }
            for event in events {
                self.asked(event);
            }
        }
        // The program's end does not wait for an answer that nobody needs any more.
        if self.host.exited().is_some() && !self.uncovered() {
            self.uncover();
        }
        if !self.holds()
            && let (Some(shown), Some(stream)) = (&mut self.shown, self.terminals.screen())
        {
            shown.release(self.out.stream(stream));
            self.replies();
        }
    }

    fn asked(&mut self, event: Asked) {
        match event {
            Asked::Forward(bytes) => self.forward(&bytes),
            Asked::Redraw if self.host.exited().is_some() => {}
            Asked::Redraw => {
                let lines = self
                    .console
                    .as_ref()
                    .map(Console::lines)
                    .unwrap_or_default();
                if let (Some(shown), Some(stream)) = (&mut self.shown, self.terminals.screen()) {
                    shown.cover(&lines, self.out.stream(stream));
                    self.drawing = true;
                }
            }
            Asked::Answer {
                id,
                answer,
                by,
                rate,
            } => {
                self.host.answer(id, answer, by, rate, &mut self.lines);
            }
            Asked::ListGrants => self.host.send(&ToMachine::ListGrants, &mut self.lines),
            Asked::Revoke(grant) => {
                self.host
                    .send(&ToMachine::Revoke { grant }, &mut self.lines);
            }
            Asked::Stop => self.host.send(&ToMachine::Stop, &mut self.lines),
        }
    }

    fn trouble(&mut self, text: &str) {
        if self.explain {
            self.say(&escaped(text));
        }
    }

    /// A line of the command's own on standard error.
    fn say(&mut self, text: &str) {
        self.tell(&Failure::new(text).to_string());
    }

    /// A line on standard error; a terminal there is in raw mode.
    fn tell(&mut self, line: &str) {
        let mut line = format!("{line}\r\n");
        if self.terminals.error {
            if self
                .shown
                .as_ref()
                .is_some_and(|shown| !shown.begins_line())
            {
                line.insert_str(0, "\r\n");
            }
            let error = self.terminals.screen().unwrap_or(Stream::Error);
            self.program(error, line.as_bytes());
        } else {
            let line = line.replace('\r', "");
            let error = self.out.stream(Stream::Error);
            error.extend_from_slice(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
