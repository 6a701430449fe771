//! Tests of the start page: what goes in comes out, and hostile bytes are refused without a panic.

use super::*;
use std::vec::Vec;

fn example() -> Start<'static> {
    Start {
        free_first: 40,
        free_count: 200,
        untyped: 5,
        heap: 0x2000_0000..0x2010_0000,
        ticks_per_microsecond: 1000,
        arguments: std::vec![b"serial", b"", b"\xff\x00"],
        variables: std::vec![b"TERM=dumb", b"A=", b"AB=c=d"],
        capabilities: std::vec![("endpoint", 16), ("ports", 17)],
        names: std::vec![("/", 18, false), ("/", 19, true), ("/tmp", 20, true)],
        sealed: true,
    }
}

#[test]
fn what_goes_in_comes_out() {
    let bytes = example().encode().expect("short");
    assert_eq!(StartPage::total(&bytes), bytes.len());
    let mut padded = bytes.clone();
    padded.resize(4096, 0);
    let page = StartPage::decode(&padded).expect("a start page");
    assert_eq!(
        (page.free_first, page.free_count, page.untyped, page.sealed),
        (40, 200, 5, true)
    );
    assert_eq!(
        (page.heap.clone(), page.ticks_per_microsecond),
        (0x2000_0000..0x2010_0000, 1000)
    );
    assert_eq!(page.arguments().collect::<Vec<_>>(), example().arguments);
    assert_eq!(page.variables().collect::<Vec<_>>(), example().variables);
    assert_eq!(
        page.capabilities().collect::<Vec<_>>(),
        example().capabilities
    );
    assert_eq!(
        page.names()
            .map(|name| (name.prefix, name.slot, name.create))
            .collect::<Vec<_>>(),
        example().names
    );
    assert_eq!(page.variable("A"), Some(&b""[..]));
    assert_eq!(page.variable("AB"), Some(&b"c=d"[..]));
    assert_eq!(page.variable("TER"), None);
}

#[test]
fn an_empty_one_is_one_too() {
    let bytes = Start::default().encode().expect("short");
    let page = StartPage::decode(&bytes).expect("a start page");
    assert_eq!(
        (
            page.arguments().count(),
            page.names().count(),
            page.heap.is_empty()
        ),
        (0, 0, true)
    );
}

#[test]
fn too_much_and_twice_are_refused() {
    let long = std::vec![b'x'; TOTAL_BYTES];
    let start = Start {
        arguments: std::vec![&long],
        ..Start::default()
    };
    assert_eq!(start.encode(), Err(EncodeError::TooLong));
    let start = Start {
        capabilities: std::vec![("a", 1), ("b", 2), ("a", 3)],
        ..Start::default()
    };
    assert_eq!(start.encode(), Err(EncodeError::NameTwice));
}

#[test]
fn another_abi_version_is_told_apart() {
    let mut bytes = example().encode().expect("short");
    bytes[8] ^= 1;
    assert_eq!(StartPage::decode(&bytes), Err(StartError::AbiVersion));
    bytes[0] ^= 1;
    assert_eq!(StartPage::decode(&bytes), Err(StartError::NotAStartPage));
    assert_eq!(StartPage::total(&bytes), 0);
    assert_eq!(StartPage::decode(&[]), Err(StartError::NotAStartPage));
}

#[test]
fn every_cut_is_refused() {
    let bytes = example().encode().expect("short");
    for length in 0..bytes.len() {
        assert!(StartPage::decode(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn hostile_bytes_do_not_panic() {
    let good = example().encode().expect("short");
    let mut state = 3_u64;
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let index = (state >> 33) as usize % bytes.len();
            bytes[index] = [0, 1, 0x7f, 0x80, 0xff, (state >> 8) as u8][(state >> 20) as usize % 6];
        }
        StartPage::total(&bytes);
        if let Ok(page) = StartPage::decode(&bytes) {
            accepted += 1;
            let texts = page
                .arguments()
                .chain(page.variables())
                .map(<[u8]>::len)
                .sum::<usize>();
            let names = page.names().map(|name| name.prefix.len()).sum::<usize>();
            assert!(
                texts
                    + names
                    + page
                        .capabilities()
                        .map(|(name, _)| name.len())
                        .sum::<usize>()
                    < bytes.len() * 4
            );
        }
    }
    assert!(accepted > 0, "some damage is harmless");
}
