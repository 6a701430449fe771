//! The broker: takes requests, decides by policy, stored answers and the person, and keeps the grants.
//!
//! It does no I/O: what has to happen is left as [`Effect`]s, in order, which the server takes after each call and carries out.
//! At most one question is with the person at a time; the others wait. Nothing but a typed answer is remembered.
mod ask;
mod decide;
mod narrow;
mod sandbox;

pub use ask::{
    MAX_PROMPTS, MAX_PROMPTS_IN_ALL, MAX_PROMPTS_OF_SANDBOX, MAX_WAITING, PROMPT_SECONDS,
};
pub use narrow::{MAX_NARROWING, MAX_NARROWING_IN_ALL};
pub use sandbox::MAX_SANDBOXES;

use crate::grants::{Grant, Grants, after};
use crate::log::{EACH, Figures, Log, Record};
use crate::policy::{Origin, Policy, is_instance};
use crate::store::{Key, Store};
use crate::{Answer, Now, Open, Opened, Refusal, Resource, names};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ask::Pending;
use decide::{Terms, Verdict};
use sandbox::Sandbox;
use sundog_protocols::{consent::DEVICE_BADGE, control};

/// What the server has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Add a line to the log.
    Log(String),
    /// Show a question.
    Prompt(control::Prompt),
    /// Take a question away.
    PromptGone(u64),
    /// Reply to the request that got [`Reply::Waiting`] with this number.
    Resolved(u64, Result<Opened, Refusal>),
    /// Tell the device server to drop this grant, then revoke its capability.
    Revoked(u64),
    /// Hand a line to the host's store: for the question with this number, or 0 for an option of the command line.
    Remember(u64, String),
    /// Tell the person in one line; names in it are escaped.
    Notify(String),
}

/// The reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Hand out a capability with the grant's number as badge.
    Opened(Opened),
    /// Nothing is handed out.
    Refused(Refusal),
    /// The person is asked; [`Effect::Resolved`] brings the reply.
    Waiting(u64),
}

/// The broker's state.
#[derive(Debug)]
pub struct Broker {
    policy: Policy,
    /// None: the store is corrupt.
    store: Option<Store>,
    person: bool,
    sandboxes: BTreeMap<u64, Sandbox>,
    next_badge: u64,
    grants: Grants,
    /// Answers that hold until the sandbox ends, with their rates. `never` holds for the sandbox of init's around it too, so that
    /// another one within, given the same, asks no more.
    session: BTreeMap<(u64, Key), (Answer, u64)>,
    /// What was taken back from a sandbox of init's or one within it: no rule and no stored answer grants it again there, whatever the
    /// program calls itself and in however many new sandboxes it is started.
    revoked: BTreeSet<(u64, Resource, String)>,
    /// Rules with `scope=once` that have served a sandbox of init's or one within it.
    spent: BTreeSet<(usize, u64)>,
    asked: BTreeMap<(u64, [u8; 32], Resource), u32>,
    /// Questions of a sandbox of init's and all within it.
    asked_in_all: BTreeMap<u64, u32>,
    waiting: VecDeque<Pending>,
    next_prompt: u64,
    log: Log,
    notified: BTreeMap<(u64, Resource), u64>,
    effects: VecDeque<Effect>,
}

impl Broker {
    /// A broker. `store` is an error when its text was corrupt: then no stored `always` counts and none is offered.
    /// `person` says whether there is anybody to ask.
    pub fn new(
        policy: Policy,
        store: Result<Store, crate::store::Corrupt>,
        person: bool,
    ) -> Broker {
        Broker {
            policy,
            store: store.ok(),
            person,
            sandboxes: BTreeMap::new(),
            next_badge: 1,
            grants: Grants::default(),
            session: BTreeMap::new(),
            revoked: BTreeSet::new(),
            spent: BTreeSet::new(),
            asked: BTreeMap::new(),
            asked_in_all: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_prompt: 1,
            log: Log::default(),
            notified: BTreeMap::new(),
            effects: VecDeque::new(),
        }
    }

