//! Reads policy files; says of each mistake where it is and what to write instead.
use super::rule::{Action, Origin, Program, Rule, Scope};
use crate::{Answer, Hash, Resource, names};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sundog_protocols::consent::{MAX_INSTANCE, MAX_TAG};

/// The most bytes of a file.
pub const MAX_FILE: usize = 256 * 1024;
/// The most bytes of a line.
pub const MAX_LINE: usize = 1024;
/// The most rules of all files together.
pub const MAX_RULES: usize = 4096;
/// Mistakes reported; further ones only repeat the message that something is wrong.
const MAX_MISTAKES: usize = 20;
const RESOURCES: &str = "camera, microphone, speaker, screen, input, network, file, serial, usb, clipboard, location or *";

/// A mistake in a policy or in an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file's name, or the option.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake {
            file,
            line,
            column,
            problem,
            instead,
        } = self;
        write!(
            out,
            "{}:{line}:{column}: {problem}; write {instead}",
            names::escaped(file)
        )
    }
}

/// What is wrong and what to write instead, before its place is known.
pub(super) type Wrong = (String, String);

pub(super) fn wrong<T>(problem: impl Into<String>, instead: impl Into<String>) -> Result<T, Wrong> {
    Err((problem.into(), instead.into()))
}

/// Whose policy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The person's, for everything in the machine.
    Person,
    /// A sandbox', for one within it: it can only take away.
    Sandbox,
}

/// Adds a file's rules and mistakes.
pub(super) fn file(
    whose: Whose,
    name: &str,
    text: &str,
    rules: &mut Vec<Rule>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut report = |line: usize, column: usize, (problem, instead): Wrong| {
        if mistakes.len() < MAX_MISTAKES {
            mistakes.push(Mistake {
                file: name.into(),
                line,
                column,
                problem,
                instead,
            });
        }
    };
    if text.len() > MAX_FILE {
        return report(
            1,
            1,
            (
                "the file is too long".into(),
                format!("at most {MAX_FILE} bytes"),
            ),
        );
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let last = text.lines().count();
        report(
            last,
            1,
            (
                "the last line is not complete".into(),
                "a line break at its end".into(),
            ),
        );
    }
    for (index, line) in text.split('\n').enumerate() {
        match rule(whose, line, Origin::File(name.to_owned(), index + 1)) {
            Ok(Some(_)) if rules.len() >= MAX_RULES => {
                report(
                    index + 1,
                    1,
                    ("too many rules".into(), format!("at most {MAX_RULES}")),
                );
                return;
            }
            Ok(Some(rule)) => rules.push(rule),
            Ok(None) => (),
            Err((column, wrong)) => report(index + 1, column, wrong),
        }
    }
}

/// The rule of a line, or none in an empty one or a comment; the error has the column.
pub(super) fn rule(
    whose: Whose,
    line: &str,
    origin: Origin,
) -> Result<Option<Rule>, (usize, Wrong)> {
    if line.len() > MAX_LINE {
        return Err((
            MAX_LINE,
            (
                "the line is too long".into(),
                format!("at most {MAX_LINE} bytes"),
            ),
        ));
    }
    let odd = line
        .char_indices()
        .find(|(_, c)| !matches!(c, '\t' | ' '..='~'));
    if let Some((at, odd)) = odd {
        let problem = format!(
            "the character U+{:04X} has no place in a policy",
            u32::from(odd)
        );
        return Err((
            at + 1,
            (problem, "letters, digits and punctuation of ASCII".into()),
        ));
    }
    let mut fields = fields(line);
    let Some((at, first)) = fields.next().filter(|(_, word)| !word.starts_with('#')) else {
        return Ok(None);
    };
    let end = line.trim_end().len() + 1;
    let place = |at: usize| move |wrong: Wrong| (at, wrong);
    let resource = resource(first).map_err(place(at))?;
    let missing = |what: &str| (end, (format!("the line ends before {what}"), shape()));
    let (at, word) = fields.next().ok_or_else(|| missing("the instance"))?;
    let instance = instance(word).map_err(place(at))?;
    let (program_at, word) = fields.next().ok_or_else(|| missing("the program"))?;
    let program = program(word).map_err(place(program_at))?;
    let (at, word) = fields.next().ok_or_else(|| missing("the action"))?;
    let action = action(word).map_err(place(at))?;
    if action == Action::Allow && whose == Whose::Sandbox {
        let problem = "a sandbox cannot allow anything to one within it: who can is the person who is asked, and the options and \
            policy of `sundog run`";
        let instead = "ask, perhaps with the widest answer as scope=, or no rule";
        return Err((at, (problem.into(), instead.into())));
    }
    if action == Action::Allow
        && program.path.is_some()
        && program.manifest.is_none()
        && program.tag.is_none()
    {
        let path = program.path.as_deref().unwrap_or_default();
        let problem = "a path is the program's own word and cannot allow anything by itself";
        return Err((
            program_at,
            (
                problem.into(),
                format!("@manifest:HASH,{path} or @tag:NAME,{path}"),
            ),
        ));
    }
    let mut rule = Rule {
        resource,
        instance,
        program,
        action,
        scope: None,
        default: None,
        notify: None,
        expires: None,
        rate: None,
        origin,
    };
    for (at, word) in fields {
        parameter(word, &mut rule).map_err(place(at))?;
    }
    Ok(Some(rule))
}

