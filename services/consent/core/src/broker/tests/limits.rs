//! How often people are asked, what waits, who may register whom, how long lines are.
use super::*;

#[test]
fn a_thousand_requests_make_one_visible_prompt_three_in_all_and_a_counted_line() {
    let mut broker = broker("");
    let mut prompts = 0;
    let mut lines = 0;
    for _ in 0..1000 {
        let reply = broker.open(1, &camera("0"), T0);
        for effect in broker.take_effects() {
            prompts += usize::from(matches!(effect, Effect::Prompt(_)));
            lines += usize::from(matches!(effect, Effect::Log(_)));
        }
        assert!(prompts <= 1);
        let _ = reply;
    }
    for _ in 0..10 {
        broker.tick(Now {
            monotonic: broker.deadline().unwrap_or(0),
            ..T0
        });
        prompts += broker
            .take_effects()
            .iter()
            .filter(|effect| matches!(effect, Effect::Prompt(_)))
            .count();
    }
    assert_eq!((prompts, lines as u64), (3, EACH));
    broker.unregister(CONTROL_BADGE, 1, T0).unwrap();
    let effects = broker.take_effects();
    let limit: Vec<&str> = logged(&effects)
        .into_iter()
        .filter(|line| line.contains("\"limit\""))
        .collect();
    assert_eq!(limit.len(), 1);
    assert!(
        limit[0].ends_with(&format!("\"count\":{}}}", 1000 - 3 - EACH)),
        "{}",
        limit[0]
    );
}

#[test]
fn what_the_person_allows_is_asked_as_often_as_it_comes() {
    let mut broker = broker("");
    for answer in [Answer::Once, Answer::Black].into_iter().cycle().take(50) {
        assert!(answered(&mut broker, answer, By::Typed).is_ok());
        // An empty device is remembered for the run.
        broker.session.clear();
    }
    for by in [By::Typed, By::Escape, By::TimeOut] {
        assert_eq!(
            answered(&mut broker, Answer::Deny, by),
            Err(Refusal::Denied)
        );
    }
    assert_eq!(
        broker.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Denied)
    );
    let effects = broker.take_effects();
    let said = "/bin/cam was denied without a question: camera +0 (after 3 questions about it that nobody allowed)";
    assert!(
        effects.contains(&Effect::Notify(said.into())),
        "{effects:?}"
    );
}

#[test]
fn new_names_and_hashes_do_not_buy_more_prompts() {
    let mut broker = broker("");
    let mut waiting = 0;
    for number in 0..100 {
        let open = Open {
            number: 0,
            program_hash: [number; 32],
            program: format!("/x{number}"),
            ..camera("0")
        };
        waiting += u32::from(matches!(broker.open(1, &open, T0), Reply::Waiting(_)));
    }
    assert_eq!(waiting, MAX_PROMPTS_OF_SANDBOX);
}

#[test]
fn questions_wait_their_turn_and_an_answer_settles_equal_ones() {
    let mut broker = broker("");
    let first = ask(&mut broker, &camera("0"));
    let second = ask(&mut broker, &camera("0"));
    let third = ask(&mut broker, &camera("1"));
    assert!(
        !broker.answer(second, Answer::Once, By::Typed, 0, T0),
        "not visible yet"
    );
    assert!(broker.answer(first, Answer::Run, By::Typed, 0, T0));
    assert!(
        !broker.answer(first, Answer::Run, By::Typed, 0, T0),
        "answered already"
    );
    let effects = broker.take_effects();
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Resolved(id, Ok(_)) if *id == second))
    );
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Prompt(prompt) if prompt.id == third))
    );
    assert!(broker.visible().unwrap().ends_with("camera +1"));
}

#[test]
fn who_asked_can_withdraw_and_the_next_question_comes() {
    let mut broker = broker("");
    let numbered = |number, instance| Open {
        number,
        ..camera(instance)
    };
    let first = ask(&mut broker, &numbered(5, "0"));
    let second = ask(&mut broker, &numbered(6, "1"));
    broker.take_effects();
    for (badge, number) in [(2, 5), (1, 7), (1, 0)] {
        let withdrawn = broker.withdraw(badge, number, T0);
        assert_eq!(withdrawn, Err(Refusal::Absent), "{badge} {number}");
    }
    assert_eq!(broker.take_effects(), []);
    assert_eq!(broker.withdraw(1, 5, T0), Ok(()));
    let effects = broker.take_effects();
    assert!(effects.contains(&Effect::PromptGone(first)));
    assert!(effects.contains(&Effect::Resolved(first, Err(Refusal::Denied))));
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Log(line) if line.contains("\"withdrawn\"")))
    );
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Prompt(prompt) if prompt.id == second))
    );
    assert!(
        !broker.answer(first, Answer::Once, By::Typed, 0, T0),
        "an answer that comes too late grants nothing"
    );
    assert_eq!(broker.withdraw(1, 5, T0), Err(Refusal::Absent));
}

