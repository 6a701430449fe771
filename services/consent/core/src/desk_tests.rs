//! The desk with a host, programs and a device server that are the test.
use super::*;
use crate::{Answer, Register, Resource};
use alloc::vec;
use sundog_protocols::consent::DEVICE_BADGE;
use sundog_protocols::control::{By, Message, Part};

const NOW: u64 = 5 * SECOND;

fn desk() -> Desk {
    let arguments = ["sandbox=1:linux", "device=serial:1:serial", "trace"];
    let given = Given::parse(arguments.iter().map(|argument| argument.as_bytes())).unwrap();
    Desk::new(given, 0)
}

fn tell(desk: &mut Desk, message: &ToMachine) {
    let mut bytes = vec![];
    message.encode(&mut bytes).unwrap();
    desk.control(&bytes, NOW);
}

fn terminals() -> ToMachine {
    ToMachine::Terminals {
        input: true,
        output: true,
        error: true,
    }
}

fn ready() -> Desk {
    let mut desk = desk();
    tell(&mut desk, &terminals());
    desk
}

fn open(instance: &str) -> Words {
    let open = Open {
        resource: Resource::Serial,
        instance: instance.into(),
        number: 3,
        program_hash: [1; 32],
        program: "/bin/asker".into(),
    };
    open.encode().unwrap()
}

fn acts(desk: &mut Desk) -> Vec<Act> {
    core::iter::from_fn(|| desk.next_act()).collect()
}

fn lines(acts: &[Act]) -> Vec<&str> {
    let traced = acts.iter().filter_map(|act| match act {
        Act::Send(ToHost::Trace(line)) => Some(line.as_str()),
        _ => None,
    });
    traced.collect()
}

/// The question that was asked.
fn question(acts: &[Act]) -> u64 {
    let mut asked = acts.iter().filter_map(|act| match act {
        Act::Send(ToHost::Prompt(prompt)) => Some(prompt.id),
        _ => None,
    });
    asked.next().unwrap()
}

fn answer(desk: &mut Desk, id: u64, answer: Answer) {
    let by = By::Typed;
    tell(
        desk,
        &ToMachine::Answer {
            id,
            answer,
            by,
            rate: 0,
        },
    );
}

fn delivery(acts: &[Act]) -> Delivery {
    let mut deliveries = acts.iter().filter_map(|act| match act {
        Act::Deliver(delivery) => Some(delivery.clone()),
        _ => None,
    });
    deliveries.next().unwrap()
}

fn numbers(label: u64, numbers: &[u64]) -> Words {
    let mut words = Words::new(label);
    for number in numbers {
        words.push(*number).unwrap();
    }
    words
}