fn shape() -> String {
    "RESOURCE +INSTANCE|* PROGRAM allow|deny|ask|blackhole [parameters]".into()
}

/// The words of a line with their columns.
fn fields(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    words.map(move |word| (word.as_ptr() as usize - line.as_ptr() as usize + 1, word))
}

pub(super) fn resource(word: &str) -> Result<Option<Resource>, Wrong> {
    match Resource::from_name(word) {
        Some(resource) => Ok(Some(resource)),
        None if word == "*" => Ok(None),
        None => wrong(
            format!("there is no resource `{}`", names::escaped(word)),
            RESOURCES,
        ),
    }
}

fn instance(word: &str) -> Result<Option<String>, Wrong> {
    match word.strip_prefix('+') {
        Some(name) => instance_name(name).map(Some),
        None if word == "*" => Ok(None),
        None => wrong(
            format!("`{word}` is no instance"),
            format!("+{word} for this one or * for each"),
        ),
    }
}

/// Whether a text may name an instance.
pub fn is_instance(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    !name.is_empty() && name.len() <= MAX_INSTANCE && name.bytes().all(good)
}

pub(super) fn instance_name(name: &str) -> Result<String, Wrong> {
    if is_instance(name) {
        return Ok(name.to_owned());
    }
    let problem = format!("`{}` cannot name an instance", names::escaped(name));
    wrong(
        problem,
        format!("1 to {MAX_INSTANCE} letters, digits and . _ : / -"),
    )
}

fn program(word: &str) -> Result<Program, Wrong> {
    let mut program = Program::default();
    if word == "*" {
        return Ok(program);
    }
    for part in word.split(',') {
        let twice = if let Some(hash) = part.strip_prefix("@manifest:") {
            program.manifest.replace(manifest(hash)?).is_some()
        } else if let Some(tag) = part.strip_prefix("@tag:") {
            program.tag.replace(tag_name(tag)?).is_some()
        } else {
            program.path.replace(path(part)?).is_some()
        };
        if twice {
            return wrong(
                format!("`{part}` is the second of its kind"),
                "one manifest, one tag and one path at most",
            );
        }
    }
    Ok(program)
}

fn manifest(text: &str) -> Result<Hash, Wrong> {
    let digits = || {
        text.bytes().map(|byte| {
            if byte.is_ascii_uppercase() {
                None
            } else {
                (byte as char).to_digit(16)
            }
        })
    };
    let mut hash = [0; 32];
    if text.len() != 64 || digits().any(|digit| digit.is_none()) {
        return wrong(
            format!("`{text}` is no hash of a manifest"),
            "@manifest: and 64 digits 0-9 a-f",
        );
    }
    for (place, digit) in digits().flatten().enumerate() {
        hash[place / 2] = hash[place / 2] << 4 | digit as u8;
    }
    Ok(hash)
}