    /// What has to be done, oldest first.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.effects.drain(..).collect()
    }

    /// A program asks; `badge` is that of the endpoint capability that it used.
    pub fn open(&mut self, badge: u64, open: &Open, now: Now) -> Reply {
        if !self.sandboxes.contains_key(&badge) {
            return Reply::Refused(Refusal::Forbidden);
        }
        if !is_instance(&open.instance) {
            return Reply::Refused(Refusal::Malformed);
        }
        match self.decide(badge, open, now) {
            Verdict::Ask(terms) => self.ask(badge, open, terms, now),
            verdict => self
                .carry_out(badge, open, verdict, now)
                .map_or_else(Reply::Refused, Reply::Opened),
        }
    }

    /// A program gives a grant back.
    pub fn close(&mut self, badge: u64, number: u64, now: Now) -> Result<(), Refusal> {
        match self.grants.get(number, now.monotonic) {
            Some(grant) if grant.sandbox == badge => {
                self.drop_grant(number, "close", now);
                Ok(())
            }
            _ => Err(Refusal::Revoked),
        }
    }

    /// The person takes a grant back. It is asked for anew when it is wanted again.
    pub fn revoke(&mut self, number: u64, now: Now) -> Result<(), Refusal> {
        let grant = self
            .drop_grant(number, "revoke", now)
            .ok_or(Refusal::Revoked)?;
        self.revoked.insert((
            self.outermost(grant.sandbox),
            grant.key.resource,
            grant.key.instance.clone(),
        ));
        self.session.retain(|(badge, key), (answer, _)| {
            !(answer.allows()
                && *badge == grant.sandbox
                && key.resource == grant.key.resource
                && key.instance == grant.key.instance)
        });
        Ok(())
    }

    /// The person takes all grants of a sandbox back; how many there were.
    pub fn revoke_sandbox(&mut self, badge: u64, now: Now) -> usize {
        let numbers = self.grants.numbers(|grant| grant.sandbox == badge);
        numbers
            .iter()
            .filter(|number| self.revoke(**number, now).is_ok())
            .count()
    }

    /// A device server, with `badge` as its own, reports use. An error tells it that the grant is dead.
    pub fn used(&mut self, badge: u64, number: u64, bytes: u64, now: Now) -> Result<(), Refusal> {
        if badge != DEVICE_BADGE {
            return Err(Refusal::Forbidden);
        }
        let grant = self
            .grants
            .get(number, now.monotonic)
            .ok_or(Refusal::Revoked)?;
        grant.use_count += 1;
        grant.bytes = grant.bytes.saturating_add(bytes);
        grant.last_used_at = Some(now.unix);
        let grant = grant.clone();
        self.log_grant("use", &grant, now);
        Ok(())
    }

    /// A grant that lives, by its number.
    pub fn granted(&mut self, number: u64, now: Now) -> Option<&Grant> {
        self.grants.get(number, now.monotonic).map(|grant| &*grant)
    }

    /// The grants for the person's list, in parts that fit into a message; at least one part.
    pub fn list(&self) -> Vec<Vec<control::Grant>> {
        let all: Vec<control::Grant> = self
            .grants
            .iter()
            .map(|(id, grant)| listed(id, grant))
            .collect();
        if all.is_empty() {
            return alloc::vec![Vec::new()];
        }
        all.chunks(control::MAX_GRANTS)
            .map(<[control::Grant]>::to_vec)
            .collect()
    }

    /// Time has passed: a question may have gone unanswered, grants may have expired.
    pub fn tick(&mut self, now: Now) {
        for number in self.grants.numbers(|grant| {
            grant
                .expires
                .is_some_and(|expires| expires <= now.monotonic)
        }) {
            self.drop_grant(number, "expire", now);
        }
        self.time_out(now);
    }

    /// When [`Broker::tick`] has something to do, in nanoseconds.
    pub fn deadline(&self) -> Option<u64> {
        let prompt = self.waiting.front().and_then(|pending| pending.deadline);
        [prompt, self.grants.next_expiry()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The service ends: writes what the log has only counted.
    pub fn finish(&mut self, now: Now) {
        let lines = self.log.flush(now.unix);
        self.effects.extend(lines.into_iter().map(Effect::Log));
    }

    /// Does what was decided without asking.
    fn carry_out(
        &mut self,
        badge: u64,
        open: &Open,
        verdict: Verdict,
        now: Now,
    ) -> Result<Opened, Refusal> {
        match verdict {
            Verdict::Grant(answer, terms, by) => {
                let opened = self.grant(badge, open, answer, &terms, by, now)?;
                if let Some(place) = terms.spends {
                    self.spent.insert((place, self.outermost(badge)));
                }
                if terms.origin == Some(Origin::CommandLine) && answer == Answer::Always {
                    self.remember(0, badge, open, answer, terms.expires, now);
                }
                Ok(opened)
            }
            Verdict::Deny(terms, by) => {
                self.log_decision(badge, open, "deny", "", &by, now);
                self.notify(&terms, badge, open, "denied");
                Err(Refusal::Denied)
            }
            Verdict::Ask(_) => Err(Refusal::Denied),
        }
    }

    fn grant(
        &mut self,
        badge: u64,
        open: &Open,
        answer: Answer,
        terms: &Terms,
        by: String,
        now: Now,
    ) -> Result<Opened, Refusal> {
        let key = self.key(badge, open).ok_or(Refusal::Forbidden)?;
        let grant = Grant {
            sandbox: badge,
            key,
            program: open.program.clone(),
            answer,
            rate: terms.rate,
            decided_at: now.unix,
            decided_by: by.clone(),
            expires: terms.expires.map(|seconds| after(now.monotonic, seconds)),
            use_count: 0,
            bytes: 0,
            last_used_at: None,
        };
        let Some(number) = self.grants.insert(grant) else {
            self.log_decision(badge, open, "deny", "", "full", now);
            return Err(Refusal::Exhausted);
        };
        let (decision, said) = if answer == Answer::Black {
            ("black", "given an empty device")
        } else {
            ("allow", "allowed")
        };
        self.log_decision(badge, open, decision, answer.word(), &by, now);
        self.notify(terms, badge, open, said);
        Ok(Opened {
            grant: number,
            answer,
            rate: terms.rate,
        })
    }

    fn drop_grant(&mut self, number: u64, event: &'static str, now: Now) -> Option<Grant> {
        let grant = self.grants.remove(number)?;
        self.effects.push_back(Effect::Revoked(number));
        self.log_grant(event, &grant, now);
        Some(grant)
    }

    fn key(&self, badge: u64, open: &Open) -> Option<Key> {
        let manifest = self.sandboxes.get(&badge)?.manifest;
        Some(Key {
            manifest,
            program: open.program_hash,
            resource: open.resource,
            instance: open.instance.clone(),
        })
    }

    fn log_decision(
        &mut self,
        badge: u64,
        open: &Open,
        decision: &'static str,
        scope: &'static str,
        by: &str,
        now: Now,
    ) {
        let Some(key) = self.key(badge, open) else {
            return;
        };
        let record = Record {
            event: "decision",
            badge,
            manifest: key.manifest,
            program: open.program.clone(),
            program_hash: key.program,
            resource: key.resource,
            instance: key.instance,
            decision,
            scope,
            decided_by: by.into(),
            via: self.chain(badge),
        };
        self.log(
            record,
            Figures {
                decided_at: now.unix,
                ..Figures::default()
            },
            now,
        );
    }

    fn log_grant(&mut self, event: &'static str, grant: &Grant, now: Now) {
        let record = Record {
            event,
            badge: grant.sandbox,
            manifest: grant.key.manifest,
            program: grant.program.clone(),
            program_hash: grant.key.program,
            resource: grant.key.resource,
            instance: grant.key.instance.clone(),
            decision: if grant.answer == Answer::Black {
                "black"
            } else {
                "allow"
            },
            scope: grant.answer.word(),
            decided_by: grant.decided_by.clone(),
            via: self.chain(grant.sandbox),
        };
        let Grant {
            decided_at,
            last_used_at,
            use_count,
            bytes,
            ..
        } = *grant;
        let left = grant
            .expires
            .map(|expires| expires.saturating_sub(now.monotonic) / crate::SECOND);
        let expires_at = left.map(|left| now.unix.saturating_add(left));
        self.log(
            record,
            Figures {
                decided_at,
                expires_at,
                last_used_at,
                use_count,
                bytes,
            },
            now,
        );
    }

    fn log(&mut self, record: Record, figures: Figures, now: Now) {
        let lines = self.log.add(record, now.unix, figures);
        self.effects.extend(lines.into_iter().map(Effect::Log));
    }

    fn notify(&mut self, terms: &Terms, badge: u64, open: &Open, said: &str) {
        if terms.notify {
            let place = terms.origin.as_ref();
            let place = place.map_or("no rule".into(), |origin| format!("{origin}"));
            self.tell(badge, open, said, &place);
        }
    }

    /// Tells the person what became of a request, a few times for a sandbox and a class of device.
    fn tell(&mut self, badge: u64, open: &Open, said: &str, why: &str) {
        let count = self.notified.entry((badge, open.resource)).or_insert(0);
        *count += 1;
        if *count <= EACH {
            let program = names::shown(&open.program, 60).text;
            let line = format!(
                "{program} was {said}: {} +{} ({why})",
                open.resource.name(),
                open.instance
            );
            self.effects.push_back(Effect::Notify(line));
        }
    }
}

fn listed(id: u64, grant: &Grant) -> control::Grant {
    control::Grant {
        id,
        badge: grant.sandbox,
        program: grant.program.clone(),
        resource: grant.key.resource.name().into(),
        instance: grant.key.instance.clone(),
        answer: grant.answer,
        bytes: grant.bytes,
    }
}

#[cfg(test)]
mod tests;
