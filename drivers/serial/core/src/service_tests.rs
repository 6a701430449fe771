//! Tests of parking and order.

use super::*;
use crate::fake::Fake;
use crate::uart::Settings;
use std::vec;

fn service() -> Service<Fake> {
    Service::new(Uart::start(Fake::default(), Settings::default()).expect("a device"))
}

fn write(bytes: &[u8]) -> Message {
    Message::bytes(WRITE, bytes).expect("short")
}

fn feed(service: &mut Service<Fake>, bytes: &[u8]) {
    service.uart.ports().received.extend(bytes);
    service.interrupt().expect("ports");
}

#[test]
fn a_write_is_answered_at_once_while_there_is_room() {
    let mut service = service();
    assert_eq!(
        service.request(write(b"hi").words()),
        Action::Reply(Message::number(DONE, 2))
    );
    assert_eq!(service.uart.ports().sent, b"hi");
    assert_eq!(
        service.request(write(b"").words()),
        Action::Reply(Message::number(DONE, 0))
    );
}

#[test]
fn a_reader_waits_for_the_first_byte_and_readers_keep_their_order() {
    let mut service = service();
    assert_eq!(service.request(&[READ, 2]), Action::Park(0));
    assert_eq!(service.request(&[READ, 10]), Action::Park(1));
    assert_eq!(service.completed(), None);
    feed(&mut service, b"abc");
    let first = Completion {
        place: 0,
        message: Message::bytes(DONE, b"ab").expect("short"),
    };
    assert_eq!(service.completed(), Some(first));
    assert_eq!(
        service.request(&[READ, 1]),
        Action::Park(0),
        "behind the one that waits"
    );
    let second = Completion {
        place: 1,
        message: Message::bytes(DONE, b"c").expect("short"),
    };
    assert_eq!(service.completed(), Some(second));
    assert_eq!(service.completed(), None);
}

#[test]
fn a_poll_never_waits() {
    let mut service = service();
    assert_eq!(
        service.request(&[POLL, 5]),
        Action::Reply(Message::number(DONE, 0))
    );
    feed(&mut service, b"x");
    assert_eq!(
        service.request(&[POLL, u64::MAX]),
        Action::Reply(Message::bytes(DONE, b"x").expect("short"))
    );
}

#[test]
fn a_writer_waits_for_room() {
    let mut service = service();
    service.uart.ports().busy = true;
    while let Action::Reply(answer) = service.request(write(&vec![b'x'; MAX_BYTES]).words()) {
        assert_eq!(answer.label(), DONE);
        assert_ne!(answer.count(), 0);
    }
    assert_eq!(service.completed(), None);
    service.uart.ports().drained();
    service.interrupt().expect("ports");
    assert_eq!(
        service.completed(),
        Some(Completion {
            place: 0,
            message: Message::number(DONE, 16)
        })
    );
}

#[test]
fn nonsense_and_crowds_are_refused() {
    let mut service = service();
    for words in [&[][..], &[WRITE], &[99, 0], &[WRITE, 50, 0], &[0; 65]] {
        assert_eq!(
            service.request(words),
            Action::Reply(Message::number(MALFORMED, 0))
        );
    }
    for place in 0..MAX_PARKED {
        assert_eq!(service.request(&[READ, 1]), Action::Park(place));
    }
    assert_eq!(
        service.request(&[READ, 1]),
        Action::Reply(Message::number(BUSY, 0))
    );
    assert_eq!(
        service.request(write(b"still").words()),
        Action::Reply(Message::number(DONE, 5))
    );
}
