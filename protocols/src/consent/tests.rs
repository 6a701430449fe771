//! Tests of the consent service's interface.
use super::*;

fn open() -> Open {
    Open {
        resource: Resource::Serial,
        instance: "1".into(),
        number: 3,
        program_hash: [7; 32],
        program: "/usr/bin/cat".into(),
    }
}

#[test]
fn requests_come_back() {
    assert_eq!(Open::decode(&open().encode().unwrap()), Ok(open()));
    let register = Register {
        badge: 9,
        parent: 0,
        manifest: [1; 32],
        interactive: true,
        name: "shell".into(),
        tag: "call".into(),
    };
    assert_eq!(Register::decode(&register.encode().unwrap()), Ok(register));
    for option in [false, true] {
        let narrow = Narrow {
            badge: 1 << 40,
            option,
            line: u32::MAX,
            rule: "r".repeat(MAX_RULE),
        };
        assert_eq!(Narrow::decode(&narrow.encode().unwrap()), Ok(narrow));
    }
    let opened = Opened {
        grant: 1 << 40,
        answer: Answer::Black,
        rate: 100,
    };
    assert_eq!(Opened::decode(&opened.encode().unwrap()), Ok(Ok(opened)));
    assert_eq!(
        Opened::decode(&Refusal::Denied.encode()),
        Ok(Err(Refusal::Denied))
    );
}

#[test]
fn the_longest_request_fits() {
    let longest = Open {
        instance: "i".repeat(MAX_INSTANCE),
        program: "p".repeat(MAX_PROGRAM),
        ..open()
    };
    assert_eq!(Open::decode(&longest.encode().unwrap()), Ok(longest));
    assert!(
        Open {
            program: "p".repeat(MAX_PROGRAM + 1),
            ..open()
        }
        .encode()
        .is_err()
    );
}

#[test]
fn every_changed_word_is_refused_or_means_something_else() {
    let good = open().encode().unwrap();
    for place in 1..good.as_slice().len() {
        for value in [
            0,
            u64::MAX,
            good.as_slice()[place] ^ 1,
            good.as_slice()[place] ^ 1 << 63,
        ] {
            let mut words = good.as_slice().to_vec();
            if words[place] == value {
                continue;
            }
            words[place] = value;
            assert_ne!(
                Open::decode(&Words::from_slice(&words).unwrap()),
                Ok(open())
            );
        }
    }
    for cut in 1..good.as_slice().len() {
        assert!(Open::decode(&Words::from_slice(&good.as_slice()[..cut]).unwrap()).is_err());
    }
    for wrong in [&[9, 1 << 49][..], &[9, 1 << 32], &[9, 0, 0], &[9]] {
        let words = Words::from_slice(&[&[label::NARROW], wrong].concat()).unwrap();
        assert!(Narrow::decode(&words).is_err(), "{wrong:?}");
    }
    assert!(Words::from_slice(&[]).is_err());
    assert!(Words::from_slice(&[0; 65]).is_err());
}

#[test]
fn an_answer_of_deny_is_no_capability() {
    let mut words = Words::new(0);
    words.push(1).unwrap();
    words.push(Answer::Deny as u64).unwrap();
    words.push(0).unwrap();
    assert_eq!(Opened::decode(&words), Err(Malformed));
}

#[test]
fn words_are_exact() {
    for answer in Answer::ALL {
        assert_eq!(Answer::from_word(answer.word()), Some(answer));
        assert_eq!(Answer::from_number(answer as u64), Some(answer));
    }
    for wrong in ["", "o", "Once", "once ", "onces", "yes", "y"] {
        assert_eq!(Answer::from_word(wrong), None);
    }
    assert!(Answers::from_bits(0).contains(Answer::Deny));
    assert!(!Answers::NOT_ALWAYS.contains(Answer::Always));
    assert_eq!(Answers::ALL.without(Answer::Always), Answers::NOT_ALWAYS);
}
