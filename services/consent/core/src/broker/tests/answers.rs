//! What each answer and rule promises, and what revoking does.
use super::*;

#[test]
fn once_is_one_open() {
    let mut broker = broker("");
    let opened = answered(&mut broker, Answer::Once, By::Typed).unwrap();
    assert_eq!(opened.answer, Answer::Once);
    assert!(matches!(
        broker.open(1, &camera("0"), T0),
        Reply::Waiting(_)
    ));
    assert_eq!(
        broker.close(2, opened.grant, T0),
        Err(Refusal::Revoked),
        "another's grant"
    );
    assert_eq!(broker.close(1, opened.grant, T0), Ok(()));
    assert_eq!(
        broker.used(DEVICE_BADGE, opened.grant, 1, T0),
        Err(Refusal::Revoked)
    );
}

#[test]
fn run_lasts_as_long_as_the_sandbox() {
    let mut broker = broker("");
    answered(&mut broker, Answer::Run, By::Typed).unwrap();
    for _ in 0..20 {
        assert!(matches!(
            broker.open(1, &camera("0"), T0),
            Reply::Opened(Opened {
                answer: Answer::Run,
                ..
            })
        ));
    }
    assert!(
        matches!(broker.open(1, &camera("1"), T0), Reply::Waiting(_)),
        "another instance"
    );
    broker.unregister(CONTROL_BADGE, 1, T0).unwrap();
    assert_eq!(broker.list(), [[]]);
    broker.register(CONTROL_BADGE, &sandbox(1, false)).unwrap();
    assert!(
        matches!(broker.open(1, &camera("0"), T0), Reply::Waiting(_)),
        "a new sandbox"
    );
}

#[test]
fn always_is_stored_and_bound_to_manifest_and_program() {
    let mut broker = broker("* * * ask expires=1h\n");
    let id = ask(&mut broker, &camera("0"));
    broker.answer(id, Answer::Always, By::Typed, 0, T0);
    let effects = broker.take_effects();
    let line = effects.iter().find_map(|effect| {
        if let Effect::Remember(i, line) = effect {
            Some((*i, line))
        } else {
            None
        }
    });
    let (remembered, line) = line.unwrap();
    assert_eq!(remembered, id);
    let mut store = Store::default();
    store.insert(crate::store::Entry::decode(line).unwrap());
    let mut next = broker_with("", Ok(store.clone()), false);
    assert!(matches!(
        next.open(1, &camera("0"), at(3599)),
        Reply::Opened(Opened {
            answer: Answer::Always,
            ..
        })
    ));
    assert_eq!(
        next.open(1, &camera("0"), at(3600)),
        Reply::Refused(Refusal::Denied),
        "expired"
    );
    assert_eq!(
        next.open(
            1,
            &Open {
                number: 0,
                program_hash: [8; 32],
                ..camera("0")
            },
            T0
        ),
        Reply::Refused(Refusal::Denied)
    );
    next.register(CONTROL_BADGE, &sandbox(2, false)).unwrap();
    assert_eq!(
        next.open(2, &camera("0"), T0),
        Reply::Refused(Refusal::Denied),
        "another manifest"
    );
    let mut capped = broker_with("* * * ask scope=run\n", Ok(store), false);
    assert_eq!(
        capped.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Denied),
        "the policy offers no `always`"
    );
}

#[test]
fn only_a_typed_answer_leaves_anything_behind() {
    for by in [By::Escape, By::TimeOut, By::NotShown] {
        for answer in Answer::ALL {
            let mut broker = broker("");
            assert_eq!(answered(&mut broker, answer, by), Err(Refusal::Denied));
            assert_eq!(broker.store, Some(Store::default()));
            assert!(broker.session.is_empty());
            assert!(
                matches!(broker.open(1, &camera("0"), T0), Reply::Waiting(_)),
                "asked again"
            );
        }
    }
    let mut broker = broker("");
    assert_eq!(
        answered(&mut broker, Answer::Deny, By::Typed),
        Err(Refusal::Denied)
    );
    assert!(broker.store == Some(Store::default()) && broker.session.is_empty());
}

#[test]
fn never_denies_without_asking_and_is_stored() {
    let mut broker = broker("");
    assert_eq!(
        answered(&mut broker, Answer::Never, By::Typed),
        Err(Refusal::Denied)
    );
    assert_eq!(
        broker.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Denied)
    );
    assert_eq!(broker.store.as_ref().unwrap().entries().count(), 1);
}

#[test]
fn black_hands_out_an_empty_device() {
    let mut first = broker("");
    assert_eq!(
        answered(&mut first, Answer::Black, By::Typed)
            .unwrap()
            .answer,
        Answer::Black
    );
    assert!(matches!(
        first.open(1, &camera("0"), T0),
        Reply::Opened(Opened {
            answer: Answer::Black,
            ..
        })
    ));
    let mut by_rule = broker_with("camera * * blackhole\n", Ok(Store::default()), false);
    assert!(matches!(
        by_rule.open(1, &camera("0"), T0),
        Reply::Opened(Opened {
            answer: Answer::Black,
            ..
        })
    ));
    let mut by_default = broker("camera * * ask default=black\n");
    assert_eq!(
        answered(&mut by_default, Answer::Once, By::TimeOut)
            .unwrap()
            .answer,
        Answer::Black
    );
    assert!(
        by_default.session.is_empty(),
        "a time-out leaves nothing behind"
    );
    let mut escape = broker("camera * * ask default=black\n");
    assert_eq!(
        answered(&mut escape, Answer::Once, By::Escape),
        Err(Refusal::Denied)
    );
}

