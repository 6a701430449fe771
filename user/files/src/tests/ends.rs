//! The server's side: clients by their badges, and what they hold.

use super::{BOTH, RING, Server, bytes, files};
use crate::message::Answer;
use std::vec::Vec;
use sundog_protocols::file::wire::{MAX_WORDS, Message, Reply, Request, Span};
use sundog_protocols::file::{FileError, FileServer, Handle};

fn ask(server: &Server, badge: u64, request: Request, place: u64) -> Reply {
    let mut words = request.encode().words().to_vec();
    words.push(place);
    let answer = server.with(|process| process.serve(badge, &words));
    let area = crate::area::Shared(sundog_rt::ring::Area::server(server.rings[0].clone()));
    Reply::decode(answer.message(place as u32, &area).words())
}

#[test]
fn each_client_has_its_own_handles_and_strangers_have_none() {
    let server = Server::new();
    let tree = Span::default();
    let Reply::Node(root) = ask(&server, 1, Request::Attach { tree }, 0) else {
        panic!("no root")
    };
    let getattr = Request::Getattr { node: root.handle };
    assert!(matches!(ask(&server, 1, getattr, 0), Reply::Attr(_)));
    assert_eq!(ask(&server, 2, getattr, 0), Reply::Error(FileError::EBADF));
    for stranger in [0, 3, u64::MAX] {
        let refused = Reply::Error(FileError::EACCES);
        assert_eq!(ask(&server, stranger, Request::Attach { tree }, 0), refused);
    }
}

#[test]
fn a_long_answer_needs_a_place_in_the_ring() {
    let server = Server::new();
    let tree = Span::default();
    for place in [RING as u64, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let refused = Reply::Error(FileError::EINVAL);
        assert_eq!(ask(&server, 1, Request::Attach { tree }, place), refused);
    }
    let last = ask(&server, 1, Request::Attach { tree }, RING as u64 - 1);
    assert!(matches!(last, Reply::Node(_)), "it may lie across the end");
}

#[test]
fn an_answer_is_read_as_far_as_it_makes_sense() {
    let ring = super::Ring::new();
    let area = crate::area::Shared(sundog_rt::ring::Area::client(ring));
    for (length, in_ring, place) in [
        (u64::MAX, true, 0),
        (1 << 61, true, 0),
        (MAX_WORDS as u64 + 1, true, 0),
        (1, true, RING as u32),
        (0, true, 0),
    ] {
        let answer = Answer {
            in_ring,
            ..Answer::short(&[length])
        };
        assert_eq!(
            answer.message(place, &area),
            Message::received(&[]),
            "{length}"
        );
    }
    let mut answer = Answer::short(&[1, 2, 3]);
    answer.length = usize::MAX;
    assert_eq!(answer.message(0, &area), Message::received(&[]));
}

#[test]
fn any_words_are_answered_and_the_other_client_goes_on() {
    let server = Server::new();
    let mut other = files(&server, 2);
    let file = other.create("/tmp/kept", BOTH, 0o600).unwrap();
    other.write(&file, 0, &bytes(500, 1)).unwrap();
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state >> 11
    };
    for round in 0..20_000 {
        let words: Vec<u64> = (0..round % 9)
            .map(|index| match (index, next() % 4) {
                (0, _) => (next() % 24) | ((next() % 20) << 32),
                (_, 0) => ((next() % 16) << 32) | (next() % RING as u64),
                (_, 1) => u64::MAX,
                _ => next(),
            })
            .collect();
        // What lies in the ring, header included, is the attacker's as well.
        server.rings[0]
            .byte(next() as usize)
            .store(next() as u8, std::sync::atomic::Ordering::Relaxed);
        server.rings[0].0.0[next() as usize % 8]
            .store(next(), std::sync::atomic::Ordering::Relaxed);
        assert!(server.with(|process| process.serve(1, &words)).length > 0);
    }
    let mut found = [0; 500];
    assert_eq!(other.read(&file, 0, &mut found), Ok(500));
    assert_eq!(found[..], bytes(500, 1)[..]);
}

#[test]
fn what_a_client_held_is_given_back_when_it_is_replaced_or_said_to_be_gone() {
    let server = Server::new();
    let mut watcher = files(&server, 2);
    let free = watcher.room("/tmp").unwrap().free;
    let hold = || {
        let mut client = files(&server, 1);
        let file = client.create("/tmp/held", BOTH, 0o644).unwrap();
        client.write(&file, 0, &[1; 10 * 4096]).unwrap();
        client.remove("/tmp/held", false).unwrap();
    };
    for _ in 0..5 {
        hold();
        assert_eq!(watcher.room("/tmp").unwrap().free, free - 10);
    }
    server.with(|process| process.ended(1 << 1));
    assert_eq!(
        watcher.stat("/tmp").map(|_| ()),
        Err(FileError::EBADF),
        "the watcher's own"
    );
    server.with(|process| process.ended(1 | 1 << 63));
    let mut watcher = files(&server, 2);
    assert_eq!(watcher.room("/tmp").unwrap().free, free);
}

#[test]
fn a_client_at_its_limit_of_handles_takes_none_from_the_other() {
    let server = Server::new();
    let (mut one, mut two) = (files(&server, 1), files(&server, 2));
    let made = one.create("/tmp/a", BOTH, 0o644).unwrap();
    let open: Vec<_> = (0..20).map(|_| one.open("/tmp/a", BOTH)).collect();
    assert_eq!(open.last(), Some(&Err(FileError::EMFILE)));
    assert_eq!(one.write(&made, 0, b"x"), Ok(1));
    assert!(two.open("/tmp/a", BOTH).is_ok());
    let client = two.connection(16).unwrap();
    assert_eq!(
        client.getattr(Handle(12)).map(|_| ()),
        Err(FileError::EBADF)
    );
}

#[test]
fn clients_apart_see_a_tree_of_their_own() {
    let server = Server::new();
    server.start(2);
    let (mut one, mut two) = (files(&server, 1), files(&server, 2));
    one.create("/tmp/a", BOTH, 0o644).unwrap();
    assert_eq!(two.stat("/tmp/a").map(|_| ()), Err(FileError::ENOENT));
    let full = one.create("/tmp/full", BOTH, 0o644).unwrap();
    assert_eq!(one.write(&full, 0, &[1; 65 * 4096]), Ok(64 * 4096));
    let file = two.create("/tmp/b", BOTH, 0o644).unwrap();
    assert_eq!(
        two.write(&file, 0, b"x"),
        Ok(1),
        "the other's memory is its own"
    );
}
