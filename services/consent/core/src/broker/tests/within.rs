//! Sandboxes within sandboxes: told apart, never wider than what is around them, and narrowed by their parents.
use super::*;
use sundog_protocols::consent::Narrow;

/// A child of `parent`, as that registers it, given something with this hash.
fn child(broker: &mut Broker, parent: u64, given: u8) -> u64 {
    let register = Register {
        parent: 0,
        name: format!("sandbox {given}"),
        tag: String::new(),
        ..sandbox(0, false)
    };
    let register = Register {
        manifest: [given; 32],
        ..register
    };
    broker.register(parent, &register).unwrap()
}

fn narrow(broker: &mut Broker, caller: u64, badge: u64, rule: &str) -> Result<(), Refusal> {
    let option = rule.ends_with("deny");
    let (line, rule) = (3, rule.into());
    let narrow = Narrow {
        badge,
        option,
        line,
        rule,
    };
    broker.narrow(caller, &narrow)
}

fn resolved(broker: &mut Broker, badge: u64, answer: Answer) -> Result<Opened, Refusal> {
    let Reply::Waiting(id) = broker.open(badge, &camera("0"), T0) else {
        panic!("it must ask")
    };
    assert!(broker.answer(id, answer, By::Typed, 0, T0));
    let resolved = broker.take_effects().into_iter().find_map(|effect| {
        if let Effect::Resolved(other, reply) = effect {
            (other == id).then_some(reply)
        } else {
            None
        }
    });
    resolved.unwrap()
}

fn opened(broker: &mut Broker, badge: u64) -> Opened {
    match broker.open(badge, &camera("0"), T0) {
        Reply::Opened(opened) => opened,
        reply => panic!("{reply:?}"),
    }
}

fn asks(broker: &mut Broker, badge: u64) -> bool {
    let Reply::Waiting(id) = broker.open(badge, &camera("0"), T0) else {
        return false;
    };
    assert!(broker.answer(id, Answer::Deny, By::Typed, 0, T0));
    true
}

#[test]
fn two_that_ask_at_once_are_told_apart() {
    let mut broker = broker("");
    let (one, other) = (child(&mut broker, 1, 1), child(&mut broker, 1, 2));
    let inner = child(&mut broker, other, 3);
    for badge in [one, inner] {
        assert!(matches!(
            broker.open(badge, &camera("0"), T0),
            Reply::Waiting(_)
        ));
    }
    let mut chains = Vec::new();
    let mut logs = String::new();
    for answer in [Answer::Run, Answer::Deny] {
        let effects = broker.take_effects();
        let prompt = effects.iter().find_map(|effect| match effect {
            Effect::Prompt(prompt) => Some(prompt.clone()),
            _ => None,
        });
        let prompt = prompt.unwrap();
        assert!(broker.answer(prompt.id, answer, By::Typed, 0, T0));
        chains.push((prompt.badge, prompt.chain));
        logs += &logged(&effects).concat();
    }
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(chains[0], (one, named(&["box", "sandbox 1"])));
    assert_eq!(
        chains[1],
        (inner, named(&["box", "sandbox 2", "sandbox 3"]))
    );
    logs += &logged(&broker.take_effects()).concat();
    assert!(logs.contains("\"via\":[\"box\",\"sandbox 1\"]"), "{logs}");
    assert!(logs.contains("\"via\":[\"box\",\"sandbox 2\",\"sandbox 3\"]"));
    // What one was answered is no answer for the other, nor for what is around it.
    assert!(matches!(
        broker.open(one, &camera("0"), T0),
        Reply::Opened(_)
    ));
    assert!(asks(&mut broker, inner) && asks(&mut broker, other) && asks(&mut broker, 1));
}

#[test]
fn nobody_acts_for_another_sandbox() {
    let mut broker = broker("");
    let (one, other) = (child(&mut broker, 1, 1), child(&mut broker, 1, 2));
    let grant = resolved(&mut broker, 1, Answer::Run).unwrap().grant;
    for (badge, caller) in [(1, one), (other, one), (one, one)] {
        let refused = Err(Refusal::Forbidden);
        assert_eq!(broker.unregister(caller, badge, T0), refused);
        assert_eq!(narrow(&mut broker, caller, badge, "* * * deny"), refused);
        if badge != caller {
            // To open as somebody else's child, one would need to be that one.
            let register = Register {
                parent: badge,
                tag: String::new(),
                ..sandbox(0, false)
            };
            let forbidden = Err(Refusal::Forbidden);
            assert_eq!(broker.register(caller, &register), forbidden);
        }
    }
    assert_eq!(broker.close(one, grant, T0), Err(Refusal::Revoked));
    let open = Open {
        number: 5,
        ..camera("1")
    };
    assert!(matches!(broker.open(1, &open, T0), Reply::Waiting(_)));
    assert_eq!(broker.withdraw(one, 5, T0), Err(Refusal::Absent));
    // A badge that was never given, and one whose sandbox has ended.
    assert_eq!(broker.unregister(1, one, T0), Ok(()));
    for badge in [one, 0, 99, other + 1] {
        let forbidden = Reply::Refused(Refusal::Forbidden);
        assert_eq!(broker.open(badge, &camera("0"), T0), forbidden);
    }
    assert!(child(&mut broker, 1, 1) != one, "no badge comes back");
}

