//! One rule of a policy: what it matches and what it says.
use super::Subject;
use crate::{Answer, Hash, Resource};
use alloc::string::String;
use core::fmt;

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Grant without asking.
    Allow,
    /// Refuse.
    Deny,
    /// Ask the person.
    Ask,
    /// Hand out a device that yields nothing.
    Blackhole,
}

impl Action {
    /// All actions.
    pub const ALL: [Action; 4] = [Action::Allow, Action::Deny, Action::Ask, Action::Blackhole];

    /// The word in a policy.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Deny => "deny",
            Action::Ask => "ask",
            Action::Blackhole => "blackhole",
        }
    }
}

/// How long a grant is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One open, until it is closed.
    Once,
    /// Until the sandbox ends.
    Run,
    /// In later sandboxes too.
    Always,
}

impl Scope {
    /// All scopes, the narrowest first.
    pub const ALL: [Scope; 3] = [Scope::Once, Scope::Run, Scope::Always];

    /// The answer that grants with this scope.
    pub const fn answer(self) -> Answer {
        match self {
            Scope::Once => Answer::Once,
            Scope::Run => Answer::Run,
            Scope::Always => Answer::Always,
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line.
    CommandLine,
    /// A line of a file, counted from 1.
    File(String, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => out.write_str("cli"),
            Origin::File(name, line) => write!(out, "{name}:{line}"),
        }
    }
}

/// Which programs a rule is about; what is not given matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The sandbox's manifest.
    pub manifest: Option<Hash>,
    /// The sandbox's tag.
    pub tag: Option<String>,
    /// The program's path; a `*` at the end stands for the rest.
    pub path: Option<String>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The class of device, or all.
    pub resource: Option<Resource>,
    /// Which one, or all.
    pub instance: Option<String>,
    /// Which programs.
    pub program: Program,
    /// What to do.
    pub action: Action,
    /// Allow: the grant's scope. Ask: the widest one offered.
    pub scope: Option<Scope>,
    /// Ask: what happens without an answer, `deny` or `black`.
    pub default: Option<Answer>,
    /// Whether the person is told.
    pub notify: Option<bool>,
    /// Seconds that a grant or stored answer lives.
    pub expires: Option<u64>,
    /// Bytes a second.
    pub rate: Option<u64>,
    /// Where it stands.
    pub origin: Origin,
}

impl Rule {
    /// Whether the rule is about this subject.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let Program {
            manifest,
            tag,
            path,
        } = &self.program;
        self.resource
            .is_none_or(|resource| resource == subject.resource)
            && self
                .instance
                .as_deref()
                .is_none_or(|instance| instance == subject.instance)
            && manifest
                .as_ref()
                .is_none_or(|manifest| manifest == subject.manifest)
            && tag.as_deref().is_none_or(|tag| tag == subject.tag)
            && path
                .as_deref()
                .is_none_or(|path| match path.strip_suffix('*') {
                    Some(start) => subject.path.starts_with(start) && !subject.path.contains("/.."),
                    None => subject.path == path,
                })
    }

    /// Whether the person is told when the rule decides.
    pub fn notifies(&self) -> bool {
        self.notify
            .unwrap_or(matches!(self.action, Action::Deny | Action::Blackhole))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.resource.map_or("*", Resource::name))?;
        match &self.instance {
            Some(instance) => write!(out, " +{instance} ")?,
            None => out.write_str(" * ")?,
        }
        write!(out, "{} {}", self.program, self.action.word())?;
        if let Some(scope) = self.scope {
            write!(out, " scope={}", scope.answer().word())?;
        }
        if let Some(default) = self.default {
            write!(out, " default={}", default.word())?;
        }
        if let Some(notify) = self.notify {
            write!(out, " notify={}", if notify { "yes" } else { "no" })?;
        }
        if let Some(expires) = self.expires {
            write!(out, " expires={expires}s")?;
        }
        if let Some(rate) = self.rate {
            write!(out, " rate={rate}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut comma = |out: &mut fmt::Formatter<'_>| {
            if core::mem::take(&mut first) {
                Ok(())
            } else {
                out.write_str(",")
            }
        };
        if let Some(manifest) = &self.manifest {
            comma(out)?;
            out.write_str("@manifest:")?;
            manifest
                .iter()
                .try_for_each(|byte| write!(out, "{byte:02x}"))?;
        }
        if let Some(tag) = &self.tag {
            comma(out)?;
            write!(out, "@tag:{tag}")?;
        }
        if let Some(path) = &self.path {
            comma(out)?;
            out.write_str(path)?;
        }
        if *self == Program::default() {
            out.write_str("*")
        } else {
            Ok(())
        }
    }
}
