//! Questions to the person: how many, one at a time, and what their answers do.
use super::decide::{Terms, Verdict};
use super::{Broker, Effect, Reply};
use crate::grants::after;
use crate::store::Entry;
use crate::{Answer, Now, Open, Opened, Refusal};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use sundog_protocols::control::{By, Prompt};

/// Questions about one program and one class of device while a sandbox lives. As in the other two bounds those that the person
/// answered by allowing do not count.
pub const MAX_PROMPTS: u32 = 3;
/// Questions of one sandbox in all, since a program can give itself new names and hashes.
pub const MAX_PROMPTS_OF_SANDBOX: u32 = 12;
/// Questions of a sandbox of init's and all within it, since it can start new ones.
pub const MAX_PROMPTS_IN_ALL: u32 = 36;
/// Questions that wait at a time.
pub const MAX_WAITING: usize = 32;
/// Seconds that a question waits for its answer once it is with the person. The prompt itself gives up earlier.
pub const PROMPT_SECONDS: u64 = 90;

/// A request whose answer is awaited.
#[derive(Debug)]
pub(super) struct Pending {
    id: u64,
    pub(super) badge: u64,
    open: Open,
    terms: Terms,
    /// It is with the person until then.
    pub(super) deadline: Option<u64>,
}

impl Broker {
    /// Puts a question into the queue, or refuses it when there were too many.
    pub(super) fn ask(&mut self, badge: u64, open: &Open, terms: Terms, now: Now) -> Reply {
        let of_sandbox: u32 = self
            .asked
            .iter()
            .filter(|((other, ..), _)| *other == badge)
            .map(|(_, count)| count)
            .sum();
        let place = (badge, open.program_hash, open.resource);
        let of_program = self.asked.get(&place).copied().unwrap_or(0);
        let outermost = self.outermost(badge);
        let in_all = self.asked_in_all.get(&outermost).copied().unwrap_or(0);
        let why = if of_program >= MAX_PROMPTS {
            format!("after {MAX_PROMPTS} questions about it that nobody allowed")
        } else if of_sandbox >= MAX_PROMPTS_OF_SANDBOX {
            format!("after {MAX_PROMPTS_OF_SANDBOX} questions of its sandbox that nobody allowed")
        } else if in_all >= MAX_PROMPTS_IN_ALL {
            format!("after {MAX_PROMPTS_IN_ALL} questions in all that nobody allowed")
        } else if self.waiting.len() >= MAX_WAITING {
            format!("{MAX_WAITING} questions wait already")
        } else {
            String::new()
        };
        if !why.is_empty() {
            self.log_decision(badge, open, "deny", "", "limit", now);
            self.tell(badge, open, "denied without a question", &why);
            return Reply::Refused(Refusal::Denied);
        }
        self.asked.insert(place, of_program + 1);
        self.asked_in_all.insert(outermost, in_all + 1);
        let id = self.next_prompt;
        self.next_prompt += 1;
        self.waiting.push_back(Pending {
            id,
            badge,
            open: open.clone(),
            terms,
            deadline: None,
        });
        self.show_next(now);
        Reply::Waiting(id)
    }

    /// The answer to the question that is with the person. An answer to another one, or too late, is ignored: false.
    pub fn answer(&mut self, id: u64, answer: Answer, by: By, rate: u64, now: Now) -> bool {
        if !self
            .waiting
            .front()
            .is_some_and(|pending| pending.id == id && pending.deadline.is_some())
        {
            return false;
        }
        let Some(pending) = self.waiting.pop_front() else {
            return false;
        };
        let (answer, who) = match by {
            By::Typed if pending.terms.offered.contains(answer) => (answer, "user-ui"),
            By::Typed => (Answer::Deny, "not-offered"),
            By::Escape => (Answer::Deny, "escape"),
            By::TimeOut => (pending.terms.default, "time-out"),
            By::NotShown => (pending.terms.default, "not-shown"),
        };
        let reply = self.settle(&pending, answer, who, by == By::Typed, rate, now);
        self.effects.push_back(Effect::Resolved(id, reply));
        self.show_next(now);
        true
    }

    /// Whether there is anybody to ask; when not, what waits is not answered.
    pub fn set_person(&mut self, person: bool, now: Now) {
        self.person = person;
        while !person && let Some(pending) = self.waiting.pop_front() {
            if pending.deadline.is_some() {
                self.effects.push_back(Effect::PromptGone(pending.id));
            }
            let reply = self.settle(&pending, pending.terms.default, "not-shown", false, 0, now);
            self.effects.push_back(Effect::Resolved(pending.id, reply));
        }
    }

    /// Who asked does not want it any more. The question counts among those of its program all the same.
    ///
    /// # Errors
    /// `Absent` if no question of this sandbox has the number.
    pub(crate) fn withdraw(&mut self, badge: u64, number: u64, now: Now) -> Result<(), Refusal> {
        let mut questions = self.waiting.iter();
        let place = questions
            .position(|pending| pending.badge == badge && pending.open.number == number)
            .filter(|_| number != 0);
        let pending = place.and_then(|place| self.waiting.remove(place));
        let pending = pending.ok_or(Refusal::Absent)?;
        if pending.deadline.is_some() {
            self.effects.push_back(Effect::PromptGone(pending.id));
        }
        self.log_decision(badge, &pending.open, "deny", "", "withdrawn", now);
        self.effects
            .push_back(Effect::Resolved(pending.id, Err(Refusal::Denied)));
        self.show_next(now);
        Ok(())
    }

