//! Streams that are no terminals: bytes as they are, the end of input, statuses, questions that nobody can answer.

use super::fake::Machine;
use crate::folder::Folder;
use crate::session::pump::{Ends, run};
use crate::session::records::Records;
use crate::session::{Consent, End, Session, Terminals};
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};
use sundog_consent_core::store::{Entry, Key};
use sundog_consent_core::{Answer, Resource};
use sundog_console_core::machine::Event;
use sundog_protocols::control::{By, Part, Stream, ToHost, ToMachine};

/// A run whose three streams are pipes.
struct Piped {
    machine: Machine,
    input: PipeWriter,
    output: PipeReader,
    error: PipeReader,
    state: Folder,
    run: JoinHandle<End>,
}

fn piped(consent: Consent) -> Piped {
    let (machine, console, control) = Machine::new();
    let [(stdin, input), (output, stdout), (error, stderr)] = [(); 3].map(|()| pipe().unwrap());
    let state = Folder::new().unwrap();
    let records = Records::at(state.file("sundog"));
    let run = thread::spawn(move || {
        let mut session = Session::new(Terminals::default(), (24, 80), consent, records);
        let ends = Ends {
            input: stdin.as_fd(),
            output: stdout.as_fd(),
            error: stderr.as_fd(),
            screen: None,
            console: &console,
            control: &control,
            kernel: None,
            signals: None,
            raw: None,
        };
        run(&mut session, &ends).unwrap()
    });
    Piped {
        machine,
        input,
        output,
        error,
        state,
        run,
    }
}

fn text(mut reader: impl Read) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn ten_mebibytes_pass_unchanged_in_both_directions() {
    const SIZE: usize = 10 << 20;
    // Every byte value, in no simple order.
    let bytes: Vec<u8> = (0..SIZE as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let Piped {
        mut machine,
        mut input,
        mut output,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    let sent = bytes.clone();
    let writer = thread::spawn(move || input.write_all(&sent).unwrap());
    let reader = thread::spawn(move || {
        let mut received = Vec::new();
        output.read_to_end(&mut received).unwrap();
        received
    });
    let received = machine.input(SIZE);
    assert!(received == bytes, "input");
    assert_eq!(machine.event(), Event::EndOfInput);
    machine.output(Stream::Output, &received);
    machine.exit(3);
    assert_eq!(run.join().unwrap(), End::Exit(3));
    writer.join().unwrap();
    assert!(reader.join().unwrap() == bytes, "output");
}

#[test]
fn standard_error_is_a_stream_of_its_own_and_a_signal_is_a_status() {
    let Piped {
        mut machine,
        output,
        error,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    machine.output(Stream::Error, b"\x1b[31merror\xff");
    machine.output(Stream::Output, b"output");
    machine.exit(128 + 9);
    assert_eq!(run.join().unwrap(), End::Exit(137));
    assert_eq!(text(output), "output");
    let mut bytes = Vec::new();
    let mut error = error;
    error.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"\x1b[31merror\xff");
}

#[test]
fn without_a_terminal_a_question_is_denied_and_the_option_is_named() {
    let Piped {
        mut machine,
        input: _input,
        output,
        error,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    for id in 1..=2 {
        machine.ask(id);
        let answer = ToMachine::Answer {
            id,
            answer: Answer::Deny,
            by: By::NotShown,
            rate: 0,
        };
        assert_eq!(machine.event(), Event::Broker(answer));
    }
    machine.exit(1);
    assert_eq!(run.join().unwrap(), End::Exit(1));
    let error = text(error);
    assert_eq!(error.lines().count(), 1, "once for each device: {error}");
    assert_eq!(
        error,
        "sundog: denied serial +1 to /bin/cat: there is no terminal to ask on; say `--allow serial1=once` or `--policy FILE`\n"
    );
    assert_eq!(text(output), "");
}

#[test]
fn what_is_decided_without_a_question_is_told_at_a_terminal_only() {
    let notice = ToHost::Notice("/bin/\u{1b}x was denied: serial +1 (cli)".into());
    let mut person = super::terminal::start();
    person.machine.start();
    person.machine.output(Stream::Output, b"prompt> ");
    person.wait("prompt>", true);
    person.machine.tell(&notice);
    person.wait("was denied", true);
    let lines = person.lines();
    assert!(
        lines.contains(&"sundog: /bin/\\u{1b}x was denied: serial +1 (cli)".to_owned()),
        "on a line of its own: {lines:?}"
    );
    let Piped {
        mut machine,
        input: _input,
        output: _output,
        error,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    machine.tell(&notice);
    machine.exit(0);
    assert_eq!(run.join().unwrap(), End::Exit(0));
    assert_eq!(text(error), "");
}

#[test]
fn configuration_comes_first_and_an_allowed_always_is_kept() {
    let consent = Consent {
        texts: vec![
            (Part::Policy, "p".into(), "# nothing\n".into()),
            (Part::Allow, String::new(), "serial1=always".into()),
        ],
        always: true,
    };
    let Piped {
        mut machine,
        state,
        run,
        ..
    } = piped(consent);
    let parts: Vec<_> = machine
        .start()
        .into_iter()
        .filter_map(|message| match message {
            ToMachine::Configure { part, text, .. } => Some((part, text)),
            ToMachine::Clock { unix } => {
                assert!(unix > 1_700_000_000);
                None
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts[0], (Part::Policy, "# nothing\n".into()));
    assert_eq!(parts[1], (Part::Allow, "serial1=always".into()));
    let key = Key {
        manifest: [1; 32],
        program: [2; 32],
        resource: Resource::Serial,
        instance: "1".into(),
    };
    let entry = Entry {
        key,
        answer: Answer::Always,
        path: "/bin/cat".into(),
        decided_at: 1,
        expires_at: None,
    };
    machine.tell(&ToHost::Remember {
        id: 0,
        line: entry.encode(),
    });
    machine.tell(&ToHost::Log("{\"event\":\"decision\"}".into()));
    machine.exit(0);
    assert_eq!(run.join().unwrap(), End::Exit(0));
    let stored = Records::at(state.file("sundog")).stored();
    assert!(stored[0].2.contains(&entry.encode()));
    let log = File::open(state.file("sundog/log.jsonl")).unwrap();
    assert_eq!(text(log), "{\"event\":\"decision\"}\n");
}

#[test]
fn an_answer_that_nobody_gave_is_not_kept() {
    let Piped {
        mut machine,
        state,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    for id in [0, 9] {
        machine.tell(&ToHost::Remember {
            id,
            line: "{}".into(),
        });
    }
    machine.exit(0);
    run.join().unwrap();
    assert!(!state.file("sundog").exists());
}

#[test]
fn a_machine_that_ends_and_a_reader_that_leaves_end_the_run() {
    let Piped { machine, run, .. } = piped(Consent::default());
    drop(machine);
    assert_eq!(run.join().unwrap(), End::MachineEnded);

    let Piped {
        mut machine,
        output,
        run,
        ..
    } = piped(Consent::default());
    machine.start();
    drop(output);
    machine.output(Stream::Output, b"y\n");
    assert_eq!(run.join().unwrap(), End::Signal(13));
}