#[test]
fn a_child_cannot_pass_for_another_manifest() {
    let mut store = Store::default();
    let key = Key {
        manifest: [9; 32],
        program: [7; 32],
        resource: Resource::Camera,
        instance: "0".into(),
    };
    store.insert(crate::store::Entry {
        key,
        answer: Answer::Always,
        path: "/bin/cam".into(),
        decided_at: 0,
        expires_at: None,
    });
    let mut broker = broker_with("", Ok(store), true);
    let claims = child(&mut broker, 1, 9);
    assert!(asks(&mut broker, claims));
    broker.register(CONTROL_BADGE, &sandbox(9, false)).unwrap();
    assert_eq!(opened(&mut broker, 9).answer, Answer::Always, "it was true");
}

#[test]
fn always_holds_for_the_next_one_that_is_given_the_same_by_the_same() {
    let mut broker = broker("");
    let first = child(&mut broker, 1, 1);
    assert!(resolved(&mut broker, first, Answer::Always).is_ok());
    broker.unregister(1, first, T0).unwrap();
    let (same, other) = (child(&mut broker, 1, 1), child(&mut broker, 1, 2));
    assert_eq!(opened(&mut broker, same).answer, Answer::Always);
    assert!(asks(&mut broker, other));
    broker.register(CONTROL_BADGE, &sandbox(2, false)).unwrap();
    let elsewhere = child(&mut broker, 2, 1);
    assert!(asks(&mut broker, elsewhere));
}

#[test]
fn never_is_not_asked_again_by_the_next_one_that_is_given_the_same() {
    let mut broker = broker("");
    let first = child(&mut broker, 1, 1);
    assert!(resolved(&mut broker, first, Answer::Never).is_err());
    broker.unregister(1, first, T0).unwrap();
    let (same, other) = (child(&mut broker, 1, 1), child(&mut broker, 1, 2));
    assert!(!asks(&mut broker, same) && asks(&mut broker, other));
}

#[test]
fn new_sandboxes_within_buy_nothing() {
    let policy = "camera * @tag:t allow scope=once\n* * * ask\n";
    let mut broker = broker(policy);
    assert_eq!(opened(&mut broker, 1).answer, Answer::Once);
    let next = child(&mut broker, 1, 1);
    assert!(asks(&mut broker, next), "`once` was for all of them");

    let mut broker = super::broker("camera * * blackhole\n");
    let next = child(&mut broker, 1, 1);
    assert_eq!(opened(&mut broker, next).answer, Answer::Black);

    let mut broker = super::broker("");
    let mut asked = 0;
    for given in 0..2 * MAX_PROMPTS_IN_ALL as u8 {
        let next = child(&mut broker, 1, given);
        asked += u32::from(asks(&mut broker, next));
        broker.unregister(1, next, T0).unwrap();
    }
    assert_eq!(asked, MAX_PROMPTS_IN_ALL);
}

#[test]
fn what_was_taken_back_within_is_asked_for_in_the_next_one_too() {
    let policy = Policy::default().with_command_line(
        alloc::vec![crate::policy::allow("camera=run").unwrap()],
        Vec::new(),
    );
    let mut broker = Broker::new(policy, Ok(Store::default()), true);
    broker.register(CONTROL_BADGE, &sandbox(1, false)).unwrap();
    let first = child(&mut broker, 1, 1);
    let grant = opened(&mut broker, first).grant;
    broker.revoke(grant, T0).unwrap();
    broker.unregister(1, first, T0).unwrap();
    let next = child(&mut broker, 1, 1);
    assert!(asks(&mut broker, next) && asks(&mut broker, 1));
}

