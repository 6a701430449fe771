//! The sandboxes that the broker knows: badges, who spawned whom, and what ends with them.
use super::narrow::Narrowing;
use super::{Broker, Effect};
use crate::{Hash, Now, Refusal, Register};
use alloc::string::String;
use alloc::vec::Vec;
use hmac_sha256::Hash as Digest;
use sundog_protocols::consent::{CONTROL_BADGE, DEVICE_BADGE};
use sundog_protocols::control::MAX_CHAIN;

/// The most sandboxes at a time.
pub const MAX_SANDBOXES: usize = 256;

/// A sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sandbox {
    pub(super) parent: u64,
    pub(super) manifest: Hash,
    pub(super) interactive: bool,
    pub(super) tag: String,
    pub(super) name: String,
    /// Rules that take away from it, and from those within it.
    pub(super) narrowing: Narrowing,
}

/// The manifest of a sandbox that another one spawned: what the spawner says of it holds within the spawner only.
fn within(parent: &Hash, given: &Hash) -> Hash {
    let mut digest = Digest::new();
    digest.update(b"sandbox within");
    digest.update(parent);
    digest.update(given);
    digest.finalize()
}

impl Broker {
    /// A sandbox was spawned; gives its badge. `caller` is the badge of the capability used: init may register anything, a sandbox
    /// only children of its own, without tag and with a badge that the broker chooses.
    ///
    /// # Errors
    /// `Forbidden`, `Absent` for a parent that is not there, `Malformed` for a badge that is taken, `Exhausted`.
    pub fn register(&mut self, caller: u64, register: &Register) -> Result<u64, Refusal> {
        let init = caller == CONTROL_BADGE;
        let parent = match register.parent {
            0 if !init => caller,
            parent => parent,
        };
        let own_child = self.sandboxes.contains_key(&caller) && parent == caller;
        let plain = register.badge == 0 && register.tag.is_empty();
        if !(init || own_child && plain) {
            return Err(Refusal::Forbidden);
        }
        if parent != 0 && !self.sandboxes.contains_key(&parent) {
            return Err(Refusal::Absent);
        }
        if self.sandboxes.len() >= MAX_SANDBOXES || self.chain(parent).len() >= MAX_CHAIN {
            return Err(Refusal::Exhausted);
        }
        let badge = if register.badge == 0 {
            self.free_badge()
        } else {
            register.badge
        };
        if badge == CONTROL_BADGE || badge == DEVICE_BADGE || self.sandboxes.contains_key(&badge) {
            return Err(Refusal::Malformed);
        }
        let around = self.sandboxes.get(&parent);
        // A child of an interactive sandbox gets its commands from the same person.
        let interactive = register.interactive || around.is_some_and(|around| around.interactive);
        let manifest = around.map_or(register.manifest, |around| {
            within(&around.manifest, &register.manifest)
        });
        let plain = |c: char| {
            if matches!(c, ' '..='~') && c != '"' && c != '\\' {
                c
            } else {
                '?'
            }
        };
        let sandbox = Sandbox {
            parent,
            manifest,
            interactive,
            tag: register.tag.clone(),
            name: register.name.chars().map(plain).collect(),
            narrowing: Narrowing::default(),
        };
        self.sandboxes.insert(badge, sandbox);
        Ok(badge)
    }

    /// A sandbox ended, and with it the ones that it spawned, all their grants, questions and answers for the run.
    pub fn unregister(&mut self, caller: u64, badge: u64, now: Now) -> Result<(), Refusal> {
        let sandbox = self.sandboxes.get(&badge).ok_or(Refusal::Absent)?;
        // A caller without a badge is nobody, although it equals the parent of what init started.
        if caller != CONTROL_BADGE && (caller == 0 || sandbox.parent != caller) {
            return Err(Refusal::Forbidden);
        }
        let mut ending = alloc::vec![badge];
        while let Some(badge) = ending.pop() {
            ending.extend(
                self.sandboxes
                    .iter()
                    .filter(|(_, other)| other.parent == badge)
                    .map(|(child, _)| *child),
            );
            self.end(badge, now);
        }
        Ok(())
    }

    fn end(&mut self, badge: u64, now: Now) {
        for number in self.grants.numbers(|grant| grant.sandbox == badge) {
            self.drop_grant(number, "end", now);
        }
        let lines = self.log.flush_badge(badge, now.unix);
        self.effects.extend(lines.into_iter().map(Effect::Log));
        self.sandboxes.remove(&badge);
        self.session.retain(|(other, _), _| *other != badge);
        self.revoked.retain(|(other, ..)| *other != badge);
        self.spent.retain(|(_, other)| *other != badge);
        self.asked.retain(|(other, ..), _| *other != badge);
        self.asked_in_all.remove(&badge);
        self.notified.retain(|(other, _), _| *other != badge);
        self.forget_questions(badge, now);
    }

    /// The names from init down to this sandbox.
    pub(crate) fn chain(&self, badge: u64) -> Vec<String> {
        let up = core::iter::successors(self.sandboxes.get(&badge), |sandbox| {
            self.sandboxes.get(&sandbox.parent)
        });
        let mut names: Vec<String> = up
            .take(MAX_CHAIN)
            .map(|sandbox| sandbox.name.clone())
            .collect();
        names.reverse();
        names
    }

    /// The sandbox of init's that this one is within, or it itself.
    pub(crate) fn outermost(&self, badge: u64) -> u64 {
        let parent = |badge: &u64| self.sandboxes.get(badge).map(|sandbox| sandbox.parent);
        let up = core::iter::successors(Some(badge), |badge| {
            parent(badge).filter(|parent| *parent != 0)
        });
        up.take(MAX_CHAIN).last().unwrap_or(badge)
    }

    fn free_badge(&mut self) -> u64 {
        // Apart from the small numbers that init gives on purpose; never used again.
        while self.sandboxes.contains_key(&(1 << 32 | self.next_badge)) {
            self.next_badge += 1;
        }
        self.next_badge += 1;
        1 << 32 | (self.next_badge - 1)
    }
}
