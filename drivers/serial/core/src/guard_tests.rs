//! Tests of grants: who gets which bytes, and what is left after a revoke.

use super::*;
use crate::buffer::BUFFER;
use crate::fake::Fake;
use crate::uart::Settings;
use std::vec::Vec;
use sundog_protocols::serial::encode_number;

const SECOND: u64 = 1000;
const A: u64 = 0x1_0000;
const B: u64 = 0x1_0001;

fn guard() -> Guard<Fake> {
    Guard::new(
        Uart::start(Fake::default(), Settings::default()).expect("a device"),
        SECOND,
    )
}

fn open(guard: &mut Guard<Fake>, grant: u64, rate: u64, black: bool) -> usize {
    let words = Open { grant, rate, black }.encode().expect("short");
    match guard.request(BROKER, &words, 0) {
        Outcome::Grant(_, badge, place) if badge == grant => place,
        other => panic!("{other:?}"),
    }
}

fn send(guard: &mut Guard<Fake>, bytes: &[u8]) {
    guard.uart().ports().received.extend(bytes);
    guard.interrupt().expect("ports");
}

fn record(guard: &mut Guard<Fake>, badge: u64, most: u64, now: u64) -> Result<Vec<u8>, Failure> {
    let words = encode_number(label::RECORD, most).expect("short");
    match guard.request(badge, &words, now) {
        Outcome::Reply(words) => Recorded::decode(&words)
            .expect("a reply")
            .map(|recorded| recorded.0),
        other => panic!("{other:?}"),
    }
}

fn failure(outcome: Outcome) -> Option<Failure> {
    match outcome {
        Outcome::Reply(words) => Failure::from_number(words.label()),
        _ => None,
    }
}

#[test]
fn only_holders_get_bytes_and_only_those_after_they_were_let_in() {
    let mut guard = guard();
    send(&mut guard, b"before");
    open(&mut guard, A, 0, false);
    assert_eq!(record(&mut guard, A, 10, 0), Err(Failure::Empty));
    send(&mut guard, b"one");
    open(&mut guard, B, 0, false);
    send(&mut guard, b"two");
    assert_eq!(record(&mut guard, A, 4, 0).as_deref(), Ok(&b"onet"[..]));
    assert_eq!(record(&mut guard, A, 99, 0).as_deref(), Ok(&b"wo"[..]));
    assert_eq!(record(&mut guard, B, 99, 0).as_deref(), Ok(&b"two"[..]));
    for stranger in [0, BROKER, 2, 77] {
        assert_eq!(record(&mut guard, stranger, 1, 0), Err(Failure::Revoked));
    }
}

#[test]
fn only_the_broker_orders() {
    let mut guard = guard();
    open(&mut guard, A, 0, false);
    let order = Open {
        grant: B,
        rate: 0,
        black: false,
    }
    .encode()
    .expect("short");
    let revoke = encode_number(label::REVOKE, A).expect("short");
    for badge in [0, A, B, 2] {
        assert_eq!(
            failure(guard.request(badge, &order, 0)),
            Some(Failure::Forbidden)
        );
        assert_eq!(
            failure(guard.request(badge, &revoke, 0)),
            Some(Failure::Forbidden)
        );
    }
    for grant in [BROKER, A] {
        let order = Open {
            grant,
            rate: 0,
            black: false,
        }
        .encode()
        .expect("short");
        assert_eq!(
            failure(guard.request(BROKER, &order, 0)),
            Some(Failure::Malformed),
            "the badge is somebody's"
        );
    }
    assert_eq!(
        failure(guard.request(BROKER, &Words::new(12345), 0)),
        Some(Failure::Malformed)
    );
}