#[test]
fn the_conversation_of_the_essay() {
    let mut desk = ready();
    desk.request(3, 1, &open("1"), NOW);
    let mut all = acts(&mut desk);
    let id = question(&all);
    answer(&mut desk, id, Answer::Once);
    let answered = acts(&mut desk);
    let delivered = delivery(&answered);
    assert_eq!((delivered.ticket, delivered.device), (3, 0));
    let grant = delivered.order.grant;
    assert_eq!(
        Opened::decode(&delivered.words).unwrap().unwrap().grant,
        grant
    );
    all.extend(answered);
    desk.request(0, DEVICE_BADGE, &numbers(label::USED, &[grant, 6]), NOW);
    all.extend(acts(&mut desk));
    tell(&mut desk, &ToMachine::Revoke { grant });
    all.extend(acts(&mut desk));
    assert!(all.contains(&Act::Revoke { device: 0, grant }));
    let begins = [
        "ipc: program -> consent: open serial +1 [sandbox 1, ",
        "ipc: consent -> person: ask serial +1 [question 1: ",
        "ipc: person -> consent: answer once [question 1, ",
        "ipc: consent -> program: endpoint(record) [",
        "ipc: program -> handler: record [",
        "ipc: person -> consent: revoke [",
        "ipc: consent -> handler: revoke [",
    ];
    let lines = lines(&all);
    assert_eq!(lines.len(), begins.len(), "{lines:?}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    desk.request(0, DEVICE_BADGE, &numbers(label::USED, &[grant, 6]), NOW);
    assert!(acts(&mut desk).contains(&Act::Reply(0, Refusal::Revoked.encode())));
}

#[test]
fn a_withdrawn_request_is_answered_and_the_question_is_gone() {
    let mut desk = ready();
    desk.request(3, 1, &open("1"), NOW);
    let id = question(&acts(&mut desk));
    desk.request(4, 1, &numbers(label::WITHDRAW, &[3]), NOW);
    let all = acts(&mut desk);
    assert!(all.contains(&Act::Send(ToHost::PromptGone { id })));
    assert!(all.contains(&Act::Reply(3, Refusal::Denied.encode())));
    assert!(all.contains(&Act::Reply(4, Words::new(0))));
    assert!(lines(&all)[0].starts_with("ipc: program -> consent: withdraw [sandbox 1, request 3]"));
}

#[test]
fn a_child_s_device_wakes_the_sandbox_of_init_s_that_it_is_within() {
    let mut desk = ready();
    let child = Register {
        badge: 0,
        parent: 1,
        manifest: [0; 32],
        interactive: false,
        name: "child".into(),
        tag: String::new(),
    };
    desk.request(0, 1, &child.encode().unwrap(), NOW);
    let badge = acts(&mut desk).iter().find_map(|act| match act {
        Act::Endpoint(0, _, badge) => Some(*badge),
        _ => None,
    });
    let badge = badge.unwrap();
    desk.request(1, badge, &open("1"), NOW);
    let id = question(&acts(&mut desk));
    answer(&mut desk, id, Answer::Once);
    let delivered = delivery(&acts(&mut desk));
    assert_eq!((delivered.badge, delivered.order.sandbox), (badge, 1));
}

#[test]
fn requests_wait_for_the_configuration_which_counts() {
    let mut desk = desk();
    desk.request(0, 1, &open("1"), NOW);
    assert_eq!(acts(&mut desk), []);
    tell(
        &mut desk,
        &ToMachine::Configure {
            part: Part::Allow,
            name: "--allow".into(),
            text: "serial1=run".into(),
            last: true,
        },
    );
    tell(&mut desk, &ToMachine::Clock { unix: 1_000_000 });
    assert_eq!(acts(&mut desk), []);
    tell(&mut desk, &terminals());
    let acts = acts(&mut desk);
    assert_eq!(delivery(&acts).ticket, 0);
    let logged = acts.iter().any(
        |act| matches!(act, Act::Send(ToHost::Log(line)) if line.contains("1970-01-12T13:46:40") || line.contains("1000000")),
    );
    assert!(logged, "{acts:?}");
}

#[test]
fn without_a_host_everything_is_denied() {
    let mut desk = desk();
    for ticket in 0..=MAX_EARLY {
        desk.request(ticket, 1, &open("1"), 1);
    }
    assert_eq!(
        acts(&mut desk),
        [Act::Reply(MAX_EARLY, Refusal::Exhausted.encode())]
    );
    let end = desk.deadline().unwrap();
    desk.tick(end - 1);
    assert_eq!(acts(&mut desk), []);
    desk.tick(end);
    let acts = acts(&mut desk);
    for ticket in 0..MAX_EARLY {
        assert!(acts.contains(&Act::Reply(ticket, Refusal::Denied.encode())));
    }
    assert_eq!(desk.deadline(), None);
}

#[test]
fn a_mistake_in_the_configuration_denies_everything() {
    let mut desk = desk();
    for text in ["serial1=run", "serail1"] {
        tell(
            &mut desk,
            &ToMachine::Configure {
                part: Part::Allow,
                name: "--allow".into(),
                text: text.into(),
                last: true,
            },
        );
    }
    tell(&mut desk, &terminals());
    assert!(lines(&acts(&mut desk)).len() >= 2);
    desk.request(0, 1, &open("1"), NOW);
    assert!(acts(&mut desk).contains(&Act::Reply(0, Refusal::Denied.encode())));
}

#[test]
fn a_device_that_is_not_there_is_absent_and_leaves_no_grant() {
    let mut desk = ready();
    desk.request(4, 1, &open("9"), NOW);
    let id = question(&acts(&mut desk));
    answer(&mut desk, id, Answer::Run);
    let acts = acts(&mut desk);
    assert!(acts.contains(&Act::Reply(4, Refusal::Absent.encode())));
    assert!(!acts.iter().any(|act| matches!(act, Act::Deliver(_))));
    tell(&mut desk, &ToMachine::ListGrants);
    let listed = super::tests::acts(&mut desk);
    assert!(matches!(&listed[..], [Act::Send(ToHost::Grants { list, .. })] if list.is_empty()));
}

#[test]
fn a_reply_that_reaches_nobody_takes_the_grant_back() {
    let mut desk = ready();
    desk.request(4, 1, &open("1"), NOW);
    let id = question(&acts(&mut desk));
    answer(&mut desk, id, Answer::Black);
    let delivered = delivery(&acts(&mut desk));
    assert!(delivered.order.black);
    desk.lost(&delivered, NOW);
    let grant = delivered.order.grant;
    assert!(acts(&mut desk).contains(&Act::Revoke { device: 0, grant }));
}

#[test]
fn strangers_and_noise_get_nothing() {
    let mut desk = ready();
    desk.request(0, 2, &open("1"), NOW);
    assert!(acts(&mut desk).contains(&Act::Reply(0, Refusal::Forbidden.encode())));
    desk.control(&[0xf5, 0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], NOW);
    desk.control(&[0; 64], NOW);
    assert!(
        lines(&acts(&mut desk))
            .iter()
            .all(|line| line.starts_with("consent: "))
    );
}
