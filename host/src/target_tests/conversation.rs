//! What a test says to a running system, and what it waits to hear: the host's side of COM1, COM2 and COM3.

use super::evidence::{Line, Source, lines};
use crate::folder::Folder;
use crate::qemu::Port;
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};
use sundog_console_core::Lines;
use sundog_console_core::host::{Event, Host};
use sundog_protocols::consent::Answer;
use sundog_protocols::control::{By, Grant, Part, ToMachine};

/// How long one look at a line waits for bytes.
const LOOK: Duration = Duration::from_millis(5);

/// One step; the next one begins when it is done.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Types this on the terminal.
    Type(&'static str),
    /// Makes the terminal so many lines and columns large.
    Size(u16, u16),
    /// Sends the program a signal, by Linux's number.
    Signal(u8),
    /// Lets this arrive at the guarded device.
    Device(&'static str),
    /// Waits for a question and says, as the host command does when it shows one, that what was typed ahead is thrown away.
    Question,
    /// Waits for a question and answers it.
    Answer(Answer),
    /// Takes every grant back.
    Revoke,
    /// Waits for this on the terminal, behind what was waited for before.
    Output(&'static str),
    /// Waits for a message between programs whose line begins so, behind the one that was waited for before.
    Message(&'static str),
    /// Waits for a line of the log that has this in it.
    Log(&'static str),
    /// Waits for the end of the program with this status.
    Exit(u8),
    /// Fails if this was ever on the terminal.
    Never(&'static str),
    /// Waits for this and a number on the terminal, behind what was waited for before, and fails if the number is less.
    AtLeast(&'static str, u64),
    /// Says this policy before the program starts; only as the first step.
    Policy(&'static str),
}

/// How a conversation went; `None` as long as it goes on.
type Result = std::result::Result<(), String>;

/// A conversation with a machine that is about to start.
pub struct Conversation {
    /// Ports to connect to the machine.
    pub ports: Vec<Port>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    at: Option<Step>,
    heard: String,
    lines: Vec<Line>,
    result: Option<Result>,
}

impl Conversation {
    /// Listens in the run's folder, and talks as soon as the machine has connected.
    pub fn begin(steps: &'static [Step], folder: &Folder) -> std::io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let ports = vec![Port::Console, Port::Guarded, Port::Control];
        let listeners = ports
            .iter()
            .map(|port| UnixListener::bind(port.socket(folder)))
            .collect::<std::io::Result<Vec<_>>>()?;
        let shared = Arc::clone(&state);
        // It ends with the machine, whose end closes the lines; nobody waits for one that never connects.
        thread::spawn(move || {
            let result = talk(steps, &listeners, &shared);
            lock(&shared).result = Some(result.unwrap_or_else(|error| Err(error.to_string())));
        });
        Ok(Self { ports, state })
    }

    /// Whether it is over, well or not.
    pub fn is_over(&self) -> bool {
        lock(&self.state).result.is_some()
    }

    /// All that was said so far, by both sides, as it reached the host.
    pub fn lines(&self) -> Vec<Line> {
        lock(&self.state).lines.clone()
    }

    /// How it went.
    pub fn result(&self) -> Result {
        let state = lock(&self.state);
        let result = match &state.result {
            Some(result) => result.clone(),
            None => Err("it is not over".to_owned()),
        };
        result.map_err(|error| {
            format!(
                "the conversation: {error}, at {:?}; the terminal: {:?}",
                state.at, state.heard
            )
        })
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn talk(
    steps: &[Step],
    listeners: &[UnixListener],
    state: &Mutex<State>,
) -> std::io::Result<Result> {
    let mut streams = Vec::new();
    for listener in listeners {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(LOOK))?;
        streams.push(stream);
    }
    let Ok([console, guarded, control]) = <[UnixStream; 3]>::try_from(streams) else {
        return Err(Error::other("three ports make a conversation"));
    };
    let mut talk = Talk {
        host: Host::new(),
        lines: Lines::default(),
        console,
        guarded,
        control,
        ready: false,
        question: None,
        grants: None,
        listed: false,
        output: String::new(),
        heard: 0,
        shown: 0,
        messages: Vec::new(),
        logs: Vec::new(),
        said: Vec::new(),
    };
    let policy = match steps.first() {
        Some(Step::Policy(text)) => *text,
        _ => "",
    };
    talk.greet(policy)?;
    for step in steps {
        lock(state).at = Some(*step);
        loop {
            let done = talk.step(*step)?;
            talk.tell(state);
            if let Some(result) = done {
                if result.is_err() {
                    return Ok(result);
                }
                break;
            }
            talk.listen()?;
        }
    }
    talk.say_output(true);
    talk.tell(state);
    Ok(Ok(()))
}

/// The host's side while it talks.
struct Talk {
    host: Host,
    lines: Lines,
    console: UnixStream,
    guarded: UnixStream,
    control: UnixStream,
    /// The machine has said Hello.
    ready: bool,
    question: Option<u64>,
    grants: Option<Vec<Grant>>,
    /// The list of grants was asked for.
    listed: bool,
    output: String,
    /// Bytes of the output in front of which everything was waited for.
    heard: usize,
    /// Bytes of the output that stand in the lines already.
    shown: usize,
    messages: Vec<String>,
    logs: Vec<String>,
    /// What was said since the last [`Talk::tell`].
    said: Vec<Line>,
}

impl Talk {
    /// Says Hello when the machine listens, and what it must know before the program starts.
    fn greet(&mut self, policy: &str) -> std::io::Result<()> {
        while !self.ready {
            self.listen()?;
            self.flush()?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let unix = now.unwrap_or_default().as_secs();
        if !policy.is_empty() {
            self.host
                .configure(Part::Policy, "test", policy, &mut self.lines);
        }
        self.host.send(&ToMachine::Clock { unix }, &mut self.lines);
        self.host.terminals(true, true, true, &mut self.lines);
        self.flush()
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.console.write_all(&lines.console)?;
        self.control.write_all(&lines.control)
    }

    /// Does a step, or a part of it; `None`: it goes on.
    fn step(&mut self, step: Step) -> std::io::Result<Option<Result>> {
        let done = match step {
            Step::Type(text) => {
                self.say(Source::Typed, text);
                self.host.input(text.as_bytes(), &mut self.lines);
                true
            }
            Step::Size(rows, columns) => {
                let size = ToMachine::Size { rows, columns };
                self.host.send(&size, &mut self.lines);
                true
            }
            Step::Signal(number) => {
                let signal = ToMachine::Signal { number };
                self.host.send(&signal, &mut self.lines);
                true
            }
            Step::Device(text) => {
                self.say(Source::Device, text);
                self.guarded.write_all(text.as_bytes())?;
                true
            }
            Step::Question if self.question.is_some() => {
                self.host.discard_input(&mut self.lines);
                true
            }
            Step::Question => false,
            Step::Answer(answer) => match self.question.take() {
                Some(id) => {
                    self.say(Source::Person, answer.word());
                    let by = By::Typed;
                    self.host.answer(id, answer, by, 0, &mut self.lines);
                    true
                }
                None => false,
            },
            Step::Revoke => self.revoke(),
            Step::Output(text) => match self.output[self.heard..].find(text) {
                Some(place) => {
                    self.heard += place + text.len();
                    true
                }
                None => false,
            },
            Step::Message(begin) => {
                let begins = |line: &String| line.starts_with(&format!("ipc: {begin}"));
                let place = self.messages.iter().position(begins);
                place.map(|place| self.messages.drain(..=place)).is_some()
            }
            Step::Log(words) => self.logs.iter().any(|line| line.contains(words)),
            Step::Exit(status) => match self.host.finished() {
                Some(other) if other != status => {
                    return Ok(Some(Err(format!("the program ended with {other}"))));
                }
                ended => ended.is_some(),
            },
            Step::Never(text) if self.output.contains(text) => {
                return Ok(Some(Err("it was on the terminal".to_owned())));
            }
            Step::Never(_) | Step::Policy(_) => true,
            Step::AtLeast(text, least) => match number_behind(&self.output[self.heard..], text) {
                Some((_, number)) if number < least => {
                    return Ok(Some(Err(format!("{number} is less"))));
                }
                Some((place, _)) => {
                    self.heard += place;
                    true
                }
                None => false,
            },
        };
        self.flush()?;
        Ok(done.then_some(Ok(())))
    }

    /// Takes back what the list of grants names, once it is there.
    fn revoke(&mut self) -> bool {
        if !self.listed {
            self.listed = true;
            self.host.send(&ToMachine::ListGrants, &mut self.lines);
        }
        let Some(grants) = self.grants.take() else {
            return false;
        };
        for grant in &grants {
            self.say(Source::Person, &format!("revoke {}", grant.id));
            let revoke = ToMachine::Revoke { grant: grant.id };
            self.host.send(&revoke, &mut self.lines);
        }
        // An empty list: the step would take nothing back, so it asks again.
        self.listed = !grants.is_empty();
        self.listed
    }

    fn say(&mut self, source: Source, text: &str) {
        self.said.push(Line::new(source, text));
    }

    /// Makes lines of the output, those that are complete or all.
    fn say_output(&mut self, all: bool) {
        let rest = &self.output[self.shown..];
        let end = rest.rfind('\n').map_or(0, |end| end + 1);
        let end = if all { rest.len() } else { end };
        let new: Vec<_> = lines(Source::Terminal, &rest[..end]).collect();
        self.said.extend(new);
        self.shown += end;
    }

    /// Hands over what was said.
    fn tell(&mut self, state: &Mutex<State>) {
        let mut state = lock(state);
        state.heard.clone_from(&self.output);
        state.lines.append(&mut self.said);
    }

    /// Takes what the machine says.
    fn listen(&mut self) -> std::io::Result<()> {
        let mut bytes = [0; 4096];
        let count = look(&mut self.console, &mut bytes)?;
        let mut events = self.host.console(&bytes[..count]);
        let count = look(&mut self.control, &mut bytes)?;
        events.extend(self.host.control(&bytes[..count]));
        for event in events {
            match event {
                Event::Prompt(prompt) => self.question = Some(prompt.id),
                Event::PromptGone(id) => {
                    self.question.take_if(|question| *question == id);
                }
                Event::Output(_, bytes) => self.output += &String::from_utf8_lossy(&bytes),
                Event::Log(line) => {
                    self.say(Source::Log, &line);
                    self.logs.push(line);
                }
                // Every byte that the host sends belongs to a message.
                Event::Trace(line) if line.starts_with("console: ") => {
                    return Err(Error::other(line));
                }
                Event::Trace(line) | Event::Notice(line) => {
                    self.say(Source::Message, &line);
                    self.messages.push(line);
                }
                Event::Grants(list, _) => self.grants = Some(list),
                Event::Listening => self.host.hello(&mut self.lines),
                Event::Ready(_) => self.ready = true,
                Event::Trouble(line) => return Err(Error::other(line)),
                _ => {}
            }
            self.say_output(false);
        }
        Ok(())
    }
}

/// The number that stands behind the text, and the place behind it; `None` as long as it can go on.
fn number_behind(output: &str, text: &str) -> Option<(usize, u64)> {
    let begin = output.find(text)? + text.len();
    let length = output[begin..].find(|c: char| !c.is_ascii_digit())?;
    let end = begin + length;
    Some((end, output[begin..end].parse().ok()?))
}

/// Reads what is there now; the end of a line is an error, since the machine runs as long as the conversation.
fn look(stream: &mut UnixStream, bytes: &mut [u8]) -> std::io::Result<usize> {
    match stream.read(bytes) {
        Ok(0) => Err(Error::from(ErrorKind::UnexpectedEof)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(0)
        }
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use sundog_console_core::machine::{Console, send};
    use sundog_protocols::control::ToHost;

    const STEPS: &[Step] = &[
        Step::Output("ready"),
        Step::Message("program -> consent: open"),
        Step::Never("secret"),
        Step::Exit(0),
    ];

    /// A machine that says its words and ends with a status; how the conversation with it went.
    fn conversation(words: &str, status: u8) -> Result {
        let folder = Folder::new().unwrap();
        let conversation = Conversation::begin(STEPS, &folder).unwrap();
        let ports = conversation.ports.iter();
        let mut streams: Vec<_> = ports
            .map(|port| UnixStream::connect(port.socket(&folder)).unwrap())
            .collect();
        let (mut console, mut lines) = (Console::new(1), Lines::default());
        console.output(words.as_bytes(), &mut lines);
        console.listen(&mut lines);
        let hello = ToHost::Hello { abi: 1, version: 1 };
        send(&hello, &mut lines);
        let line = "ipc: program -> consent: open serial +1".to_owned();
        send(&ToHost::Trace(line), &mut lines);
        console.exit(status, &mut lines);
        streams[0].write_all(&lines.console).unwrap();
        streams[2].write_all(&lines.control).unwrap();
        let begin = Instant::now();
        while !conversation.is_over() && begin.elapsed() < Duration::from_secs(10) {
            thread::sleep(LOOK);
        }
        conversation.result()
    }

    #[test]
    fn a_number_counts_when_it_is_whole() {
        let found = |output| number_behind(output, "in ");
        assert_eq!(found("2 bytes in 30 ms"), Some((13, 30)));
        for open in ["2 bytes in 30", "2 bytes in ", "2 bytes"] {
            assert_eq!(found(open), None, "{open}");
        }
    }

    #[test]
    fn each_step_counts() {
        assert_eq!(conversation("all is ready", 0), Ok(()));
        let failed = |words, status| conversation(words, status).unwrap_err();
        assert!(failed("all is ready", 7).contains("ended with 7"));
        assert!(failed("secret, ready", 0).contains("was on the terminal"));
    }
}