#[test]
fn a_revoke_wipes_at_once_and_the_place_waits_for_the_clean_up() {
    let mut guard = guard();
    let places: Vec<usize> = (0..MAX_GRANTS as u64)
        .map(|index| open(&mut guard, A + index, 0, false))
        .collect();
    let order = Open {
        grant: 99,
        rate: 0,
        black: false,
    }
    .encode()
    .expect("short");
    assert_eq!(
        failure(guard.request(BROKER, &order, 0)),
        Some(Failure::Exhausted)
    );
    send(&mut guard, b"secret");
    let revoke = encode_number(label::REVOKE, A + 3).expect("short");
    let cleanup = Cleanup { place: places[3] };
    assert_eq!(
        guard.request(BROKER, &revoke, 0),
        Outcome::Revoke(Words::new(0), cleanup)
    );
    assert_eq!(record(&mut guard, A + 3, 10, 0), Err(Failure::Revoked));
    assert_eq!(
        failure(guard.request(BROKER, &revoke, 0)),
        Some(Failure::Revoked)
    );
    assert_eq!(
        failure(guard.request(BROKER, &order, 0)),
        Some(Failure::Exhausted),
        "not clean yet"
    );
    guard.cleaned(cleanup);
    assert_eq!(open(&mut guard, A + 3, 0, false), places[3]);
    assert_eq!(
        record(&mut guard, A + 3, 10, 0),
        Err(Failure::Empty),
        "nothing of before"
    );
    assert_eq!(record(&mut guard, A, 10, 0).as_deref(), Ok(&b"secret"[..]));
}

#[test]
fn a_grant_whose_capability_failed_is_gone() {
    let mut guard = guard();
    let place = open(&mut guard, A, 0, false);
    assert_eq!(
        Failure::from_number(guard.failed(place).label()),
        Some(Failure::Exhausted)
    );
    assert_eq!(record(&mut guard, A, 1, 0), Err(Failure::Revoked));
}

#[test]
fn a_black_grant_hears_silence() {
    let mut guard = guard();
    open(&mut guard, A, 0, true);
    send(&mut guard, b"secret");
    assert_eq!(record(&mut guard, A, 99, 0).as_deref(), Ok(&[0; 6][..]));
}

#[test]
fn a_rate_limits_bytes_a_second() {
    let mut guard = guard();
    open(&mut guard, A, 10, false);
    send(&mut guard, &[7; 100]);
    assert_eq!(
        record(&mut guard, A, 99, 0).map(|bytes| bytes.len()),
        Ok(10)
    );
    assert_eq!(record(&mut guard, A, 99, 99), Err(Failure::Limited));
    assert_eq!(
        record(&mut guard, A, 99, 300).map(|bytes| bytes.len()),
        Ok(3)
    );
    assert_eq!(
        record(&mut guard, A, 99, 100_000).map(|bytes| bytes.len()),
        Ok(10),
        "no hoarding"
    );
}

#[test]
fn one_that_does_not_read_loses_bytes_and_holds_up_nobody() {
    let mut guard = guard();
    open(&mut guard, A, 0, false);
    open(&mut guard, B, 0, false);
    for _ in 0..20 {
        send(&mut guard, &[1; 400]);
        assert_eq!(
            record(&mut guard, B, 400, 0).map(|bytes| bytes.len()),
            Ok(400)
        );
    }
    let mut left = 0;
    while let Ok(bytes) = record(&mut guard, A, 400, 0) {
        left += bytes.len();
    }
    assert_eq!(left, BUFFER);
}

#[test]
fn use_is_reported_in_full() {
    let mut guard = guard();
    open(&mut guard, A, 0, false);
    send(&mut guard, b"12345");
    record(&mut guard, A, 3, 0).expect("bytes");
    assert_eq!(guard.used(), Some((A, 3)));
    record(&mut guard, A, 3, 0).expect("bytes");
    guard.reported(A, 3);
    assert_eq!(guard.used(), Some((A, 2)));
    guard.reported(A, 2);
    assert_eq!(guard.used(), None);
}

#[test]
fn a_badge_is_told_to_anybody() {
    let mut guard = guard();
    match guard.request(42, &Words::new(label::BADGE), 0) {
        Outcome::Reply(words) => assert_eq!((words.label(), decode_number(&words)), (0, Ok(42))),
        other => panic!("{other:?}"),
    }
}