#[test]
fn nobody_to_ask_means_deny() {
    let mut headless = broker_with("", Ok(Store::default()), false);
    assert_eq!(
        headless.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Denied)
    );
    let mut broker = broker("");
    let ids = [
        ask(&mut broker, &camera("0")),
        ask(&mut broker, &camera("1")),
    ];
    broker.take_effects();
    broker.set_person(false, T0);
    let effects = broker.take_effects();
    for id in ids {
        assert!(effects.contains(&Effect::Resolved(id, Err(Refusal::Denied))));
    }
    assert!(effects.contains(&Effect::PromptGone(ids[0])) && broker.deadline().is_none());
}

#[test]
fn an_unanswered_question_is_denied_in_time() {
    let mut broker = broker("");
    let id = ask(&mut broker, &camera("0"));
    broker.tick(at(PROMPT_SECONDS - 1));
    assert!(
        !broker
            .take_effects()
            .iter()
            .any(|e| matches!(e, Effect::Resolved(..)))
    );
    broker.tick(at(PROMPT_SECONDS));
    let effects = broker.take_effects();
    assert!(
        effects.contains(&Effect::PromptGone(id))
            && effects.contains(&Effect::Resolved(id, Err(Refusal::Denied)))
    );
}

#[test]
fn badges_are_minted_by_rank() {
    let mut broker = broker("");
    let child = Register {
        badge: 0,
        parent: 1,
        tag: String::new(),
        ..sandbox(0, false)
    };
    let badge = broker.register(1, &child).unwrap();
    assert!(badge > 1);
    assert_eq!(
        broker.register(
            1,
            &Register {
                tag: "call".into(),
                ..child.clone()
            }
        ),
        Err(Refusal::Forbidden)
    );
    assert_eq!(
        broker.register(
            1,
            &Register {
                badge: 77,
                ..child.clone()
            }
        ),
        Err(Refusal::Forbidden)
    );
    assert_eq!(broker.register(99, &child), Err(Refusal::Forbidden));
    assert_eq!(
        broker.register(CONTROL_BADGE, &sandbox(1, false)),
        Err(Refusal::Malformed),
        "taken"
    );
    assert_eq!(
        broker.register(CONTROL_BADGE, &sandbox(DEVICE_BADGE, false)),
        Err(Refusal::Malformed)
    );
    assert_eq!(broker.unregister(badge, 1, T0), Err(Refusal::Forbidden));
    assert_eq!(
        broker.unregister(0, 1, T0),
        Err(Refusal::Forbidden),
        "no badge is no parent"
    );
    let mut parent = badge;
    for _ in 2..control::MAX_CHAIN {
        parent = broker
            .register(
                CONTROL_BADGE,
                &Register {
                    parent,
                    ..child.clone()
                },
            )
            .unwrap();
    }
    assert_eq!(
        broker.register(
            CONTROL_BADGE,
            &Register {
                parent,
                ..child.clone()
            }
        ),
        Err(Refusal::Exhausted)
    );
    assert!(matches!(
        broker.open(parent, &camera("0"), T0),
        Reply::Waiting(_)
    ));
    broker.take_effects();
    assert_eq!(broker.unregister(CONTROL_BADGE, 1, T0), Ok(()));
    assert!(broker.sandboxes.is_empty() && broker.waiting.is_empty());
    assert_eq!(
        broker.open(1, &camera("0"), T0),
        Reply::Refused(Refusal::Forbidden)
    );
    assert_eq!(
        broker.open(CONTROL_BADGE, &camera("0"), T0),
        Reply::Refused(Refusal::Forbidden)
    );
}

#[test]
fn every_logged_line_fits_into_a_message() {
    let mut broker = broker("* * * deny\n");
    let mut parent = 1;
    for _ in 1..control::MAX_CHAIN {
        let name = "\u{1}".repeat(64);
        parent = broker
            .register(
                CONTROL_BADGE,
                &Register {
                    badge: 0,
                    parent,
                    name,
                    ..sandbox(0, false)
                },
            )
            .unwrap();
    }
    let worst = Open {
        instance: "i".repeat(64),
        program: "\u{1}".repeat(192),
        ..camera("0")
    };
    broker.open(parent, &worst, T0);
    for line in logged(&broker.take_effects()) {
        assert!(line.len() <= control::MAX_LINE, "{}", line.len());
    }
    assert_eq!(
        broker.open(parent, &camera("a b"), T0),
        Reply::Refused(Refusal::Malformed)
    );
}