#[test]
fn an_interactive_shell_and_a_corrupt_store_get_no_always() {
    let mut shell = broker("");
    shell.register(CONTROL_BADGE, &sandbox(2, true)).unwrap();
    let child = Register {
        badge: 0,
        parent: 2,
        tag: String::new(),
        ..sandbox(0, false)
    };
    let child = shell.register(2, &child).unwrap();
    for badge in [2, child] {
        let Reply::Waiting(id) = shell.open(badge, &camera("0"), T0) else {
            panic!()
        };
        let prompt = shell.take_effects().into_iter().find_map(|e| {
            if let Effect::Prompt(p) = e {
                Some(p)
            } else {
                None
            }
        });
        assert!(!prompt.unwrap().offered.contains(Answer::Always));
        shell.answer(id, Answer::Always, By::Typed, 0, T0);
        assert!(
            shell
                .take_effects()
                .contains(&Effect::Resolved(id, Err(Refusal::Denied)))
        );
    }
    let mut corrupt = broker_with("", Err(Corrupt { line: 3 }), true);
    assert_eq!(
        answered(&mut corrupt, Answer::Always, By::Typed),
        Err(Refusal::Denied)
    );
    assert!(answered(&mut corrupt, Answer::Once, By::Typed).is_ok());
}

#[test]
fn revoking_ends_the_grant_and_asks_again() {
    let mut broker = broker("camera * @tag:t allow\n");
    let Reply::Opened(opened) = broker.open(1, &camera("0"), T0) else {
        panic!()
    };
    assert_eq!(broker.used(DEVICE_BADGE, opened.grant, 500, T0), Ok(()));
    assert_eq!(
        broker.used(1, opened.grant, 500, T0),
        Err(Refusal::Forbidden)
    );
    assert_eq!(broker.list()[0][0].bytes, 500);
    broker.take_effects();
    assert_eq!(broker.revoke(opened.grant, at(1)), Ok(()));
    let effects = broker.take_effects();
    assert_eq!(effects[0], Effect::Revoked(opened.grant));
    assert!(
        logged(&effects)[0].contains("\"event\":\"revoke\"")
            && logged(&effects)[0].contains("\"bytes\":500")
    );
    assert_eq!(
        broker.used(DEVICE_BADGE, opened.grant, 1, at(1)),
        Err(Refusal::Revoked)
    );
    assert_eq!(broker.revoke(opened.grant, at(1)), Err(Refusal::Revoked));
    let renamed = Open {
        number: 0,
        program_hash: [9; 32],
        ..camera("0")
    };
    let Reply::Waiting(id) = broker.open(1, &renamed, at(1)) else {
        panic!("must ask, whatever the rule says")
    };
    broker.answer(id, Answer::Run, By::Typed, 0, at(1));
    assert!(
        matches!(broker.open(1, &renamed, at(2)), Reply::Opened(_)),
        "granted again without a restart"
    );
    assert_eq!(broker.revoke_sandbox(1, at(3)), 2);
    assert!(matches!(broker.open(1, &renamed, at(3)), Reply::Waiting(_)));
}

#[test]
fn a_rule_with_once_serves_once_and_rates_and_ends_hold() {
    let mut broker = broker("camera * @tag:t allow scope=once rate=10k expires=5s\n* * * deny\n");
    let Reply::Opened(opened) = broker.open(1, &camera("0"), T0) else {
        panic!()
    };
    assert_eq!((opened.answer, opened.rate), (Answer::Once, 10_000));
    assert_eq!(
        broker.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Denied)
    );
    assert_eq!(broker.deadline(), Some(at(5).monotonic));
    broker.tick(at(5));
    assert!(
        broker
            .take_effects()
            .contains(&Effect::Revoked(opened.grant))
    );
    assert_eq!(broker.list(), [[]]);
}

#[test]
fn command_line_rules_work_and_always_is_remembered() {
    let policy = Policy::default().with_command_line(
        alloc::vec![crate::policy::allow("camera0=always").unwrap()],
        alloc::vec![crate::policy::deny("microphone").unwrap()],
    );
    let mut broker = Broker::new(policy, Ok(Store::default()), true);
    broker.register(CONTROL_BADGE, &sandbox(1, false)).unwrap();
    assert!(matches!(
        broker.open(1, &camera("0"), T0),
        Reply::Opened(Opened {
            answer: Answer::Always,
            ..
        })
    ));
    assert!(
        broker
            .take_effects()
            .iter()
            .any(|e| matches!(e, Effect::Remember(0, _)))
    );
    let microphone = Open {
        resource: Resource::Microphone,
        program: "/bin/\u{1b}]0;x".into(),
        ..camera("0")
    };
    assert_eq!(
        broker.open(1, &microphone, T0),
        Reply::Refused(Refusal::Denied)
    );
    let effects = broker.take_effects();
    let told = effects
        .iter()
        .find_map(|e| {
            if let Effect::Notify(line) = e {
                Some(line.to_string())
            } else {
                None
            }
        })
        .unwrap();
    assert_eq!(told, "/bin/\\u{1b}]0;x was denied: microphone +0 (cli)");
}
