//! A fake machine: the console's half of the channel on two sockets, and a script that plays program and broker.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use sundog_console_core::Lines;
use sundog_console_core::machine::{Console, Event, send};
use sundog_protocols::consent::Answers;
use sundog_protocols::control::{Prompt, Stream, ToHost, ToMachine};
use sundog_protocols::pieces;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The machine's side of a run.
pub struct Machine {
    console: UnixStream,
    control: UnixStream,
    core: Console,
    /// Which streams of output are terminals.
    terminals: (bool, bool),
    seen: VecDeque<Event>,
    /// How often it was told to throw away what was typed ahead.
    pub discards: usize,
}

impl Machine {
    /// A machine and the two lines that lead to it.
    pub fn new() -> (Self, UnixStream, UnixStream) {
        let (console, host_console) = UnixStream::pair().unwrap();
        let (control, host_control) = UnixStream::pair().unwrap();
        for stream in [&console, &control] {
            stream
                .set_read_timeout(Some(Duration::from_millis(5)))
                .unwrap();
        }
        let machine = Self {
            console,
            control,
            core: Console::new(7),
            terminals: (true, true),
            seen: VecDeque::new(),
            discards: 0,
        };
        (machine, host_console, host_control)
    }

    /// Invites the host's Hello and waits for all that comes before the program; the answer is the configuration.
    pub fn start(&mut self) -> Vec<ToMachine> {
        let mut lines = Lines::default();
        self.core.listen(&mut lines);
        self.send(&lines);
        let mut configuration = Vec::new();
        loop {
            match self.event() {
                Event::Terminals { output, error, .. } => {
                    self.terminals = (output, error);
                    return configuration;
                }
                Event::Broker(message) => configuration.push(message),
                Event::Resize { .. } => {}
                other => panic!("{other:?} came before the program"),
            }
        }
    }

    /// The next thing that the host sends.
    pub fn event(&mut self) -> Event {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.seen.pop_front() {
                return event;
            }
            assert!(std::time::Instant::now() < end, "nothing comes");
            self.poll();
        }
    }

    /// The next event, input pieces joined until they have this length.
    pub fn input(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            match self.event() {
                Event::Input(more) => bytes.extend(more),
                other => panic!("{other:?} instead of input"),
            }
        }
        bytes
    }

    /// Whether nothing comes for a while.
    pub fn quiet(&mut self, time: Duration) -> bool {
        let end = std::time::Instant::now() + time;
        while std::time::Instant::now() < end && self.seen.is_empty() {
            self.poll();
        }
        self.seen.is_empty()
    }

    fn poll(&mut self) {
        let mut bytes = [0; 65536];
        let mut lines = Lines::default();
        if let Ok(length @ 1..) = self.control.read(&mut bytes) {
            let events = self.core.control(&bytes[..length], &mut lines);
            self.see(events);
        }
        if let Ok(length @ 1..) = self.console.read(&mut bytes) {
            let events = self.core.console(&bytes[..length]);
            self.see(events);
        }
        self.send(&lines);
    }

    fn see(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Discard => self.discards += 1,
                event => self.seen.push_back(event),
            }
        }
    }

    fn send(&mut self, lines: &Lines) {
        self.console.write_all(&lines.console).unwrap();
        self.control.write_all(&lines.control).unwrap();
    }

    /// The program writes.
    pub fn output(&mut self, stream: Stream, bytes: &[u8]) {
        let mut lines = Lines::default();
        if self.terminals == (true, true) {
            self.core.output(bytes, &mut lines);
        } else {
            let mut line = Vec::new();
            pieces::put(stream, bytes, &mut line);
            self.core.output(&line, &mut lines);
        }
        self.send(&lines);
    }

    /// The broker or the console sends a message.
    pub fn tell(&mut self, message: &ToHost) {
        let mut lines = Lines::default();
        send(message, &mut lines);
        self.send(&lines);
    }

    /// The program ends.
    pub fn exit(&mut self, status: u8) {
        let mut lines = Lines::default();
        self.core.exit(status, &mut lines);
        self.send(&lines);
    }

    /// The broker asks for the guarded line.
    pub fn ask(&mut self, id: u64) {
        self.tell(&ToHost::Prompt(Prompt {
            id,
            badge: 5,
            chain: vec!["sh".into()],
            program: "/bin/cat".into(),
            resource: "serial".into(),
            instance: "1".into(),
            reason: String::new(),
            offered: Answers::ALL,
        }));
    }
}
