//! The options `--allow RESOURCE[=ANSWER]` and `--deny RESOURCE`, which are rules too.
use super::parse::{Mistake, Wrong, instance_name, resource, wrong};
use super::rule::{Action, Origin, Program, Rule, Scope};
use alloc::format;
use alloc::string::String;

/// The rule of `--allow SPEC`: `serial`, `serial1` or `network+host:443`, then nothing (`run`) or `=` and one of `once`, `run`,
/// `always`, `ask`, `black`.
pub fn allow(spec: &str) -> Result<Rule, Mistake> {
    let (device, word) = spec
        .split_once('=')
        .map_or((spec, None), |(device, word)| (device, Some(word)));
    let (action, scope) = match word {
        None | Some("run") => (Action::Allow, Some(Scope::Run)),
        Some("once") => (Action::Allow, Some(Scope::Once)),
        Some("always") => (Action::Allow, Some(Scope::Always)),
        Some("ask") => (Action::Ask, None),
        Some("black") => (Action::Blackhole, None),
        Some("deny" | "never") => {
            return at(
                "--allow",
                device.len() + 2,
                (
                    format!("`{spec}` allows nothing"),
                    format!("--deny {device}"),
                ),
            );
        }
        Some(_) => {
            let problem = format!("`{}` is no answer", crate::names::escaped(spec));
            let instead = format!("{device}=once, run, always, ask or black");
            return at("--allow", device.len() + 2, (problem, instead));
        }
    };
    rule("--allow", device, action, scope)
}

/// The SPEC of `--allow` that allows a device once: `serial1=once`, or `network+host:443=once`.
pub fn once(resource: &str, instance: &str) -> String {
    let digits = !instance.is_empty() && instance.bytes().all(|byte| byte.is_ascii_digit());
    let plus = if digits { "" } else { "+" };
    format!("{resource}{plus}{instance}=once")
}

/// The rule of `--deny SPEC`: a device, without an answer.
pub fn deny(spec: &str) -> Result<Rule, Mistake> {
    if let Some((device, _)) = spec.split_once('=') {
        return at(
            "--deny",
            device.len() + 1,
            (
                "a denial takes no answer".into(),
                format!("--deny {device}"),
            ),
        );
    }
    rule("--deny", spec, Action::Deny, None)
}

fn rule(option: &str, device: &str, action: Action, scope: Option<Scope>) -> Result<Rule, Mistake> {
    let (resource, instance) = split(device).or_else(|wrong| at(option, 1, wrong))?;
    Ok(Rule {
        resource: Some(resource),
        instance,
        program: Program::default(),
        action,
        scope,
        default: None,
        notify: None,
        expires: None,
        rate: None,
        origin: Origin::CommandLine,
    })
}

/// A device as resource and instance: digits at the end of the resource's name are its instance.
fn split(device: &str) -> Result<(crate::Resource, Option<String>), Wrong> {
    let name = device.find('+').map_or(
        device.trim_end_matches(|c: char| c.is_ascii_digit()),
        |at| &device[..at],
    );
    let rest = &device[name.len()..];
    let instance = rest.strip_prefix('+').unwrap_or(rest);
    let instance = if rest.is_empty() {
        None
    } else {
        Some(instance_name(instance)?)
    };
    match resource(name)? {
        Some(resource) => Ok((resource, instance)),
        None => wrong(
            "an option names one resource",
            "--allow camera; for all of them use a policy file",
        ),
    }
}

fn at<T>(option: &str, column: usize, (problem, instead): Wrong) -> Result<T, Mistake> {
    Err(Mistake {
        file: option.into(),
        line: 1,
        column,
        problem,
        instead,
    })
}
