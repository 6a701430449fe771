//! The service around the broker: how it is configured, how messages of both its channels become calls.
use crate::broker::{Broker, Effect, Reply};
use crate::policy::{self, Mistake, Policy, Rule};
use crate::store::{MAX_TEXT, Store};
use crate::{Now, Open, Opened, Refusal, Register};
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::consent::{Narrow, label};
use sundog_protocols::control::{Part, ToHost, ToMachine};

/// The most policy files.
pub const MAX_FILES: usize = 64;
/// The most `--allow` and `--deny` options each.
pub const MAX_OPTIONS: usize = 256;

/// Configuration as it arrives, in pieces.
#[derive(Debug, Default)]
pub struct Setup {
    files: Vec<(String, String)>,
    store: String,
    allows: Vec<Rule>,
    denials: Vec<Rule>,
    half: Option<(Part, String, String)>,
    mistakes: Vec<Mistake>,
}

impl Setup {
    /// Nothing configured.
    pub fn new() -> Setup {
        Setup::default()
    }

    /// Takes a piece of configuration.
    pub fn add(&mut self, part: Part, name: &str, text: &str, last: bool) {
        let (half_part, half_name, mut whole) =
            self.half
                .take()
                .unwrap_or((part, name.into(), String::new()));
        if half_part != part || half_name != name {
            return self.mistake(
                &half_name,
                "another text began before this one was complete",
            );
        }
        let most = if part == Part::Store {
            MAX_TEXT
        } else {
            policy::MAX_FILE
        };
        if whole.len() + text.len() > most {
            return self.mistake(name, "the text is too long");
        }
        whole.push_str(text);
        if !last {
            self.half = Some((part, half_name, whole));
            return;
        }
        match part {
            Part::Policy if self.files.len() >= MAX_FILES => {
                self.mistake(name, "too many policy files")
            }
            Part::Policy => self.files.push((half_name, whole)),
            Part::Store => self.store = whole,
            Part::Allow | Part::Deny => self.option(part, &whole),
        }
    }

    fn option(&mut self, part: Part, spec: &str) {
        let (rule, list) = match part {
            Part::Allow => (policy::allow(spec), &mut self.allows),
            _ => (policy::deny(spec), &mut self.denials),
        };
        match rule {
            Ok(_) if list.len() >= MAX_OPTIONS => self.mistake(spec, "too many options"),
            Ok(rule) => list.push(rule),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn mistake(&mut self, name: &str, problem: &str) {
        if self.mistakes.len() < MAX_FILES {
            let instead = "it as the host command does".into();
            self.mistakes.push(Mistake {
                file: name.into(),
                line: 1,
                column: 1,
                problem: problem.into(),
                instead,
            });
        }
    }

    /// The broker, or all mistakes. With a mistake nothing may be granted: the sandbox must not start.
    /// `person` says whether there is anybody to ask.
    pub fn finish(mut self, person: bool) -> Result<Broker, Vec<Mistake>> {
        if let Some((_, name, _)) = self.half.take() {
            self.mistake(&name, "the text is not complete");
        }
        let files: Vec<(&str, &str)> = self
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let policy = Policy::parse(&files).unwrap_or_else(|mistakes| {
            self.mistakes.extend(mistakes);
            Policy::default()
        });
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        Ok(Broker::new(
            policy.with_command_line(self.allows, self.denials),
            Store::decode(&self.store),
            person,
        ))
    }
}

/// What a request's caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// These words.
    Words(Words),
    /// These words and the device's endpoint, badged with the grant's number. If the device is not there, call [`Broker::close`] and
    /// reply [`Refusal::Absent`].
    Device(Words, Opened, Open),
    /// These words and an endpoint of this service with this badge.
    Endpoint(Words, u64),
    /// Nothing yet: keep the reply and the request until [`Effect::Resolved`] with this number.
    Later(u64, Open),
}

impl Broker {
    /// A request that came over an endpoint capability with this badge.
    pub fn request(&mut self, badge: u64, words: &Words, now: Now) -> Outcome {
        let refused = |refusal: Refusal| Outcome::Words(refusal.encode());
        let done = |result: Result<(), Refusal>| {
            result.map_or_else(refused, |()| Outcome::Words(Words::new(0)))
        };
        let mut numbers = words.reader();
        match words.label() {
            label::OPEN => match Open::decode(words) {
                Ok(open) => match self.open(badge, &open, now) {
                    Reply::Opened(opened) => deliver(opened, open),
                    Reply::Refused(refusal) => refused(refusal),
                    Reply::Waiting(id) => Outcome::Later(id, open),
                },
                Err(_) => refused(Refusal::Malformed),
            },
            label::CLOSE => match (numbers.word(), numbers.end()) {
                (Ok(grant), Ok(())) => done(self.close(badge, grant, now)),
                _ => refused(Refusal::Malformed),
            },
            label::WITHDRAW => match (numbers.word(), numbers.end()) {
                (Ok(number), Ok(())) => done(self.withdraw(badge, number, now)),
                _ => refused(Refusal::Malformed),
            },
            label::USED => match (numbers.word(), numbers.word(), numbers.end()) {
                (Ok(grant), Ok(bytes), Ok(())) => done(self.used(badge, grant, bytes, now)),
                _ => refused(Refusal::Malformed),
            },
            label::UNREGISTER => match (numbers.word(), numbers.end()) {
                (Ok(sandbox), Ok(())) => done(self.unregister(badge, sandbox, now)),
                _ => refused(Refusal::Malformed),
            },
            label::NARROW => match Narrow::decode(words) {
                Ok(narrow) => done(self.narrow(badge, &narrow)),
                Err(_) => refused(Refusal::Malformed),
            },
            label::REGISTER => {
                match Register::decode(words).map(|register| self.register(badge, &register)) {
                    Ok(Ok(sandbox)) => {
                        let mut words = Words::new(0);
                        // A second word always fits.
                        words
                            .push(sandbox)
                            .map_or(refused(Refusal::Malformed), |()| {
                                Outcome::Endpoint(words, sandbox)
                            })
                    }
                    Ok(Err(refusal)) => refused(refusal),
                    Err(_) => refused(Refusal::Malformed),
                }
            }
            _ => refused(Refusal::Malformed),
        }
    }

