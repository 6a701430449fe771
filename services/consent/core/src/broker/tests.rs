//! Tests of the broker: what they share.
mod answers;
mod limits;
mod page;
mod within;

use super::*;
use crate::store::Corrupt;
use crate::{Register, SECOND};
use alloc::string::ToString;
use sundog_protocols::consent::CONTROL_BADGE;
use sundog_protocols::control::By;

const T0: Now = Now {
    monotonic: 1000,
    unix: 1_700_000_000,
};

fn at(seconds: u64) -> Now {
    Now {
        monotonic: T0.monotonic + seconds * SECOND,
        unix: T0.unix + seconds,
    }
}

fn camera(instance: &str) -> Open {
    Open {
        resource: Resource::Camera,
        instance: instance.into(),
        number: 0,
        program_hash: [7; 32],
        program: "/bin/cam".into(),
    }
}

fn sandbox(badge: u64, interactive: bool) -> Register {
    Register {
        badge,
        parent: 0,
        manifest: [badge as u8; 32],
        interactive,
        name: "box".into(),
        tag: "t".into(),
    }
}

fn broker_with(policy: &str, store: Result<Store, Corrupt>, person: bool) -> Broker {
    let mut broker = Broker::new(Policy::parse(&[("p", policy)]).unwrap(), store, person);
    broker.register(CONTROL_BADGE, &sandbox(1, false)).unwrap();
    broker
}

fn broker(policy: &str) -> Broker {
    broker_with(policy, Ok(Store::default()), true)
}

fn ask(broker: &mut Broker, open: &Open) -> u64 {
    match broker.open(1, open, T0) {
        Reply::Waiting(id) => id,
        reply => panic!("{reply:?}"),
    }
}

/// Asks, answers, and gives the reply.
fn answered(broker: &mut Broker, answer: Answer, by: By) -> Result<Opened, Refusal> {
    let id = ask(broker, &camera("0"));
    assert!(broker.answer(id, answer, by, 0, T0));
    let effects = broker.take_effects();
    effects
        .iter()
        .find_map(|effect| {
            if let Effect::Resolved(other, reply) = effect {
                (*other == id).then_some(*reply)
            } else {
                None
            }
        })
        .unwrap()
}

fn logged(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| {
            if let Effect::Log(line) = effect {
                Some(line.as_str())
            } else {
                None
            }
        })
        .collect()
}
