//! Tests of what Ctrl-] brings.
use super::*;

#[test]
fn ctrl_bracket_calls_lists_and_takes_away() {
    let mut rig = Rig::new();
    rig.press(b"ab\x1dcd");
    assert_eq!(
        (rig.forwarded.as_slice(), rig.console.state()),
        (b"ab".as_slice(), State::Attention)
    );
    assert!(rig.console.holds_output());
    rig.press(b"\x15grants\r");
    assert_eq!(rig.others, [Event::ListGrants]);
    let grant = Grant {
        id: 65537,
        badge: 7,
        program: "/bin/\u{1b}x".into(),
        resource: "serial".into(),
        instance: "1".into(),
        answer: Answer::Run,
        bytes: 9,
    };
    rig.console.grants(vec![grant.clone(); 16], false);
    rig.console.grants(vec![], true);
    assert!(rig.console.lines()[1].contains("65537  serial +1  run  /bin/\\u{1b}x  9 bytes"));
    rig.press(b"revoke 65537\r");
    assert_eq!(
        rig.others[1..],
        [Event::ListGrants, Event::Revoke(65537), Event::ListGrants]
    );
    // Only the machine's lists say whether it was there and whether it is gone.
    rig.console.grants(vec![grant.clone()], true);
    assert!(!rig.shows("Grant 65537"));
    rig.console.grants(vec![], true);
    assert!(rig.shows("Grant 65537 is taken back."));
    rig.press(b"grants\rrevoke 99999\r");
    rig.console.grants(vec![grant.clone()], true);
    assert!(!rig.shows("Grant "));
    rig.console.grants(vec![grant.clone()], true);
    rig.console.grants(vec![grant.clone()], true);
    assert!(rig.shows("There is no grant 99999") && !rig.shows("taken back"));
    rig.press(b"revoke 65537\r");
    rig.console.grants(vec![grant.clone()], true);
    rig.console.grants(vec![grant], true);
    assert!(rig.shows("Grant 65537 could not be taken back."));
    let before = rig.others.len();
    rig.press(b"revoke\r");
    assert!(rig.shows("`revoke` takes a number"));
    rig.press(b"revoke x\rnonsense\rhelp\r\r");
    assert_eq!(rig.others.len(), before);
    rig.press(b"stop\r");
    assert_eq!(
        (rig.others.last(), rig.console.state()),
        (Some(&Event::Stop), State::Idle)
    );
    for close in [b"close\r".as_slice(), b"\x1d", b"\x03"] {
        rig.press(b"\x1d");
        rig.press(close);
        assert_eq!(rig.console.state(), State::Idle);
    }
    rig.press(b"\x1dsend\r");
    assert_eq!(rig.forwarded, b"ab\x1d");
}

#[test]
fn ctrl_bracket_tells_real_questions_from_painted_ones() {
    let mut rig = Rig::asking();
    rig.press(b"\x1d");
    assert!(
        rig.console
            .lines()
            .iter()
            .any(|line| line.contains("Sundog's own"))
    );
    rig.press(b"once\r");
    let mut painted = Rig::new();
    painted.press(b"\x1d");
    assert!(
        painted
            .console
            .lines()
            .iter()
            .any(|line| line.contains("No question is waiting"))
    );
    painted.ask(prompt(4));
    assert_eq!(painted.console.state(), State::Attention);
    painted.press(b"once\r");
    assert!(painted.answers.is_empty());
    painted.press(b"close\r");
    assert_eq!(painted.console.state(), State::Armed);
}

#[test]
fn without_a_terminal_every_byte_is_the_programs() {
    let mut console = Console::new(24, 80, false, TIME_OUT);
    console.input(b"\x1d\x00\xff", 0);
    assert_eq!(
        console.take_events(),
        [Event::Forward(b"\x1d\x00\xff".to_vec())]
    );
}