fn tag_name(text: &str) -> Result<String, Wrong> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty() || text.len() > MAX_TAG || !text.bytes().all(good) {
        return wrong(
            format!("`{text}` is no tag"),
            format!("@tag: and 1 to {MAX_TAG} letters, digits and . _ -"),
        );
    }
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<String, Wrong> {
    let star = text.find('*').is_some_and(|at| at + 1 != text.len());
    let step = text.split('/').any(|part| part == "." || part == "..");
    if !text.starts_with('/') || star || step || text.contains("//") || text.contains('@') {
        let problem = format!("`{text}` is no program");
        return wrong(
            problem,
            "@manifest:HASH, @tag:NAME, a whole path such as /usr/bin/cat or /opt/x/*, or *",
        );
    }
    Ok(text.to_owned())
}

fn action(word: &str) -> Result<Action, Wrong> {
    let action = Action::ALL.into_iter().find(|action| action.word() == word);
    action.ok_or_else(|| {
        (
            format!("`{word}` is no action"),
            "allow, deny, ask or blackhole".into(),
        )
    })
}

fn parameter(word: &str, rule: &mut Rule) -> Result<(), Wrong> {
    let Some((name, value)) = word.split_once('=') else {
        return wrong(
            format!("`{word}` is no parameter"),
            "NAME=VALUE with scope, default, notify, expires or rate",
        );
    };
    let fits = match name {
        "scope" | "expires" | "rate" => matches!(rule.action, Action::Allow | Action::Ask),
        "default" => rule.action == Action::Ask,
        "notify" => true,
        _ => {
            return wrong(
                format!("there is no parameter `{name}`"),
                "scope, default, notify, expires or rate",
            );
        }
    };
    if !fits {
        let problem = format!(
            "`{name}` means nothing in a rule with {}",
            rule.action.word()
        );
        return wrong(problem, "the rule without it");
    }
    let twice = match name {
        "scope" => rule.scope.replace(scope(value)?).is_some(),
        "default" => rule.default.replace(default(value)?).is_some(),
        "notify" => rule.notify.replace(yes_or_no(value)?).is_some(),
        "expires" => rule.expires.replace(seconds(value)?).is_some(),
        _ => rule.rate.replace(rate(value)?).is_some(),
    };
    if twice {
        wrong(format!("`{name}` is given twice"), format!("one {name}="))
    } else {
        Ok(())
    }
}

fn scope(value: &str) -> Result<Scope, Wrong> {
    let scope = Scope::ALL
        .into_iter()
        .find(|scope| scope.answer().word() == value);
    scope.ok_or_else(|| {
        (
            format!("`{value}` is no scope"),
            "scope=once, scope=run or scope=always".into(),
        )
    })
}

fn default(value: &str) -> Result<Answer, Wrong> {
    match value {
        "deny" => Ok(Answer::Deny),
        "black" => Ok(Answer::Black),
        _ => wrong(
            format!("`{value}` cannot be what happens without an answer"),
            "default=deny or default=black",
        ),
    }
}

fn yes_or_no(value: &str) -> Result<bool, Wrong> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => wrong(
            format!("`{value}` is neither yes nor no"),
            "notify=yes or notify=no",
        ),
    }
}

/// A whole number with a unit; zero, leading zeros and overflow are refused.
fn quantity(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = value.split_at(
        value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len()),
    );
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = if number.starts_with('0') {
        None
    } else {
        number.parse().ok()
    }?;
    number.checked_mul(*factor)
}

fn seconds(value: &str) -> Result<u64, Wrong> {
    let time = quantity(value, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]);
    let time = time.filter(|time| *time <= 100 * 366 * 86400);
    time.ok_or_else(|| {
        (
            format!("`{value}` is no time"),
            "a number with s, m, h or d, such as expires=7d".into(),
        )
    })
}

/// Bytes a second, as `rate=` and the prompt take them.
pub(crate) fn bytes_a_second(value: &str) -> Option<u64> {
    quantity(
        value,
        &[("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)],
    )
}

fn rate(value: &str) -> Result<u64, Wrong> {
    bytes_a_second(value).ok_or_else(|| {
        (
            format!("`{value}` is no rate"),
            "bytes a second, such as rate=500, rate=20k or rate=1M".into(),
        )
    })
}