    /// A message of the control channel; what to send back. Others than answers, revokes and wishes for the list are not the broker's.
    pub fn control(&mut self, message: &ToMachine, now: Now) -> Vec<ToHost> {
        match message {
            ToMachine::Answer {
                id,
                answer,
                by,
                rate,
            } => {
                self.answer(*id, *answer, *by, u64::from(*rate), now);
            }
            ToMachine::Revoke { grant } => {
                // One that is gone already is what was wanted.
                let _ = self.revoke(*grant, now);
            }
            ToMachine::ListGrants => {
                let parts = self.list();
                let end = parts.len() - 1;
                return parts
                    .into_iter()
                    .enumerate()
                    .map(|(place, list)| ToHost::Grants {
                        list,
                        last: place == end,
                    })
                    .collect();
            }
            _ => (),
        }
        Vec::new()
    }
}

/// What a request that waited gets, once it is resolved.
pub fn resolved(reply: Result<Opened, Refusal>, open: Open) -> Outcome {
    match reply {
        Ok(opened) => deliver(opened, open),
        Err(refusal) => Outcome::Words(refusal.encode()),
    }
}

fn deliver(opened: Opened, open: Open) -> Outcome {
    match opened.encode() {
        Ok(words) => Outcome::Device(words, opened, open),
        Err(_) => Outcome::Words(Refusal::Malformed.encode()),
    }
}

/// The message that tells the host of an effect; none for those that concern the machine only.
pub fn to_host(effect: &Effect) -> Option<ToHost> {
    Some(match effect {
        Effect::Log(line) => ToHost::Log(line.clone()),
        Effect::Prompt(prompt) => ToHost::Prompt(prompt.clone()),
        Effect::PromptGone(id) => ToHost::PromptGone { id: *id },
        Effect::Remember(id, line) => ToHost::Remember {
            id: *id,
            line: line.clone(),
        },
        Effect::Notify(line) => ToHost::Notice(line.clone()),
        Effect::Resolved(..) | Effect::Revoked(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{Answer, Resource};
    use alloc::vec;
    use sundog_protocols::consent::{CONTROL_BADGE, DEVICE_BADGE};
    use sundog_protocols::control::By;

    const NOW: Now = Now {
        monotonic: 1,
        unix: 1,
    };

    fn open() -> Open {
        Open {
            resource: Resource::Serial,
            instance: "1".into(),
            number: 0,
            program_hash: [1; 32],
            program: "/bin/cat".into(),
        }
    }

    fn register() -> Words {
        let register = Register {
            badge: 5,
            parent: 0,
            manifest: [2; 32],
            interactive: false,
            name: "box".into(),
            tag: String::new(),
        };
        register.encode().unwrap()
    }

    #[test]
    fn a_request_goes_from_words_to_a_device_and_back() {
        let mut broker = Setup::new().finish(true).unwrap();
        assert!(matches!(
            broker.request(CONTROL_BADGE, &register(), NOW),
            Outcome::Endpoint(_, 5)
        ));
        let Outcome::Later(id, waiting) = broker.request(5, &open().encode().unwrap(), NOW) else {
            panic!()
        };
        broker.control(
            &ToMachine::Answer {
                id,
                answer: Answer::Run,
                by: By::Typed,
                rate: 100,
            },
            NOW,
        );
        let effects = broker.take_effects();
        let reply = effects.iter().find_map(|e| {
            if let Effect::Resolved(i, reply) = e {
                (*i == id).then_some(*reply)
            } else {
                None
            }
        });
        let Outcome::Device(words, opened, _) = resolved(reply.unwrap(), waiting) else {
            panic!()
        };
        assert_eq!(Opened::decode(&words), Ok(Ok(opened)));
        assert_eq!(
            (
                opened.rate,
                broker.granted(opened.grant, NOW).unwrap().sandbox
            ),
            (100, 5)
        );
        let mut used = Words::new(label::USED);
        used.push(opened.grant).and_then(|()| used.push(7)).unwrap();
        assert_eq!(
            broker.request(DEVICE_BADGE, &used, NOW),
            Outcome::Words(Words::new(0))
        );
        let lists = broker.control(&ToMachine::ListGrants, NOW);
        assert!(matches!(&lists[..], [ToHost::Grants { list, last: true }] if list[0].bytes == 7));
        broker.control(
            &ToMachine::Revoke {
                grant: opened.grant,
            },
            NOW,
        );
        assert_eq!(
            broker.request(DEVICE_BADGE, &used, NOW),
            Outcome::Words(Refusal::Revoked.encode())
        );
        assert!(
            effects
                .iter()
                .filter_map(to_host)
                .any(|message| matches!(message, ToHost::Prompt(_)))
        );
    }

    #[test]
    fn hostile_words_are_refused() {
        let mut broker = Setup::new().finish(false).unwrap();
        broker.request(CONTROL_BADGE, &register(), NOW);
        let mut random = Random(23);
        for _ in 0..20_000 {
            let mut words: Vec<u64> = (0..1 + random.below(20))
                .map(|_| random.next() >> random.below(64))
                .collect();
            words[0] = label::OPEN + random.below(8) as u64;
            let badge = [0, 5, DEVICE_BADGE, random.next()][random.below(4)];
            let outcome = broker.request(badge, &Words::from_slice(&words).unwrap(), NOW);
            assert!(
                matches!(&outcome, Outcome::Words(words) if words.label() != 0),
                "{words:?} {outcome:?}"
            );
            broker.take_effects();
        }
    }

    #[test]
    fn one_mistake_anywhere_and_there_is_no_broker() {
        let good = "serial * @tag:x allow\n";
        let cases: [&[(Part, &str, &str, bool)]; 6] = [
            &[
                (Part::Policy, "a", good, true),
                (Part::Policy, "b", "nonsense\n", true),
            ],
            &[
                (Part::Policy, "a", good, true),
                (Part::Allow, "", "serail1", true),
            ],
            &[
                (Part::Policy, "a", good, true),
                (Part::Deny, "", "serial1=once", true),
            ],
            &[(Part::Policy, "a", good, false)],
            &[
                (Part::Policy, "a", good, false),
                (Part::Policy, "b", good, true),
            ],
            &[
                (Part::Policy, "a", good, false),
                (Part::Policy, "a", "serial * @tag:x all", true),
            ],
        ];
        for case in cases {
            let mut setup = Setup::new();
            case.iter()
                .for_each(|(part, name, text, last)| setup.add(*part, name, text, *last));
            assert!(!setup.finish(true).unwrap_err().is_empty());
        }
        let mut pieces = Setup::new();
        pieces.add(Part::Policy, "a", "serial * @tag", false);
        pieces.add(Part::Policy, "a", ":x allow\n", true);
        pieces.add(Part::Allow, "", "camera0=once", true);
        assert!(pieces.finish(true).is_ok());
        let mut long = Setup::new();
        (0..40).for_each(|_| long.add(Part::Policy, "a", &"#".repeat(7000), false));
        assert!(long.finish(true).is_err());
    }

    #[test]
    fn a_corrupt_store_does_not_stop_the_broker_but_its_always() {
        let mut setup = Setup::new();
        setup.add(Part::Store, "store", "garbage", true);
        let mut broker = setup.finish(true).unwrap();
        broker.request(CONTROL_BADGE, &register(), NOW);
        let Outcome::Later(..) = broker.request(5, &open().encode().unwrap(), NOW) else {
            panic!()
        };
        let offered = broker.take_effects().into_iter().find_map(|e| {
            if let Effect::Prompt(p) = e {
                Some(p.offered)
            } else {
                None
            }
        });
        assert!(!offered.unwrap().contains(Answer::Always));
        assert_eq!(vec![broker.visible()], [Some("1 serial +1".into())]);
    }
}
