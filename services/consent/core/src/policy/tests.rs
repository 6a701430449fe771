//! Tests of the policy: what it means, what it refuses, and that a damaged one is never half understood.
use super::*;
use crate::random::Random;
use alloc::format;
use alloc::string::ToString;

const GOOD: &str = "\
# devices
camera +0 @tag:call allow scope=run rate=20M
serial\t+1  @manifest:0101010101010101010101010101010101010101010101010101010101010101,/usr/bin/cat allow scope=once notify=yes

network +example.org:443 * ask scope=once default=black expires=7d
microphone * /opt/chat/* deny notify=no
* * * blackhole
";

fn subject<'a>(resource: Resource, instance: &'a str, tag: &'a str, path: &'a str) -> Subject<'a> {
    Subject {
        resource,
        instance,
        manifest: &[1; 32],
        tag,
        path,
    }
}

fn found(policy: &Policy, subject: Subject<'_>) -> Option<Origin> {
    policy
        .find(&subject, |_| false)
        .map(|(_, rule)| rule.origin.clone())
}

fn line(number: usize) -> Option<Origin> {
    Some(Origin::File("a".into(), number))
}

#[test]
fn the_first_match_wins() {
    let policy = Policy::parse(&[("a", GOOD)]).unwrap();
    assert_eq!(
        found(&policy, subject(Resource::Camera, "0", "call", "/x")),
        line(2)
    );
    assert_eq!(
        found(&policy, subject(Resource::Camera, "1", "call", "/x")),
        line(7)
    );
    assert_eq!(
        found(&policy, subject(Resource::Camera, "0", "", "/x")),
        line(7)
    );
    assert_eq!(
        found(&policy, subject(Resource::Serial, "1", "", "/usr/bin/cat")),
        line(3)
    );
    assert_eq!(
        found(&policy, subject(Resource::Serial, "1", "", "/usr/bin/cats")),
        line(7)
    );
    assert_eq!(
        found(
            &policy,
            subject(Resource::Microphone, "0", "", "/opt/chat/bin/x")
        ),
        line(6)
    );
    assert_eq!(
        found(
            &policy,
            subject(Resource::Microphone, "0", "", "/opt/chat/../x")
        ),
        line(7)
    );
    let rules = policy.rules();
    assert_eq!(rules[0].rate, Some(20_000_000));
    assert_eq!(rules[2].expires, Some(7 * 86400));
    assert!(rules[4].notifies() && !rules[3].notifies() && !rules[0].notifies());
    assert!(
        Policy::parse(&[])
            .unwrap()
            .find(&subject(Resource::Usb, "1", "", "/"), |_| false)
            .is_none()
    );
}

#[test]
fn a_mistake_says_where_and_what_to_write() {
    for (text, place, instead) in [
        ("camra * * deny\n", "1:1", "camera, microphone"),
        ("camera 0 * deny\n", "1:8", "+0 for this one"),
        ("camera * @manifest:12 deny\n", "1:10", "64 digits"),
        ("camera * cat deny\n", "1:10", "/usr/bin/cat"),
        ("camera * /a/../b deny\n", "1:10", "/usr/bin/cat"),
        (
            "camera * /bin/cat allow\n",
            "1:10",
            "@manifest:HASH,/bin/cat",
        ),
        ("camera * /bin/cat,/bin/dog deny\n", "1:10", "one path"),
        (
            "camera * * permit\n",
            "1:12",
            "allow, deny, ask or blackhole",
        ),
        (
            "camera * * allow scope=run scope=run\n",
            "1:28",
            "one scope=",
        ),
        ("camera * * allow until=now\n", "1:18", "scope, default"),
        ("camera * * deny scope=run\n", "1:17", "without it"),
        ("camera * * allow default=deny\n", "1:18", "without it"),
        ("camera * * ask default=allow\n", "1:16", "default=deny"),
        ("camera * * allow notify=1\n", "1:18", "notify=yes"),
        ("camera * * allow rate=1x\n", "1:18", "rate=20k"),
        ("camera * * allow rate=99999999999G\n", "1:18", "rate=20k"),
        ("camera * * allow expires=7\n", "1:18", "expires=7d"),
        ("\n\ncamera * *\n", "3:11", "RESOURCE +INSTANCE"),
        ("camera * * d\u{435}ny\n", "1:13", "ASCII"),
        ("camera * * deny", "1:1", "line break"),
    ] {
        let mistakes = Policy::parse(&[("good", GOOD), ("p", text)]).unwrap_err();
        let message = mistakes[0].to_string();
        assert_eq!(mistakes.len(), 1, "{message}");
        assert!(message.starts_with(&format!("p:{place}: ")), "{message}");
        assert!(
            message.contains("; write ") && message.contains(instead),
            "{message}"
        );
    }
}

#[test]
fn bounds_hold() {
    assert!(Policy::parse(&[("p", &"#".repeat(MAX_FILE + 1))]).is_err());
    assert!(Policy::parse(&[("p", &format!("#{}\n", "x".repeat(MAX_LINE)))]).is_err());
    assert!(Policy::parse(&[("p", &"* * * deny\n".repeat(MAX_RULES))]).is_ok());
    assert!(Policy::parse(&[("p", &"* * * deny\n".repeat(MAX_RULES + 1))]).is_err());
    assert!(
        Policy::parse(&[("p", &"bad\n".repeat(5000))])
            .unwrap_err()
            .len()
            <= 20
    );
}

#[test]
fn a_damaged_file_is_refused_or_says_just_what_it_says() {
    let canonical = |text: &str| -> Vec<Vec<String>> {
        let lines = text.lines().map(|line| {
            line.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        });
        lines
            .filter(|words| words.first().is_some_and(|word| !word.starts_with('#')))
            .collect()
    };
    // Written with the units that `write` uses, so that nothing but spaces and comments may differ.
    let text = format!("# c\n{}", Policy::parse(&[("a", GOOD)]).unwrap().write());
    let mut random = Random(11);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let mut bytes = text.clone().into_bytes();
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, random.next() as u8),
            3 => bytes[at] ^= 1 << random.below(8),
            _ => bytes.swap(at, (at + 1) % text.len()),
        }
        let Ok(mutant) = String::from_utf8(bytes) else {
            continue;
        };
        match Policy::parse(&[("a", &mutant)]) {
            Ok(policy) => {
                accepted += 1;
                assert_eq!(
                    canonical(&policy.write()),
                    canonical(&mutant),
                    "nothing may be overlooked"
                );
            }
            Err(mistakes) => {
                refused += 1;
                assert!(!mistakes.is_empty());
            }
        }
    }
    assert!(
        accepted > 100 && refused > 3000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn what_is_written_reads_the_same() {
    let policy = Policy::parse(&[("a", GOOD)]).unwrap();
    let again = Policy::parse(&[("a", &policy.write())]).unwrap();
    assert_eq!(again.write(), policy.write());
}

#[test]
fn options_are_rules() {
    let rule = allow("serial1=once").unwrap();
    assert_eq!(
        (rule.resource, rule.instance.as_deref()),
        (Some(Resource::Serial), Some("1"))
    );
    assert_eq!(
        (rule.action, rule.scope),
        (Action::Allow, Some(Scope::Once))
    );
    assert_eq!(allow("camera").unwrap().scope, Some(Scope::Run));
    assert_eq!(
        allow("network+example.org:443=always")
            .unwrap()
            .instance
            .as_deref(),
        Some("example.org:443")
    );
    assert_eq!(allow("camera=ask").unwrap().action, Action::Ask);
    assert_eq!(allow("camera=black").unwrap().action, Action::Blackhole);
    assert_eq!(deny("microphone0").unwrap().action, Action::Deny);
    for (mistake, place, instead) in [
        (allow("camra").unwrap_err(), 1, "camera"),
        (allow("camera=yes").unwrap_err(), 8, "camera=once, run"),
        (allow("camera=deny").unwrap_err(), 8, "--deny camera"),
        (allow("camera=").unwrap_err(), 8, "camera=once"),
        (allow("camera+=once").unwrap_err(), 1, "letters, digits"),
        (allow("*").unwrap_err(), 1, "policy file"),
        (allow("").unwrap_err(), 1, "camera"),
        (deny("camera=once").unwrap_err(), 7, "--deny camera"),
    ] {
        assert_eq!(mistake.column, place, "{mistake}");
        assert!(mistake.to_string().contains(instead), "{mistake}");
    }
}

#[test]
fn the_option_for_a_device_allows_that_one() {
    for (resource, instance, spec) in [
        (Resource::Serial, "1", "serial1=once"),
        (Resource::Network, "host:443", "network+host:443=once"),
        (Resource::Usb, "1-2", "usb+1-2=once"),
    ] {
        assert_eq!(once(resource.name(), instance), spec);
        let rule = allow(spec).unwrap();
        assert_eq!(rule.resource, Some(resource));
        assert_eq!(rule.instance.as_deref(), Some(instance));
        assert_eq!(rule.scope, Some(Scope::Once));
    }
}

#[test]
fn a_denial_on_the_command_line_beats_everything() {
    let files = Policy::parse(&[("a", "camera * * allow\n")]).unwrap();
    let policy = files.with_command_line(
        alloc::vec![allow("camera").unwrap()],
        alloc::vec![deny("camera0").unwrap()],
    );
    let first = |instance| {
        policy
            .find(&subject(Resource::Camera, instance, "", "/"), |_| false)
            .unwrap()
            .1
            .action
    };
    assert_eq!((first("0"), first("1")), (Action::Deny, Action::Allow));
}
