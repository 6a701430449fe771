//! Signals for a run whose program is there, and a program that does not care; time is handed in.

use crate::folder::Folder;
use crate::session::records::Records;
use crate::session::{Consent, End, Session, Terminals, signal};
use sundog_consent_core::SECOND;
use sundog_console_core::Lines;
use sundog_console_core::machine::{Console, Event};

/// A run whose program has started, the machine's half, and the records' folder.
fn started() -> (Session, Console, Folder) {
    let state = Folder::new().unwrap();
    let records = Records::at(state.file("sundog"));
    let mut session = Session::new(Terminals::default(), (24, 80), Consent::default(), records);
    let mut machine = Console::new(7);
    let mut lines = Lines::default();
    machine.listen(&mut lines);
    session.control(&lines.control, 0);
    lines = Lines::default();
    exchange(&mut session, &mut machine, &mut lines);
    session.control(&lines.control, 0);
    lines = Lines::default();
    exchange(&mut session, &mut machine, &mut lines);
    (session, machine, state)
}

/// What the machine hears of what the session sent.
fn exchange(session: &mut Session, machine: &mut Console, lines: &mut Lines) -> Vec<Event> {
    let sent = std::mem::take(session.lines());
    machine.control(&sent.control, lines)
}

fn heard(session: &mut Session, machine: &mut Console) -> Vec<Event> {
    exchange(session, machine, &mut Lines::default())
}

#[test]
fn a_wish_to_end_is_handed_on_and_has_its_time() {
    for number in [signal::TERM, signal::HUP] {
        let (mut session, mut machine, _state) = started();
        session.signal(number, 10 * SECOND);
        assert_eq!(heard(&mut session, &mut machine), [Event::Signal(number)]);
        assert_eq!(
            (session.end(), session.deadline()),
            (None, Some(15 * SECOND))
        );
        session.tick(15 * SECOND - 1);
        assert_eq!(session.end(), None);
        session.tick(15 * SECOND);
        assert_eq!(session.end(), Some(End::Signal(number)));
    }
}

#[test]
fn a_second_wish_to_end_does_not_wait() {
    let (mut session, _machine, _state) = started();
    session.signal(signal::TERM, SECOND);
    session.signal(signal::INT, SECOND);
    assert_eq!(session.end(), Some(End::Signal(signal::INT)));
}

#[test]
fn interrupts_are_the_programs_until_it_has_ignored_three() {
    let (mut session, mut machine, _state) = started();
    for _ in 0..3 {
        session.signal(signal::INT, SECOND);
        assert_eq!(
            heard(&mut session, &mut machine),
            [Event::Signal(signal::INT)]
        );
        session.tick(60 * SECOND);
        assert_eq!(session.end(), None);
    }
    session.signal(signal::INT, SECOND);
    assert_eq!(session.end(), Some(End::Signal(signal::INT)));
}

#[test]
fn nothing_is_sent_before_the_machine_listens() {
    let records = Records::at("/nonexistent".into());
    let terminals = Terminals::default();
    let mut session = Session::new(terminals, (24, 80), Consent::default(), records);
    for seconds in 0..10 {
        session.tick(seconds * SECOND);
        session.input(b"early", seconds * SECOND);
    }
    session.input_ends();
    assert_eq!(*session.lines(), Lines::default());
    assert_eq!(session.deadline(), None);
}

#[test]
fn before_the_program_is_there_a_signal_ends_the_run() {
    let records = Records::at("/nonexistent".into());
    let terminals = Terminals::default();
    let mut session = Session::new(terminals, (24, 80), Consent::default(), records);
    session.signal(signal::INT, 0);
    assert_eq!(session.end(), Some(End::Signal(signal::INT)));
}
