//! Areas: copies that messages name, and sides that are replaced.

use super::Simulated;
use crate::{Area, Memory, Word};
use std::sync::atomic::Ordering;

#[test]
fn copies_lie_across_the_end_and_never_outside() {
    let memory = Simulated::new(16);
    let (client, server) = (Area::client(memory.clone()), Area::server(memory));
    assert!(client.copy_in(13, b"abcdef"));
    let mut found = [0; 6];
    assert!(server.copy_out(13, &mut found));
    assert_eq!(&found, b"abcdef");
    let mut start = [0; 3];
    assert!(server.copy_out(0, &mut start));
    assert_eq!(&start, b"def");
    assert!(client.copy_in(15, &[7; 16]), "all of it, from any place on");
    for (offset, length) in [
        (16, 0),
        (16, 1),
        (0, 17),
        (usize::MAX, 1),
        (1, usize::MAX >> 40),
    ] {
        assert!(
            !server.copy_out(offset, &mut std::vec![0; length]),
            "{offset} {length}"
        );
        assert!(
            !client.copy_in(offset, &std::vec![0; length]),
            "{offset} {length}"
        );
    }
}

#[test]
fn each_side_is_told_once_that_the_other_was_replaced() {
    let memory = Simulated::new(16);
    // The order in which the two begin is nobody's choice.
    let mut server = Area::server(memory.clone());
    let mut client = Area::client(memory.clone());
    assert!(!server.restarted() && !client.restarted());
    let mut second = Area::server(memory.clone());
    assert!(client.restarted() && !client.restarted());
    assert!(!second.restarted());
    let _third = Area::client(memory.clone());
    assert!(second.restarted() && !second.restarted());
    // A client that lies about it ends its own session and nothing else.
    memory
        .word(Word::ProducerStarts)
        .store(u64::MAX, Ordering::Relaxed);
    assert!(second.restarted() && !second.restarted());
}
