//! The consent program without I/O: requests and bytes of the control channel go in, what to do comes out.
//!
//! Until the host has sent its configuration, requests wait. If it sends none in time, nothing is configured and there is nobody to
//! ask, so every request is denied.
use crate::broker::{Broker, Effect};
use crate::given::Given;
use crate::service::{Outcome, Setup, resolved, to_host};
use crate::{Now, Open, Opened, Refusal, SECOND, trace};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::consent::{CONTROL_BADGE, label};
use sundog_protocols::control::{self, Decoder, ToHost, ToMachine};
use sundog_protocols::serial;

/// How long the host may take for its configuration, in nanoseconds.
pub const SETUP_TIME: u64 = 20 * SECOND;
/// The most requests that wait for the configuration.
pub const MAX_EARLY: usize = 32;

/// A request that the server keeps, by a number of its choice.
pub type Ticket = usize;

/// What the server has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Reply.
    Reply(Ticket, Words),
    /// Order a capability from a device's server and reply with it. If the server refuses, call [`Desk::absent`]; if the reply
    /// reaches nobody, [`Desk::lost`].
    Deliver(Delivery),
    /// Reply with an endpoint of this service that has this badge.
    Endpoint(Ticket, Words, u64),
    /// Tell a device's server to drop a grant.
    Revoke {
        /// The device's place in the list.
        device: usize,
        /// The grant.
        grant: u64,
    },
    /// Send to the host.
    Send(ToHost),
}

/// A capability to be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The request.
    pub ticket: Ticket,
    /// Its reply.
    pub words: Words,
    /// The device's place in the list.
    pub device: usize,
    /// The order.
    pub order: serial::Open,
    /// The sandbox that gets it.
    pub badge: u64,
}

/// A request before the configuration.
#[derive(Debug)]
struct Early {
    ticket: Ticket,
    badge: u64,
    words: Words,
}

/// What the desk is doing.
#[derive(Debug)]
enum Stage {
    /// The configuration comes in.
    Setup(Setup, Vec<Early>),
    /// Requests are decided.
    Open(Broker),
}

/// The program's state.
#[derive(Debug)]
pub struct Desk {
    given: Given,
    stage: Stage,
    setup_ends: u64,
    decoder: Decoder<ToMachine>,
    /// Requests whose question is open, by the question.
    waiting: BTreeMap<u64, (Ticket, u64, Open)>,
    /// Where living grants were ordered.
    ordered: BTreeMap<u64, usize>,
    /// Seconds since 1970 when the monotonic clock was 0.
    epoch: u64,
    acts: VecDeque<Act>,
}

impl Desk {
    /// A desk; times are nanoseconds of a clock that never goes back.
    pub fn new(given: Given, now: u64) -> Desk {
        Desk {
            given,
            stage: Stage::Setup(Setup::new(), Vec::new()),
            setup_ends: now.saturating_add(SETUP_TIME),
            decoder: Decoder::new(),
            waiting: BTreeMap::new(),
            ordered: BTreeMap::new(),
            epoch: 0,
            acts: VecDeque::new(),
        }
    }

