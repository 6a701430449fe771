//! The relay between a host, a personality and a consent service that are the test.
use super::*;
use crate::host::{self, Host};
use alloc::vec;
use sundog_protocols::consent::Answer;
use sundog_protocols::control::{By, Decoder};

fn relay() -> (Host, Relay) {
    let (mut host, mut relay) = (Host::new(), Relay::new(1));
    let mut lines = Lines::default();
    assert_eq!(heard(&mut host, &mut relay), [host::Event::Listening]);
    host.hello(&mut lines);
    relay.from_control(&lines.control);
    (host, relay)
}

fn tell(host: &Host, relay: &mut Relay, message: ToMachine) {
    let mut lines = Lines::default();
    host.send(&message, &mut lines);
    relay.from_control(&lines.control);
}

fn next(relay: &mut Relay) -> News {
    News::decode(&relay.request(&Words::new(label::NEXT))).unwrap()
}

fn number(label: u64, number: u64) -> Words {
    let mut words = Words::new(label);
    words.push(number).unwrap();
    words
}

fn heard(host: &mut Host, relay: &mut Relay) -> Vec<host::Event> {
    let bytes = core::mem::take(relay.to_control());
    host.control(&bytes)
}

#[test]
fn news_is_told_once_in_order_and_never_piles_up() {
    let (host, mut relay) = relay();
    assert!(!relay.take_news() && next(&mut relay) == News::Nothing);
    for columns in 0..1000 {
        tell(&host, &mut relay, ToMachine::Size { rows: 5, columns });
        tell(&host, &mut relay, ToMachine::Signal { number: 15 });
    }
    tell(&host, &mut relay, ToMachine::Signal { number: 64 });
    tell(&host, &mut relay, ToMachine::Stop);
    assert!(relay.take_news() && !relay.take_news());
    let told: Vec<News> = (0..5).map(|_| next(&mut relay)).collect();
    let wanted = [
        News::Size {
            rows: 5,
            columns: 999,
        },
        News::Signal(15),
        News::Signal(64),
        News::Stop,
        News::Nothing,
    ];
    assert_eq!(told, wanted);
}

#[test]
fn the_end_of_input_comes_behind_the_input() {
    let (mut host, mut relay) = relay();
    let mut lines = Lines::default();
    host.input(b"abc", &mut lines);
    host.end_of_input(&mut lines);
    relay.from_control(&lines.control);
    assert!(!relay.take_news(), "COM1 is not there yet");
    relay.from_console(&lines.console);
    assert!(!relay.take_news() && next(&mut relay) == News::Nothing);
    assert_eq!(core::mem::take(relay.to_program()), b"abc");
    assert!(relay.take_news() && next(&mut relay) == News::EndOfInput);
    assert_eq!(next(&mut relay), News::Nothing);
}

#[test]
fn an_end_of_input_behind_input_that_nobody_takes_holds_up_no_other_news() {
    let (mut host, mut relay) = relay();
    let terminals = ToMachine::Terminals {
        input: false,
        output: false,
        error: false,
    };
    tell(&host, &mut relay, terminals);
    assert!(relay.take_news() && next(&mut relay) != News::Nothing);
    heard(&mut host, &mut relay);
    let mut lines = Lines::default();
    host.input(b"nobody reads this", &mut lines);
    host.end_of_input(&mut lines);
    relay.from_control(&lines.control);
    relay.from_console(&lines.console);
    assert!(!relay.take_news());
    tell(&host, &mut relay, ToMachine::Signal { number: 15 });
    assert!(relay.take_news() && next(&mut relay) == News::Signal(15));
    relay.to_program().clear();
    assert!(relay.take_news() && next(&mut relay) == News::EndOfInput);
}

#[test]
fn input_from_before_a_question_is_thrown_away_and_no_other() {
    let (mut host, mut relay) = relay();
    let mut lines = Lines::default();
    host.input(b"typed ahead", &mut lines);
    host.discard_input(&mut lines);
    host.input(b"later", &mut lines);
    // COM3 is faster than COM1, whose bytes come in two parts.
    relay.from_control(&lines.control);
    relay.from_console(&lines.console[..5]);
    assert!(!relay.take_news() && relay.to_program() == b"typed");
    relay.from_console(&lines.console[5..]);
    assert!(relay.take_news() && relay.to_program().is_empty());
    assert_eq!(next(&mut relay), News::Discard);
    assert_eq!(relay.to_program(), b"later");
    // Nothing was typed in between.
    lines = Lines::default();
    host.discard_input(&mut lines);
    relay.from_control(&lines.control);
    assert!(relay.take_news() && next(&mut relay) == News::Discard);
    assert!(relay.to_program().is_empty() && next(&mut relay) == News::Nothing);
}

#[test]
fn an_exit_waits_for_the_output_before_it_and_ends_everything() {
    let (mut host, mut relay) = relay();
    heard(&mut host, &mut relay);
    let exit = number(label::EXIT, 7);
    assert_eq!(relay.request(&exit), Words::new(0));
    relay.from_program(b"last words");
    heard(&mut host, &mut relay);
    assert_eq!(host.exited(), None);
    relay.output_is_empty();
    heard(&mut host, &mut relay);
    assert_eq!((host.exited(), host.finished()), (Some(7), None));
    host.console(&core::mem::take(relay.to_console()));
    assert_eq!(host.finished(), Some(7));
    assert_eq!(relay.request(&exit), Failure::Ended.encode());
}

#[test]
fn the_broker_gets_its_messages_and_the_end_of_its_configuration() {
    let (host, mut relay) = relay();
    let answer = ToMachine::Answer {
        id: 1,
        answer: Answer::Once,
        by: By::Typed,
        rate: 0,
    };
    let terminals = ToMachine::Terminals {
        input: true,
        output: true,
        error: false,
    };
    for message in [
        terminals.clone(),
        ToMachine::Signal { number: 2 },
        answer.clone(),
    ] {
        tell(&host, &mut relay, message);
    }
    let (mut decoder, mut got) = (Decoder::<ToMachine>::new(), vec![]);
    decoder.feed(relay.to_broker(), |event| got.push(event));
    use sundog_protocols::control::Event::Message;
    assert_eq!(got, [Message(terminals), Message(answer)]);
}

#[test]
fn buffers_are_bounded_and_a_stuck_com1_does_not_hold_up_com3() {
    let (_, mut relay) = relay();
    while relay.takes_output() {
        relay.from_program(&[0; 512]);
    }
    assert!(relay.to_console().len() < ENOUGH + 512);
    assert!(relay.takes_control() && relay.takes_console() && relay.takes_broker());
    while relay.takes_console() {
        relay.from_console(&[0; 512]);
    }
    assert!(relay.to_program().len() < ENOUGH + 512);
}

#[test]
fn nonsense_is_answered_with_a_failure() {
    let (_, mut relay) = relay();
    for words in [
        &[0][..],
        &[label::NEXT, 0],
        &[label::EXIT],
        &[label::EXIT, 256],
    ] {
        let words = Words::from_slice(words).unwrap();
        assert_eq!(
            relay.request(&words),
            Failure::Malformed.encode(),
            "{words:?}"
        );
    }
}