    pub(super) fn time_out(&mut self, now: Now) {
        let late = self
            .waiting
            .front()
            .filter(|pending| pending.deadline.is_some_and(|end| end <= now.monotonic));
        if let Some(id) = late.map(|pending| pending.id) {
            self.effects.push_back(Effect::PromptGone(id));
            self.answer(id, Answer::Deny, By::TimeOut, 0, now);
        }
    }

    /// A sandbox is gone: so are its questions.
    pub(super) fn forget_questions(&mut self, badge: u64, now: Now) {
        let (gone, left): (VecDeque<Pending>, _) = core::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|pending| pending.badge == badge);
        self.waiting = left;
        for pending in gone {
            if pending.deadline.is_some() {
                self.effects.push_back(Effect::PromptGone(pending.id));
            }
            self.effects
                .push_back(Effect::Resolved(pending.id, Err(Refusal::Denied)));
        }
        self.show_next(now);
    }

    /// Does what an answer says. Only `typed` answers leave anything behind.
    fn settle(
        &mut self,
        pending: &Pending,
        answer: Answer,
        who: &str,
        typed: bool,
        rate: u64,
        now: Now,
    ) -> Result<Opened, Refusal> {
        let Pending { badge, open, .. } = pending;
        let mut terms = pending.terms.clone();
        // The person may lower a rate that the policy sets, not raise it.
        terms.rate = if terms.rate == 0 || (rate != 0 && rate < terms.rate) {
            rate
        } else {
            terms.rate
        };
        terms.notify = false;
        if typed {
            if answer != Answer::Once
                && answer != Answer::Deny
                && let Some(key) = self.key(*badge, open)
            {
                if answer == Answer::Never {
                    let outermost = self.outermost(*badge);
                    self.session.insert((outermost, key.clone()), (answer, 0));
                }
                self.session.insert((*badge, key), (answer, terms.rate));
            }
            if matches!(answer, Answer::Always | Answer::Never) {
                self.remember(pending.id, *badge, open, answer, terms.expires, now);
            }
        }
        match answer {
            Answer::Once | Answer::Run | Answer::Always | Answer::Black => {
                if typed {
                    self.uncount(*badge, open);
                }
                self.grant(*badge, open, answer, &terms, who.into(), now)
            }
            Answer::Deny | Answer::Never => {
                let scope = if typed { answer.word() } else { "" };
                self.log_decision(*badge, open, "deny", scope, who, now);
                Err(Refusal::Denied)
            }
        }
    }

    pub(super) fn remember(
        &mut self,
        id: u64,
        badge: u64,
        open: &Open,
        answer: Answer,
        expires: Option<u64>,
        now: Now,
    ) {
        let Some(key) = self.key(badge, open) else {
            return;
        };
        let entry = Entry {
            key,
            answer,
            path: open.program.clone(),
            decided_at: now.unix,
            expires_at: expires.map(|seconds| now.unix.saturating_add(seconds)),
        };
        let line = entry.encode();
        if self.store.as_mut().is_some_and(|store| store.insert(entry)) {
            self.effects.push_back(Effect::Remember(id, line));
        }
    }

    /// Shows the next question, unless an answer given meanwhile, or a rule, has settled it.
    fn show_next(&mut self, now: Now) {
        while let Some(front) = self.waiting.front() {
            if front.deadline.is_some() {
                return;
            }
            let (id, badge, open) = (front.id, front.badge, front.open.clone());
            match self.decide(badge, &open, now) {
                Verdict::Ask(terms) => {
                    let prompt = self.prompt(id, badge, &open, &terms);
                    if let Some(front) = self.waiting.front_mut() {
                        front.terms = terms;
                        front.deadline = Some(after(now.monotonic, PROMPT_SECONDS));
                    }
                    self.effects.push_back(Effect::Prompt(prompt));
                    return;
                }
                verdict => {
                    self.waiting.pop_front();
                    self.uncount(badge, &open);
                    let reply = self.carry_out(badge, &open, verdict, now);
                    self.effects.push_back(Effect::Resolved(id, reply));
                }
            }
        }
    }

    /// A question that was put is none of those by which a program could wear the person out.
    fn uncount(&mut self, badge: u64, open: &Open) {
        let place = (badge, open.program_hash, open.resource);
        let outermost = self.outermost(badge);
        for count in [
            self.asked.get_mut(&place),
            self.asked_in_all.get_mut(&outermost),
        ]
        .into_iter()
        .flatten()
        {
            *count = count.saturating_sub(1);
        }
    }

    fn prompt(&self, id: u64, badge: u64, open: &Open, terms: &Terms) -> Prompt {
        Prompt {
            id,
            badge,
            chain: self.chain(badge),
            program: open.program.clone(),
            resource: open.resource.name().into(),
            instance: open.instance.clone(),
            reason: String::new(),
            offered: terms.offered,
        }
    }

    /// The question that is with the person, for `perm` and traces.
    pub fn visible(&self) -> Option<String> {
        let front = self
            .waiting
            .front()
            .filter(|pending| pending.deadline.is_some())?;
        Some(format!(
            "{} {} +{}",
            front.id,
            front.open.resource.name(),
            front.open.instance
        ))
    }
}
