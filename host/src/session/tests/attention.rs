//! What a program can do while the person is asked, and what it cannot; the person is the other end of a pseudo-terminal.

use super::terminal::{pair, start, start_with_output};
use crate::session::End;
use std::io::{Read, pipe};
use std::time::{Duration, Instant};
use sundog_consent_core::Answer;
use sundog_console_core::machine::Event;
use sundog_protocols::control::{By, Stream, ToMachine};

/// Longer than a question needs until it can be answered.
const LONG: Duration = Duration::from_millis(1600);
/// Words that answer, and everything that makes a terminal type by itself.
const TRICKS: &[u8] = b"once\r\nalways\r\n\x1b[6n\x1b[c\x1b[>c\x1b[5n\x05\x1b[21t\x1b]0;once\r\x07\x1bP$qm\x1b\\\x1b[18tonce\r";

#[test]
fn nothing_that_a_program_prints_answers() {
    let mut run = start();
    run.machine.start();
    run.machine.output(Stream::Output, TRICKS);
    run.machine.ask(1);
    run.wait("Sundog asks", true);
    run.machine.output(Stream::Output, TRICKS);
    run.machine.output(Stream::Error, TRICKS);
    run.wait("Type one of these words", true);
    run.machine.output(Stream::Output, TRICKS);
    // Replies to the tricks are the program's input; no answer is among what came.
    let end = Instant::now() + LONG;
    let mut escaped = false;
    loop {
        if Instant::now() >= end && !escaped {
            run.wait("Type one of these words", true);
            run.type_in(b"\x1b");
            escaped = true;
        }
        if run.machine.quiet(Duration::from_millis(100)) {
            continue;
        }
        match run.machine.event() {
            Event::Input(_) => {}
            Event::Broker(ToMachine::Answer { answer, by, .. }) => {
                assert_eq!((answer, by), (Answer::Deny, By::Escape));
                assert!(escaped);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_question_stands_for_a_second_before_it_can_be_answered() {
    let mut run = start();
    run.machine.start();
    // What was typed before the question is the program's, unless that has not read it when the question begins.
    run.type_in(b"once\r");
    assert_eq!(run.machine.input(5), b"once\r");
    assert_eq!(run.machine.discards, 0);
    let asked = Instant::now();
    run.machine.ask(1);
    run.wait("Sundog asks", true);
    assert!(run.screen_lacks("Type one of these words"));
    run.type_in(b"once\r");
    run.wait("Type one of these words", true);
    assert_eq!((run.machine.quiet(LONG), run.machine.discards), (true, 1));
    assert!(
        asked.elapsed() >= Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    run.type_in(b"run\r");
    assert_eq!(run.answer(), (Answer::Run, By::Typed));
    run.wait("Sundog asks", false);
    run.type_in(b"x");
    assert_eq!(
        run.machine.input(1),
        b"x",
        "nothing of the answer went to the program"
    );
}

#[test]
fn output_waits_behind_what_ctrl_bracket_shows() {
    let mut run = start();
    run.machine.start();
    run.machine.output(Stream::Output, b"before\r\n");
    run.wait("before", true);
    run.type_in(b"\x1d");
    run.wait("== Sundog ==", true);
    run.machine
        .output(Stream::Output, b"\x1b[2J\x1b[Hbehind\r\n");
    // Whatever looks like a command that grants is none.
    run.type_in(b"grant 1\ronce\ralways\rallow serial1\r");
    run.wait("There is no such command", true);
    assert!(run.machine.quiet(Duration::from_millis(300)));
    assert!(run.screen_lacks("behind"));
    run.type_in(b"help\r");
    run.wait("revoke", true);
    run.type_in(b"close\r");
    run.wait("behind", true);
    run.wait("== Sundog ==", false);
    run.type_in(b"y");
    assert_eq!(run.machine.input(1), b"y");
}

#[test]
fn with_output_to_a_file_the_question_is_on_standard_error() {
    let (mut reader, writer) = pipe().unwrap();
    let (person, terminal) = pair();
    let mut run = start_with_output(person, terminal, Some(writer.into()));
    run.machine.start();
    run.machine.ask(1);
    run.wait("Type one of these words", true);
    // What goes into the file is not held back and not changed.
    run.machine.output(Stream::Output, b"\x1b[6n\x00\xff");
    let mut bytes = [0; 6];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"\x1b[6n\x00\xff");
    run.type_in(b"once\r");
    assert_eq!(run.answer(), (Answer::Once, By::Typed));
    run.machine.exit(0);
    assert_eq!(run.run.join().unwrap(), End::Exit(0));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"", "the question is nowhere in the file");
}

#[test]
fn an_ended_input_is_no_answer() {
    let mut run = start();
    run.machine.start();
    run.machine.ask(1);
    run.wait("Type one of these words", true);
    // End of file, as a key, and half a word.
    run.type_in(b"\x04onc\x04\r");
    run.wait("whole and alone", true);
    run.type_in(b"deny\r");
    assert_eq!(run.answer(), (Answer::Deny, By::Typed));
    assert!(run.machine.quiet(Duration::from_millis(200)));
}
