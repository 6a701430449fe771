//! Registering, with a service that is the test.

use super::*;
use alloc::vec;
use sundog_options::{Front, Request, parse};

/// What the service was asked, and what it answers, in order.
#[derive(Default)]
struct Fake {
    asked: Vec<Words>,
    answers: Vec<Option<(Words, bool)>>,
    given_up: usize,
}

impl Service for Fake {
    fn call(&mut self, request: &Words) -> Option<(Words, bool)> {
        self.asked.push(request.clone());
        self.answers.remove(0)
    }

    fn give_up(&mut self) {
        self.given_up += 1;
    }
}

fn plan(line: &str) -> Plan {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    match parse(Front::Sandbox, &words).request {
        Ok(Request::Run(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

fn fake(answers: &[Option<(&[u64], bool)>]) -> Fake {
    let words = |(words, came): (&[u64], bool)| (Words::from_slice(words).unwrap(), came);
    Fake {
        answers: answers.iter().map(|answer| answer.map(words)).collect(),
        ..Fake::default()
    }
}

#[test]
fn options_deny_and_never_allow() {
    let rules = denials(&plan("--deny serial1 --deny camera -- sh")).unwrap();
    let expected = [
        (true, 1, String::from("serial +1 * deny")),
        (true, 2, String::from("camera * * deny")),
    ];
    assert_eq!(rules, expected);
    for allowing in ["serial1", "serial1=once", "serial1=run", "serial1=always"] {
        let error = denials(&plan(&format!("--allow {allowing} -- sh"))).unwrap_err();
        assert!(error.contains("the person"), "{error}");
    }
    let error = denials(&plan("--deny serail1 -- sh")).unwrap_err();
    assert!(error.contains("serail"), "{error}");
}

#[test]
fn files_narrow_and_their_mistakes_are_told() {
    let text = b"# mine\nserial +1 /bin/cat ask scope=once\n\n* * * deny\n";
    let expected = [
        (false, 2, String::from("serial +1 /bin/cat ask scope=once")),
        (false, 4, String::from("* * * deny")),
    ];
    assert_eq!(file_rules("mine", text).unwrap(), expected);
    let error = file_rules("mine", b"serial +1 * allow\nnonsense\n").unwrap_err();
    assert!(error.contains("mine:1:") && error.contains("mine:2:"));
    assert!(error.contains("cannot allow"), "{error}");
    assert!(file_rules("mine", b"\xff\n").is_err());
}

#[test]
fn what_is_given_is_told_apart() {
    let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let all: [(Vec<Vec<u8>>, &[u8]); 4] = [
        (words(&["sandbox", "--", "sh"]), b""),
        (words(&["sandbox", "--s", "h"]), b""),
        (words(&["sandbox", "--"]), b"sh"),
        (words(&["sandbox", "--", "sh"]), b"x"),
    ];
    for (one, (arguments, policy)) in all.iter().enumerate() {
        for (other, (others, other_policy)) in all.iter().enumerate() {
            let hash = |words: &[Vec<u8>], policy| given(words.iter().map(Vec::as_slice), policy);
            let same = hash(arguments, policy) == hash(others, other_policy);
            assert_eq!(same, one == other);
        }
    }
}

#[test]
fn a_sandbox_is_registered_and_narrowed() {
    let mut service = fake(&[Some((&[0, 77], true)), Some((&[0], false))]);
    let rules = vec![(true, 1, String::from("* * * deny"))];
    assert_eq!(register(&mut service, 4, [5; 32], &rules), Ok(77));
    let asked = Register::decode(&service.asked[0]).unwrap();
    assert_eq!((asked.badge, asked.parent, asked.manifest), (0, 0, [5; 32]));
    assert_eq!((&*asked.name, &*asked.tag), ("sandbox 4", ""));
    let narrow = Narrow::decode(&service.asked[1]).unwrap();
    assert_eq!((narrow.badge, narrow.option, narrow.line), (77, true, 1));
    assert_eq!(service.given_up, 0);
}

#[test]
fn a_refusal_leaves_nothing() {
    let rules = vec![(false, 9, String::from("* * * deny"))];
    let full = Refusal::Exhausted as u64;
    let mut service = fake(&[Some((&[0, 77], true)), Some((&[full], false)), None]);
    let error = register(&mut service, 1, [0; 32], &rules).unwrap_err();
    assert!(error.contains("* * * deny") && error.contains("too many"));
    assert_eq!(service.asked[2].as_slice(), [label::UNREGISTER, 77]);
    assert_eq!(service.given_up, 1);
    for answer in [None, Some((&[full][..], false)), Some((&[0, 1], false))] {
        let mut service = fake(&[answer]);
        assert!(register(&mut service, 1, [0; 32], &rules).is_err());
        assert_eq!((service.asked.len(), service.given_up), (1, 0));
    }
    let long = vec![(false, 1, "x".repeat(1000))];
    let mut service = fake(&[Some((&[0, 77], true)), None]);
    assert!(register(&mut service, 1, [0; 32], &long).is_err());
    assert_eq!(service.given_up, 1);
}