#[test]
fn a_rule_about_what_is_around_holds_within() {
    // Without a tag of its own it would get past the first rule.
    let mut broker = broker("camera * @tag:t deny\ncamera * * allow\n");
    let next = child(&mut broker, 1, 1);
    let denied = Reply::Refused(Refusal::Denied);
    assert_eq!(broker.open(next, &camera("0"), T0), denied);
    let inner = child(&mut broker, next, 1);
    assert_eq!(broker.open(inner, &camera("0"), T0), denied);
    let mut broker = super::broker("camera * @tag:t allow rate=100 scope=once\n* * * allow\n");
    let next = child(&mut broker, 1, 1);
    let opened = opened(&mut broker, next);
    assert_eq!((opened.rate, opened.answer), (100, Answer::Once));
}

#[test]
fn a_parent_narrows_and_nothing_below_widens() {
    let mut broker = broker("camera * * allow rate=1k\n");
    let one = child(&mut broker, 1, 1);
    assert_eq!(narrow(&mut broker, 1, one, "microphone * * deny"), Ok(()));
    assert_eq!(opened(&mut broker, one).rate, 1000);
    let rule = "camera * * ask scope=once rate=50 expires=5s";
    assert_eq!(narrow(&mut broker, 1, one, rule), Ok(()));
    let inner = child(&mut broker, one, 1);
    let wider = "camera * * ask scope=always rate=1M";
    assert_eq!(narrow(&mut broker, one, inner, wider), Ok(()));
    for badge in [one, inner] {
        let Reply::Waiting(id) = broker.open(badge, &camera("0"), T0) else {
            panic!("it must ask")
        };
        let effects = broker.take_effects();
        let offered = effects.iter().find_map(|effect| match effect {
            Effect::Prompt(prompt) => Some(prompt.offered),
            _ => None,
        });
        let offered = offered.unwrap();
        assert!(offered.contains(Answer::Once));
        assert!(!offered.contains(Answer::Run) && !offered.contains(Answer::Always));
        broker.answer(id, Answer::Once, By::Typed, 0, T0);
        let grants = broker.grants.iter();
        let grant = grants.map(|(_, grant)| grant).last().unwrap();
        assert_eq!((grant.rate, grant.expires), (50, Some(at(5).monotonic)));
        broker.take_effects();
    }
    assert_eq!(opened(&mut broker, 1).rate, 1000, "the parent gets as much");
    assert_eq!(narrow(&mut broker, 1, one, "camera * * blackhole"), Ok(()));
    assert_eq!(narrow(&mut broker, one, inner, "camera +0 * deny"), Ok(()));
    let denied = Reply::Refused(Refusal::Denied);
    broker.take_effects();
    assert_eq!(broker.open(inner, &camera("0"), T0), denied);
    let effects = broker.take_effects();
    let by = "\"decided_by\":\"sandbox 1 --deny:3\"";
    assert!(logged(&effects)[0].contains(by), "{effects:?}");
    // The list of the file still says `ask` first; a rule behind it does not count.
    assert!(asks(&mut broker, one));
}

#[test]
fn an_empty_device_needs_no_question_and_no_answer_makes_it_real() {
    let mut broker = broker("");
    let one = child(&mut broker, 1, 1);
    narrow(&mut broker, 1, one, "camera * /bin/cam blackhole").unwrap();
    assert_eq!(opened(&mut broker, one).answer, Answer::Black);
    let other = Open {
        program: "/bin/other".into(),
        ..camera("0")
    };
    assert!(matches!(broker.open(one, &other, T0), Reply::Waiting(_)));
}

#[test]
fn rules_that_allow_or_are_too_many_are_refused() {
    let mut broker = broker("");
    let one = child(&mut broker, 1, 1);
    let malformed = Err(Refusal::Malformed);
    for rule in ["camera * @tag:t allow", "camera", "", "# nothing"] {
        assert_eq!(narrow(&mut broker, 1, one, rule), malformed, "{rule}");
    }
    let absent = Err(Refusal::Absent);
    assert_eq!(narrow(&mut broker, 1, 77, "* * * deny"), absent);
    for _ in 0..MAX_NARROWING {
        assert_eq!(narrow(&mut broker, 1, one, "* * * deny"), Ok(()));
    }
    let exhausted = Err(Refusal::Exhausted);
    assert_eq!(narrow(&mut broker, 1, one, "* * * deny"), exhausted);
    let mut added = MAX_NARROWING;
    for given in 0..20 {
        let next = child(&mut broker, 1, given);
        added += (0..MAX_NARROWING)
            .filter(|_| narrow(&mut broker, 1, next, "* * * deny").is_ok())
            .count();
    }
    assert_eq!(added, MAX_NARROWING_IN_ALL);
}
