//! What is decided without the person: by the policy, by answers of this run, by stored ones.
use super::Broker;
use crate::policy::{Action, Origin, Rule, Scope, Subject};
use crate::{Answer, Answers, Now, Open};
use alloc::format;
use alloc::string::String;

/// The terms of a decision, from its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Bytes a second; 0 = no limit.
    pub(super) rate: u64,
    /// Seconds that a grant or stored answer lives.
    pub(super) expires: Option<u64>,
    /// Tell the person.
    pub(super) notify: bool,
    /// The rule's place, if it does not serve this sandbox again.
    pub(super) spends: Option<usize>,
    /// Where the rule stands.
    pub(super) origin: Option<Origin>,
    /// What may be answered.
    pub(super) offered: Answers,
    /// What happens without an answer: deny or black.
    pub(super) default: Answer,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand out a device: the answer, and who or what decided.
    Grant(Answer, Terms, String),
    /// Refuse, and who or what decided.
    Deny(Terms, String),
    /// Ask.
    Ask(Terms),
}

impl Broker {
    pub(super) fn decide(&self, badge: u64, open: &Open, now: Now) -> Verdict {
        let Some(sandbox) = self.sandboxes.get(&badge) else {
            return Verdict::Deny(self.terms(badge, None), "badge".into());
        };
        let subject = Subject {
            resource: open.resource,
            instance: &open.instance,
            manifest: &sandbox.manifest,
            tag: &sandbox.tag,
            path: &open.program,
        };
        let narrowed = self.narrowed(badge, &subject);
        if let Some(denied) = narrowed.denied(self.terms(badge, None)) {
            return denied;
        }
        let rule = self.rule(badge, &subject);
        let mut terms = self.terms(badge, rule);
        narrowed.limit(&mut terms);
        let by = terms
            .origin
            .as_ref()
            .map_or("default".into(), |origin| format!("{origin}"));
        let outermost = self.outermost(badge);
        let taken_back = self
            .revoked
            .contains(&(outermost, open.resource, open.instance.clone()));
        let verdict = match rule.map_or(Action::Ask, |(_, rule)| rule.action) {
            Action::Allow if !taken_back && !narrowed.asks() => {
                let scope = rule.and_then(|(_, rule)| rule.scope).unwrap_or(Scope::Run);
                Verdict::Grant(scope.answer(), terms, by)
            }
            Action::Deny => Verdict::Deny(terms, by),
            Action::Blackhole => Verdict::Grant(Answer::Black, terms, by),
            Action::Allow | Action::Ask => self.answered(badge, open, terms, taken_back, now),
        };
        narrowed.apply(verdict)
    }

    /// The policy's rule about a subject in this sandbox.
    pub(super) fn rule(&self, badge: u64, subject: &Subject<'_>) -> Option<(usize, &Rule)> {
        let outermost = self.outermost(badge);
        self.policy
            .find(subject, |place| self.spent.contains(&(place, outermost)))
    }

    /// An answer that was given before, or that the person must be asked.
    fn answered(
        &self,
        badge: u64,
        open: &Open,
        mut terms: Terms,
        taken_back: bool,
        now: Now,
    ) -> Verdict {
        let Some(key) = self.key(badge, open) else {
            return Verdict::Deny(terms, "badge".into());
        };
        // The rule that would have allowed it has not served.
        terms.spends = None;
        let session = self.session.get(&(badge, key.clone())).copied();
        let outermost = self.session.get(&(self.outermost(badge), key.clone()));
        if outermost.is_some_and(|(answer, _)| *answer == Answer::Never) {
            return Verdict::Deny(terms, "never".into());
        }
        let stored = self
            .store
            .as_ref()
            .and_then(|store| store.find(&key, now.unix));
        match session {
            Some((Answer::Never, _)) => return Verdict::Deny(terms, "never".into()),
            Some((Answer::Black, _)) => return Verdict::Grant(Answer::Black, terms, "run".into()),
            // What was taken back took the answers before it along, so this one is newer.
            Some((answer, rate)) if answer.allows() => {
                terms.rate = rate;
                return Verdict::Grant(Answer::Run, terms, "run".into());
            }
            _ => (),
        }
        match stored {
            Some(entry) if entry.answer == Answer::Never => {
                return Verdict::Deny(terms, "store".into());
            }
            Some(entry) if !taken_back && terms.offered.contains(Answer::Always) => {
                terms.expires = entry
                    .expires_at
                    .map(|expires| expires.saturating_sub(now.unix));
                return Verdict::Grant(Answer::Always, terms, "store".into());
            }
            _ => (),
        }
        if self.person {
            return Verdict::Ask(terms);
        }
        match terms.default {
            Answer::Black => Verdict::Grant(Answer::Black, terms, "nobody-to-ask".into()),
            _ => Verdict::Deny(terms, "nobody-to-ask".into()),
        }
    }

    fn terms(&self, badge: u64, rule: Option<(usize, &Rule)>) -> Terms {
        let interactive = self
            .sandboxes
            .get(&badge)
            .is_none_or(|sandbox| sandbox.interactive);
        let mut offered = if interactive || self.store.is_none() {
            Answers::NOT_ALWAYS
        } else {
            Answers::ALL
        };
        let Some((place, rule)) = rule else {
            let default = Answer::Deny;
            return Terms {
                rate: 0,
                expires: None,
                notify: false,
                spends: None,
                origin: None,
                offered,
                default,
            };
        };
        let once = rule.action == Action::Allow && rule.scope == Some(Scope::Once);
        if rule.action == Action::Ask {
            match rule.scope {
                Some(Scope::Once) => offered = offered.without(Answer::Always).without(Answer::Run),
                Some(Scope::Run) => offered = offered.without(Answer::Always),
                Some(Scope::Always) | None => (),
            }
        }
        Terms {
            rate: rule.rate.unwrap_or(0),
            expires: rule.expires,
            notify: rule.notifies(),
            spends: once.then_some(place),
            origin: Some(rule.origin.clone()),
            offered,
            default: rule.default.unwrap_or(Answer::Deny),
        }
    }
}
