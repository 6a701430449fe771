//! Sandboxes within get at most what those around them would: by the policy, and by rules that their parents gave along.
use super::Broker;
use super::decide::{Terms, Verdict};
use crate::policy::{self, Action, Origin, Rule, Scope, Subject};
use crate::{Answer, Refusal};
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::consent::{CONTROL_BADGE, Narrow};
use sundog_protocols::control::MAX_CHAIN;

/// The most rules that narrow one sandbox.
pub const MAX_NARROWING: usize = 128;
/// The most of all sandboxes together.
pub const MAX_NARROWING_IN_ALL: usize = 1024;

/// The rules that a sandbox was given along, in two lists; both hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Narrowing {
    options: Vec<Rule>,
    file: Vec<Rule>,
}

impl Narrowing {
    fn count(&self) -> usize {
        self.options.len() + self.file.len()
    }

    /// In each list the first rule that matches.
    fn matching<'a>(&'a self, subject: &'a Subject<'_>) -> impl Iterator<Item = &'a Rule> {
        let lists = [&self.options, &self.file].into_iter();
        lists.filter_map(|rules| rules.iter().find(|rule| rule.matches(subject)))
    }
}

/// What is left of a decision.
#[derive(Clone, Debug, Default)]
pub(super) struct Narrowed {
    /// The rule that denies: where it stands, and whether the person is told.
    deny: Option<(Origin, bool)>,
    /// The same for one that gives an empty device.
    black: Option<(Origin, bool)>,
    /// Nothing is granted without a question.
    asks: bool,
    widest: Option<Scope>,
    rate: u64,
    expires: Option<u64>,
    default: Option<Answer>,
}

/// The lower of two rates, of which 0 is no limit.
fn lower(one: u64, other: u64) -> u64 {
    match (one, other) {
        (0, rate) | (rate, 0) => rate,
        _ => one.min(other),
    }
}

/// The earlier of two ends.
fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

impl Broker {
    /// Adds a rule that takes away from a child of the caller's, and from those within it.
    ///
    /// # Errors
    /// `Absent`, `Forbidden` for another's child, `Malformed` for a rule that is not understood or that allows, `Exhausted`.
    pub fn narrow(&mut self, caller: u64, narrow: &Narrow) -> Result<(), Refusal> {
        let in_all: usize = self.sandboxes.values().map(|s| s.narrowing.count()).sum();
        let sandbox = self.sandboxes.get_mut(&narrow.badge);
        let sandbox = sandbox.ok_or(Refusal::Absent)?;
        if caller != CONTROL_BADGE && (caller == 0 || sandbox.parent != caller) {
            return Err(Refusal::Forbidden);
        }
        if sandbox.narrowing.count() >= MAX_NARROWING || in_all >= MAX_NARROWING_IN_ALL {
            return Err(Refusal::Exhausted);
        }
        let option = if narrow.option { "--deny" } else { "--policy" };
        let origin = Origin::File(format!("{} {option}", sandbox.name), narrow.line as usize);
        let rule = policy::narrowing(&narrow.rule, origin).ok_or(Refusal::Malformed)?;
        if narrow.option {
            sandbox.narrowing.options.push(rule);
        } else {
            sandbox.narrowing.file.push(rule);
        }
        Ok(())
    }

    /// What the sandboxes from this one up leave of a decision about a program in it.
    pub(super) fn narrowed(&self, badge: u64, subject: &Subject<'_>) -> Narrowed {
        let mut narrowed = Narrowed::default();
        let mut next = self.sandboxes.get(&badge);
        for step in 0..MAX_CHAIN {
            let Some(sandbox) = next else { break };
            for rule in sandbox.narrowing.matching(subject) {
                narrowed.add(rule);
            }
            // What the policy says of the sandbox itself is no narrowing.
            if step > 0 {
                let around = Subject {
                    manifest: &sandbox.manifest,
                    tag: &sandbox.tag,
                    ..*subject
                };
                match self.rule(badge, &around) {
                    Some((_, rule)) => narrowed.add(rule),
                    None => narrowed.asks = true,
                }
            }
            next = self.sandboxes.get(&sandbox.parent);
        }
        narrowed
    }
}

impl Narrowed {
    fn add(&mut self, rule: &Rule) {
        let told = || Some((rule.origin.clone(), rule.notifies()));
        match rule.action {
            Action::Deny => self.deny = self.deny.take().or_else(told),
            Action::Blackhole => self.black = self.black.take().or_else(told),
            Action::Ask => self.asks = true,
            Action::Allow => {}
        }
        let scope = match rule.action {
            // An allowance without a scope holds for a run.
            Action::Allow => rule.scope.or(Some(Scope::Run)),
            _ => rule.scope,
        };
        self.widest = [self.widest, scope].into_iter().flatten().min();
        self.rate = lower(self.rate, rule.rate.unwrap_or(0));
        self.expires = earlier(self.expires, rule.expires);
        self.default = self.default.or(rule.default);
    }

    /// Whether nothing may be granted without a question.
    pub(super) fn asks(&self) -> bool {
        self.asks
    }

    /// The refusal, if it comes to one.
    pub(super) fn denied(&self, mut terms: Terms) -> Option<Verdict> {
        let (origin, notify) = self.deny.clone()?;
        let by = format!("{origin}");
        (terms.origin, terms.notify, terms.spends) = (Some(origin), notify, None);
        Some(Verdict::Deny(terms, by))
    }

    /// Takes away from what may be answered.
    pub(super) fn limit(&self, terms: &mut Terms) {
        if let Some(widest) = self.widest {
            for scope in Scope::ALL.into_iter().filter(|scope| *scope > widest) {
                terms.offered = terms.offered.without(scope.answer());
            }
        }
        terms.rate = lower(terms.rate, self.rate);
        terms.expires = earlier(terms.expires, self.expires);
        terms.default = self.default.unwrap_or(terms.default);
    }

    /// What is left of a verdict.
    pub(super) fn apply(self, verdict: Verdict) -> Verdict {
        match (verdict, self.black.clone()) {
            (Verdict::Grant(_, mut terms, _) | Verdict::Ask(mut terms), Some((origin, notify))) => {
                let by = format!("{origin}");
                (terms.origin, terms.notify, terms.spends) = (Some(origin), notify, None);
                Verdict::Grant(Answer::Black, terms, by)
            }
            (Verdict::Grant(answer, mut terms, by), None) => {
                self.limit(&mut terms);
                Verdict::Grant(self.cut(answer), terms, by)
            }
            (verdict, _) => verdict,
        }
    }

    /// An answer that allows, for no longer than may be.
    fn cut(&self, answer: Answer) -> Answer {
        let scope = Scope::ALL
            .into_iter()
            .find(|scope| scope.answer() == answer);
        match (scope, self.widest) {
            (Some(scope), Some(widest)) => scope.min(widest).answer(),
            _ => answer,
        }
    }
}
