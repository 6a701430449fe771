//! Every example of `docs/policy.md`: its rules are read, and opens under them do what the page says.
use super::*;
use crate::policy;
use alloc::vec::Vec;
use sundog_protocols::consent::Narrow;

/// A block of the page: what stands behind its fence, and its lines.
struct Block<'a> {
    kind: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let parts: Vec<&str> = page.split("```").collect();
    assert!(parts.len() % 2 == 1, "a fence is open");
    let inside = parts.into_iter().skip(1).step_by(2);
    inside
        .map(|part| {
            let (kind, text) = part.split_once('\n').unwrap();
            Block { kind, text }
        })
        .collect()
}

/// A broker with the policy, and with a sandbox within that is narrowed by the other one; the badge of the sandbox that opens.
fn world(policy: &str, within: Option<&str>, person: bool) -> (Broker, u64) {
    let policy = Policy::parse(&[("page", policy)]).unwrap();
    let mut broker = Broker::new(policy, Ok(Store::default()), person);
    let outer = Register {
        tag: "call".into(),
        ..sandbox(1, false)
    };
    broker.register(CONTROL_BADGE, &outer).unwrap();
    let Some(within) = within else {
        return (broker, 1);
    };
    let child = Register {
        parent: 0,
        tag: String::new(),
        ..sandbox(0, false)
    };
    let badge = broker.register(1, &child).unwrap();
    let rules = Policy::parse_within("page", within).unwrap();
    for rule in rules.rules() {
        let narrow = Narrow {
            badge,
            option: false,
            line: 1,
            rule: rule.to_string(),
        };
        broker.narrow(1, &narrow).unwrap();
    }
    (broker, badge)
}

/// What an open comes to, in the page's words.
fn outcome(broker: &mut Broker, badge: u64, request: &str) -> String {
    let words: Vec<&str> = request.split_whitespace().collect();
    let [resource, instance, program] = words[..] else {
        panic!("{request} is no open")
    };
    let open = Open {
        resource: Resource::from_name(resource).unwrap(),
        instance: instance.trim_start_matches('+').into(),
        number: 0,
        program_hash: [program.len() as u8; 32],
        program: program.into(),
    };
    match broker.open(badge, &open, T0) {
        Reply::Refused(_) => "deny".into(),
        Reply::Waiting(id) => {
            let effects = broker.take_effects();
            let offered = effects.iter().find_map(|effect| match effect {
                Effect::Prompt(prompt) => Some(prompt.offered),
                _ => None,
            });
            let offered = offered.unwrap();
            broker.answer(id, Answer::Deny, By::Escape, 0, T0);
            let words = Answer::ALL
                .into_iter()
                .filter(|answer| offered.contains(*answer));
            words.fold("ask".to_string(), |text, answer| {
                format!("{text} {}", answer.word())
            })
        }
        Reply::Opened(opened) if opened.answer == Answer::Black => "black".into(),
        Reply::Opened(opened) => {
            let grant = broker.granted(opened.grant, T0).unwrap();
            let mut text = format!("allow {}", opened.answer.word());
            if opened.rate > 0 {
                text += &format!(" rate={}", opened.rate);
            }
            if let Some(expires) = grant.expires {
                text += &format!(" expires={}", (expires - T0.monotonic) / SECOND);
            }
            text
        }
    }
}

/// The page, or a mistake in it as a panic; how many examples there were.
fn check(page: &str) -> usize {
    let (mut policy, mut within) = ("", None);
    let mut examples = 0;
    for Block { kind, text } in blocks(page) {
        let pairs = text.lines().map(|line| {
            line.split_once(" -> ")
                .unwrap_or_else(|| panic!("{line} has no arrow"))
        });
        match kind {
            "policy" => (policy, within) = (text, None),
            "policy within" => within = Some(text),
            "result" | "result nobody" => {
                let (mut broker, badge) = world(policy, within, kind == "result");
                for (request, expected) in pairs {
                    assert_eq!(outcome(&mut broker, badge, request), expected, "{request}");
                    examples += 1;
                }
            }
            "mistake" => {
                let read = match within {
                    Some(text) => Policy::parse_within("page", text),
                    None => Policy::parse(&[("page", policy)]),
                };
                let mistakes = read.unwrap_err();
                let pairs: Vec<_> = pairs.collect();
                assert_eq!(mistakes.len(), pairs.len());
                let source: Vec<&str> = within.unwrap_or(policy).lines().collect();
                for (mistake, (line, expected)) in mistakes.iter().zip(pairs) {
                    assert_eq!(source[mistake.line - 1], line);
                    let told = mistake.to_string();
                    let start = format!("page:{expected}");
                    assert!(told.starts_with(&start), "{told}, not {start}");
                    examples += 1;
                }
            }
            "options" => {
                for (option, expected) in pairs {
                    let (name, spec) = option.split_once(' ').unwrap();
                    let rule = match name {
                        "--allow" => policy::allow(spec),
                        "--deny" => policy::deny(spec),
                        _ => panic!("{name} is no option of the page"),
                    };
                    let told = match rule {
                        Ok(rule) => rule.to_string(),
                        Err(mistake) => mistake.problem,
                    };
                    assert_eq!(told, expected, "{option}");
                    examples += 1;
                }
            }
            _ => panic!("a block of kind {kind:?}"),
        }
    }
    examples
}

#[test]
fn every_example_of_the_page_does_what_it_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/policy.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(check(&page) > 40);
}

#[test]
fn a_page_that_says_something_else_is_noticed() {
    for (kind, line) in [
        ("result", "serial +1 /bin/cat -> deny"),
        ("result", "serial +1 /bin/cat -> allow run rate=5"),
        ("mistake", "serial +1 * allow -> 1:1: a mistake"),
        ("options", "--allow serial1 -> serial +1 * deny"),
    ] {
        let page = format!("```policy\nserial +1 * allow\n```\n```{kind}\n{line}\n```\n");
        let checked = std::panic::catch_unwind(|| check(&page));
        assert!(checked.is_err(), "{page}");
    }
}
