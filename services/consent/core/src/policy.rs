//! The policy: who may use what, in files that people write, read from the top, first match wins.
//!
//! ```text
//! # RESOURCE  INSTANCE  PROGRAM                      ACTION     parameters
//! camera      +0        @tag:call                    allow      scope=run rate=20M
//! serial      *         @manifest:HASH,/usr/bin/cat  allow      scope=once
//! network     *         /usr/bin/*                   blackhole
//! *           *         *                            ask        expires=7d
//! ```
//! - RESOURCE: the name of a class, or `*`.
//! - INSTANCE: `+NAME`, or `*`.
//! - PROGRAM: `*`, or `@manifest:` and 64 hexadecimal digits, `@tag:NAME`, an absolute path (one `*` at its end stands for the
//!   rest), or several of these with commas between, which must all match. A path is the program's own word, so in an
//!   `allow` it must stand with a manifest or tag: it can narrow what those allow and never widen it.
//! - ACTION: `allow`, `deny`, `ask`, `blackhole`.
//! - Parameters, each at most once: `scope=once|run|always` (allow: how long, default run, and a `once` rule serves each sandbox one
//!   time; ask: the widest answer offered, default always), `default=deny|black` (ask: what happens without an answer),
//!   `notify=yes|no` (tell the person; default yes for deny and blackhole), `expires=` a number with s, m, h or d (the grant's, and a
//!   stored answer's, life), `rate=` bytes a second, with k, M or G.
//!
//! No match means ask, or deny where nobody can be asked. One line that is not understood refuses the whole policy.
mod parse;
mod rule;
mod spec;

pub(crate) use parse::bytes_a_second;
pub use parse::{MAX_FILE, MAX_LINE, MAX_RULES, Mistake, is_instance};
pub use rule::{Action, Origin, Program, Rule, Scope};
pub use spec::{allow, deny, once};

use crate::{Hash, Resource};
use alloc::string::String;
use alloc::vec::Vec;
use parse::Whose;

/// What a rule is matched with.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The class of device.
    pub resource: Resource,
    /// Which one.
    pub instance: &'a str,
    /// The sandbox's manifest, from its badge.
    pub manifest: &'a Hash,
    /// The sandbox's tag, from its badge; empty for none.
    pub tag: &'a str,
    /// The program's path, its own word.
    pub path: &'a str,
}

/// One rule that narrows, from a line; nothing if it is not understood, or allows.
pub fn narrowing(line: &str, origin: Origin) -> Option<Rule> {
    parse::rule(Whose::Sandbox, line, origin).ok().flatten()
}

/// The rules in their order: the command line's denials, its allowances, the files.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads files (name and text) in the order given. All mistakes of all files are reported, and one is enough to refuse all.
    ///
    /// # Errors
    /// The mistakes, a bounded number of them.
    pub fn parse(files: &[(&str, &str)]) -> Result<Policy, Vec<Mistake>> {
        Policy::read(Whose::Person, files)
    }

    /// Reads the policy of a sandbox for one within it, where a rule that allows is a mistake too.
    ///
    /// # Errors
    /// The mistakes, a bounded number of them.
    pub fn parse_within(name: &str, text: &str) -> Result<Policy, Vec<Mistake>> {
        Policy::read(Whose::Sandbox, &[(name, text)])
    }

    fn read(whose: Whose, files: &[(&str, &str)]) -> Result<Policy, Vec<Mistake>> {
        let (mut rules, mut mistakes) = (Vec::new(), Vec::new());
        for (name, text) in files {
            parse::file(whose, name, text, &mut rules, &mut mistakes);
        }
        if mistakes.is_empty() {
            Ok(Policy { rules })
        } else {
            Err(mistakes)
        }
    }

    /// Puts the command line's rules in front: denials before allowances, so that a denial always holds.
    pub fn with_command_line(mut self, allows: Vec<Rule>, denials: Vec<Rule>) -> Policy {
        let files = core::mem::take(&mut self.rules);
        self.rules = denials.into_iter().chain(allows).chain(files).collect();
        self
    }

    /// The first rule that matches, and its place. `spent` says whether a rule at a place has done its work for this subject.
    pub fn find(
        &self,
        subject: &Subject<'_>,
        spent: impl Fn(usize) -> bool,
    ) -> Option<(usize, &Rule)> {
        self.rules
            .iter()
            .enumerate()
            .find(|(place, rule)| rule.matches(subject) && !spent(*place))
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The policy written out again, one rule a line, without comments.
    pub fn write(&self) -> String {
        self.rules
            .iter()
            .map(|rule| alloc::format!("{rule}\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests;