    /// What has to be done next.
    pub fn next_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// When [`Desk::tick`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        match &self.stage {
            Stage::Setup(..) => Some(self.setup_ends),
            Stage::Open(broker) => broker.deadline(),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: u64) {
        match &mut self.stage {
            Stage::Setup(..) if now >= self.setup_ends => {
                self.say("consent: the host sent no configuration in time; everything is denied");
                self.open_for_business(false, now);
            }
            Stage::Setup(..) => (),
            Stage::Open(broker) => {
                broker.tick(at(self.epoch, now));
                self.settle(now);
            }
        }
    }

    /// Bytes of the control channel.
    pub fn control(&mut self, bytes: &[u8], now: u64) {
        let mut found = Vec::new();
        self.decoder.feed(bytes, |event| found.push(event));
        for event in found {
            match event {
                control::Event::Message(message) => self.message(&message, now),
                other => self.say(&format!("consent: not understood: {other:?}")),
            }
        }
    }

    fn message(&mut self, message: &ToMachine, now: u64) {
        match (message, &mut self.stage) {
            (ToMachine::Clock { unix }, _) => self.epoch = unix.saturating_sub(now / SECOND),
            (
                ToMachine::Configure {
                    part,
                    name,
                    text,
                    last,
                },
                Stage::Setup(setup, _),
            ) => setup.add(*part, name, text, *last),
            (ToMachine::Configure { .. }, Stage::Open(_)) => {
                self.say("consent: a configuration came after its end and is not used");
            }
            (ToMachine::Terminals { .. }, Stage::Setup(..)) => self.open_for_business(true, now),
            (_, Stage::Setup(..)) => (),
            (_, Stage::Open(broker)) => {
                let replies = broker.control(message, at(self.epoch, now));
                if let Some(line) = trace::person(message) {
                    self.trace(line);
                }
                self.acts.extend(replies.into_iter().map(Act::Send));
                self.settle(now);
            }
        }
    }

    /// Ends the setup. `person` says whether there is anybody to ask.
    fn open_for_business(&mut self, person: bool, now: u64) {
        let Stage::Setup(setup, early) = &mut self.stage else {
            return;
        };
        let early = core::mem::take(early);
        let mut broker = match core::mem::take(setup).finish(person) {
            Ok(broker) => broker,
            Err(mistakes) => {
                for mistake in mistakes {
                    self.say(&format!("consent: {mistake}"));
                }
                self.say("consent: with a mistake in the configuration everything is denied");
                let store = crate::store::Store::decode("");
                Broker::new(crate::policy::Policy::default(), store, false)
            }
        };
        for register in &self.given.sandboxes {
            if let Err(refusal) = broker.register(CONTROL_BADGE, register) {
                let line = format!("consent: sandbox {} is refused: {refusal:?}", register.name);
                self.acts.push_back(Act::Send(ToHost::Trace(line)));
            }
        }
        self.stage = Stage::Open(broker);
        for Early {
            ticket,
            badge,
            words,
        } in early
        {
            self.request(ticket, badge, &words, now);
        }
        self.settle(now);
    }

    /// A request that came over a capability with this badge.
    pub fn request(&mut self, ticket: Ticket, badge: u64, words: &Words, now: u64) {
        let broker = match &mut self.stage {
            Stage::Setup(_, early) if early.len() < MAX_EARLY => {
                let words = words.clone();
                return early.push(Early {
                    ticket,
                    badge,
                    words,
                });
            }
            Stage::Setup(..) => {
                let refused = Act::Reply(ticket, Refusal::Exhausted.encode());
                return self.acts.push_back(refused);
            }
            Stage::Open(broker) => broker,
        };
        let outcome = broker.request(badge, words, at(self.epoch, now));
        let chain = broker.chain(badge);
        match words.label() {
            label::OPEN => {
                if let Ok(open) = Open::decode(words) {
                    self.trace(trace::open(badge, &chain, &open));
                }
            }
            label::WITHDRAW if outcome == Outcome::Words(Words::new(0)) => {
                if let [_, number] = words.as_slice() {
                    self.trace(trace::withdraw(badge, *number));
                }
            }
            label::USED if outcome == Outcome::Words(Words::new(0)) => {
                if let [_, grant, bytes] = words.as_slice() {
                    self.trace(trace::used(*grant, *bytes));
                }
            }
            _ => (),
        }
        self.outcome(ticket, badge, outcome, now);
        self.settle(now);
    }

    fn outcome(&mut self, ticket: Ticket, badge: u64, outcome: Outcome, now: u64) {
        match outcome {
            Outcome::Words(words) => {
                if let Some(refusal) = Refusal::from_number(words.label()) {
                    self.trace(trace::refused(refusal));
                }
                self.acts.push_back(Act::Reply(ticket, words));
            }
            Outcome::Endpoint(words, badge) => {
                self.acts.push_back(Act::Endpoint(ticket, words, badge));
            }
            Outcome::Later(id, open) => {
                self.waiting.insert(id, (ticket, badge, open));
            }
            Outcome::Device(words, opened, open) => {
                match self.given.device(open.resource, &open.instance) {
                    Some(device) => self.deliver(ticket, badge, words, opened, device),
                    None => self.no_device(ticket, badge, opened.grant, now),
                }
            }
        }
    }

    fn deliver(&mut self, ticket: Ticket, badge: u64, words: Words, opened: Opened, device: usize) {
        self.ordered.insert(opened.grant, device);
        self.trace(trace::opened(&opened));
        let sandbox = match &self.stage {
            Stage::Open(broker) => broker.outermost(badge),
            Stage::Setup(..) => badge,
        };
        let order = serial::Open {
            sandbox,
            grant: opened.grant,
            rate: opened.rate,
            black: opened.answer == crate::Answer::Black,
        };
        self.acts.push_back(Act::Deliver(Delivery {
            ticket,
            words,
            device,
            order,
            badge,
        }));
    }

    /// The device of a delivery does not exist or refuses.
    pub fn absent(&mut self, delivery: &Delivery, now: u64) {
        self.lost(delivery, now);
        self.trace(trace::refused(Refusal::Absent));
        let words = Refusal::Absent.encode();
        self.acts.push_back(Act::Reply(delivery.ticket, words));
    }

    /// The reply of a delivery reached nobody: the grant is given back.
    pub fn lost(&mut self, delivery: &Delivery, now: u64) {
        if let Stage::Open(broker) = &mut self.stage {
            // One that was revoked meanwhile is gone already.
            let _ = broker.close(delivery.badge, delivery.order.grant, at(self.epoch, now));
        }
        self.settle(now);
    }

    /// A granted device that no argument names.
    fn no_device(&mut self, ticket: Ticket, badge: u64, grant: u64, now: u64) {
        let delivery = Delivery {
            ticket,
            words: Words::new(0),
            device: usize::MAX,
            order: serial::Open {
                grant,
                rate: 0,
                black: false,
                sandbox: badge,
            },
            badge,
        };
        self.absent(&delivery, now);
    }

    /// Turns the broker's effects into acts.
    fn settle(&mut self, now: u64) {
        let effects = match &mut self.stage {
            Stage::Open(broker) => broker.take_effects(),
            Stage::Setup(..) => Vec::new(),
        };
        for effect in effects {
            if let Effect::Prompt(prompt) = &effect {
                self.trace(trace::ask(prompt));
            }
            if let Some(message) = to_host(&effect) {
                self.acts.push_back(Act::Send(message));
            }
            match effect {
                Effect::Resolved(id, reply) => {
                    if let Some((ticket, badge, open)) = self.waiting.remove(&id) {
                        self.outcome(ticket, badge, resolved(reply, open), now);
                    }
                }
                Effect::Revoked(grant) => {
                    if let Some(device) = self.ordered.remove(&grant) {
                        self.trace(trace::revoke(grant));
                        self.acts.push_back(Act::Revoke { device, grant });
                    }
                }
                _ => (),
            }
        }
    }

    fn trace(&mut self, line: String) {
        if self.given.trace {
            self.acts
                .push_back(Act::Send(ToHost::Trace(format!("ipc: {line}"))));
        }
    }

    fn say(&mut self, line: &str) {
        self.acts.push_back(Act::Send(ToHost::Trace(line.into())));
    }
}

fn at(epoch: u64, now: u64) -> Now {
    Now {
        monotonic: now,
        unix: epoch.saturating_add(now / SECOND),
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
