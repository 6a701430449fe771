//! Streams that are a terminal: the prompt over the program's screen, keys, sizes; the person is the other end of a pseudo-terminal.

use super::fake::Machine;
use crate::folder::Folder;
use crate::session::pump::{Ends, run};
use crate::session::records::Records;
use crate::session::terminal::{Raw, size};
use crate::session::{Consent, End, Session, Terminals};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use sundog_consent_core::Answer;
use sundog_console_core::machine::Event;
use sundog_protocols::consent::Answer as Word;
use sundog_protocols::control::{By, Grant, Stream, ToHost, ToMachine};
use sundog_screen::Screen;

/// A pseudo-terminal of 24 lines and 80 columns: the person's end and the program's.
pub fn pair() -> (File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = open(name.as_c_str(), flags, Mode::empty()).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    (person.into(), terminal)
}

/// A run on a pseudo-terminal, and the screen that the person sees.
pub struct Terminal {
    /// The machine's half.
    pub machine: Machine,
    person: File,
    terminal: Arc<OwnedFd>,
    screen: Arc<Mutex<Screen>>,
    /// The run.
    pub run: JoinHandle<End>,
    _state: Folder,
}

/// A run whose three streams are the terminal.
pub fn start() -> Terminal {
    let (person, terminal) = pair();
    start_with_output(person, terminal, None)
}

/// A run on a terminal whose output goes somewhere else, if that is given.
pub fn start_with_output(person: File, terminal: OwnedFd, file: Option<OwnedFd>) -> Terminal {
    let (machine, console, control) = Machine::new();
    let terminal = Arc::new(terminal);
    let screen = Arc::new(Mutex::new(Screen::new(24, 80)));
    let (mut ends, seen) = (person.try_clone().unwrap(), Arc::clone(&screen));
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = ends.read(&mut bytes) {
            let mut screen = seen.lock().unwrap();
            screen.feed(&bytes[..length]);
            // A terminal types its answers to what it is asked.
            ends.write_all(&screen.take_replies()).unwrap();
        }
    });
    let state = Folder::new().unwrap();
    let records = Records::at(state.file("sundog"));
    let own = Arc::clone(&terminal);
    let run = thread::spawn(move || {
        let terminal = own.as_fd();
        let raw = Raw::enter(terminal).unwrap();
        let terminals = Terminals {
            input: true,
            output: file.is_none(),
            error: true,
        };
        let mut session = Session::new(terminals, size(terminal), Consent::default(), records);
        let ends = Ends {
            input: terminal,
            output: file.as_ref().map_or(terminal, AsFd::as_fd),
            error: terminal,
            screen: Some(terminal),
            console: &console,
            control: &control,
            kernel: None,
            signals: None,
            raw: raw.as_ref(),
        };
        run(&mut session, &ends).unwrap()
    });
    Terminal {
        machine,
        person,
        terminal,
        screen,
        run,
        _state: state,
    }
}

impl Terminal {
    /// The person types.
    pub fn type_in(&mut self, keys: &[u8]) {
        self.person.write_all(keys).unwrap();
    }

    /// Waits until some line of the screen contains the text, or none does.
    pub fn wait(&self, text: &str, there: bool) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let lines = self.lines();
            if lines.iter().any(|line| line.contains(text)) == there {
                return;
            }
            assert!(Instant::now() < end, "{text:?} is {there}: {lines:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The lines of the screen.
    pub fn lines(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        (0..24).map(|row| screen.text(row)).collect()
    }

    /// Whether no line of the screen contains the text.
    pub fn screen_lacks(&self, text: &str) -> bool {
        !self.lines().iter().any(|line| line.contains(text))
    }

    /// The answer that the machine gets next.
    pub fn answer(&mut self) -> (Answer, By) {
        match self.machine.event() {
            Event::Broker(ToMachine::Answer { answer, by, .. }) => (answer, by),
            other => panic!("{other:?} instead of an answer"),
        }
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&*self.terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    }
}

#[test]
fn a_question_is_answered_by_a_whole_word_after_it_was_seen() {
    let mut run = start();
    run.machine.start();
    run.machine.output(Stream::Output, b"$ cat /dev/ttyS1\r\n");
    run.wait("$ cat", true);
    assert!(run.is_raw());
    run.machine.ask(1);
    run.wait("Sundog asks", true);
    // Typed while the question has just appeared: none of it counts, and none of it is the program's.
    run.type_in(b"once\ralways\rrun\r");
    run.machine
        .output(Stream::Output, b"\x1b[2J\x1b[HSundog does not ask\r\n");
    run.wait("keys do not count yet", true);
    assert!(
        run.machine.quiet(Duration::from_millis(600)),
        "{:?}",
        run.machine.event()
    );
    run.wait("Type one of these words", true);
    run.wait("does not ask", false);
    run.type_in(b"o\r");
    run.wait("whole and alone", true);
    run.type_in(b"once\r");
    assert_eq!(run.answer(), (Answer::Once, By::Typed));
    run.wait("Sundog asks", false);
    run.wait("Sundog does not ask", true);
    run.type_in(b"\x03x");
    assert_eq!(
        run.machine.input(2),
        b"\x03x",
        "control keys are the program's again"
    );
    run.machine.exit(0);
    let Terminal { run, terminal, .. } = run;
    assert_eq!(run.join().unwrap(), End::Exit(0));
    assert!(
        tcgetattr(&*terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    );
}

#[test]
fn escape_denies_and_the_machine_can_take_a_question_back() {
    let mut run = start();
    run.machine.start();
    run.machine.ask(1);
    run.wait("Type one of these words", true);
    run.type_in(b"\x1b");
    assert_eq!(run.answer(), (Answer::Deny, By::Escape));
    run.wait("Sundog asks", false);
    run.machine.ask(2);
    run.wait("Sundog asks", true);
    run.machine.tell(&ToHost::PromptGone { id: 2 });
    run.wait("Sundog asks", false);
    run.machine.ask(3);
    run.wait("Sundog asks", true);
    // The program's end does not wait for an answer.
    run.machine.output(Stream::Output, b"the last line\r\n");
    run.machine.exit(9);
    run.wait("the last line", true);
    run.wait("Sundog asks", false);
    assert_eq!(
        run.lines()[0],
        "the last line",
        "it stands where it belongs"
    );
    assert_eq!(run.run.join().unwrap(), End::Exit(9));
}

#[test]
fn the_attention_key_lists_and_revokes() {
    let mut run = start();
    run.machine.start();
    run.type_in(b"\x1d");
    run.wait("== Sundog ==", true);
    run.type_in(b"grants\r");
    assert_eq!(run.machine.event(), Event::Broker(ToMachine::ListGrants));
    let grant = Grant {
        id: 12,
        badge: 5,
        program: "/bin/cat".into(),
        resource: "serial".into(),
        instance: "1".into(),
        answer: Word::Run,
        bytes: 70,
    };
    run.machine.tell(&ToHost::Grants {
        list: vec![grant],
        last: true,
    });
    run.wait("12  serial +1  run  /bin/cat  70 bytes", true);
    run.type_in(b"revoke 12\r");
    assert_eq!(run.machine.event(), Event::Broker(ToMachine::ListGrants));
    assert_eq!(
        run.machine.event(),
        Event::Broker(ToMachine::Revoke { grant: 12 })
    );
    assert_eq!(run.machine.event(), Event::Broker(ToMachine::ListGrants));
    run.type_in(b"stop\r");
    assert_eq!(run.machine.event(), Event::Stop);
    run.wait("== Sundog ==", false);
    run.machine.exit(137);
    assert_eq!(run.run.join().unwrap(), End::Exit(137));
}

#[test]
fn the_program_asks_the_model_and_not_the_terminal() {
    let mut run = start();
    run.machine.start();
    run.machine
        .output(Stream::Output, b"abc\x1b[6n\x1b]52;c;b25jZQ==\x07d");
    run.wait("abcd", true);
    assert_eq!(run.machine.input(6), b"\x1b[1;4R");
    drop(run.machine);
    assert_eq!(run.run.join().unwrap(), End::MachineEnded);
    assert!(
        tcgetattr(&*run.terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON)
    );
}
