//! Checks of one program: its time, slots, capabilities and namespace.

use std::format;
use std::ops::Range;
use std::string::{String, ToString};
use std::vec::Vec;

use toml::Spanned;

use super::capabilities::capabilities;
use super::check::{Faults, Numbers, number};
use super::system::{Grant, Member, System};
use super::text::{ManifestText, ProgramText, RestartText, TimeText};
use crate::capability::{FIRST_SLOT, Kind, Restart, Time};

/// Most bytes of a name.
pub(super) const NAME_LIMIT: usize = 32;
/// Most bytes of an argument or path.
const TEXT_LIMIT: usize = 1024;
/// Most slots of a CNode.
pub(super) const SLOT_LIMIT: u32 = 1 << 16;

pub(super) fn member(
    text: &ProgramText,
    numbers: &Numbers,
    has_image: &dyn Fn(&str) -> bool,
    faults: &mut Faults,
) -> Member {
    let name = text.name.get_ref();
    if text.image.get_ref().len() > TEXT_LIMIT || !has_image(text.image.get_ref()) {
        faults.add(
            text.image.span(),
            format!(
                "{name}: there is no program \"{}\" to put into the image; build it, or correct the name",
                text.image.get_ref()
            ),
        );
    }
    if text.memory.get_ref().0 == 0 {
        let message = format!("{name}: memory = 0; a program needs pages for its own objects");
        faults.add(text.memory.span(), message);
    }
    let slots = *text.slots.get_ref();
    if slots <= FIRST_SLOT || slots > SLOT_LIMIT {
        let message = format!(
            "{name}: slots = {slots}; a CNode has more than {FIRST_SLOT} and at most {SLOT_LIMIT}"
        );
        faults.add(text.slots.span(), message);
    }
    let own_time = text.time.as_ref().and_then(|own| {
        time(own.get_ref())
            .map_err(|message| faults.add(own.span(), format!("{name}: {message}")))
            .ok()
    });
    if text.time.is_none()
        && text
            .capabilities
            .iter()
            .all(|c| c.get_ref().serves.is_none())
    {
        let message =
            format!("{name} has no time and serves nobody, so it never runs; give it time");
        faults.add(text.name.span(), message);
    }
    for argument in &text.arguments {
        if argument.get_ref().len() > TEXT_LIMIT || argument.get_ref().contains('\0') {
            let message = format!("{name}: an argument has no NUL and at most {TEXT_LIMIT} bytes");
            faults.add(argument.span(), message);
        }
    }
    let capabilities = capabilities(text, numbers, faults);
    Member {
        name: name.clone(),
        image: text.image.get_ref().clone(),
        driver: text.driver,
        restart: match text.restart {
            RestartText::Never => Restart::Never,
            RestartText::Always => Restart::Always,
        },
        time: own_time,
        memory: text.memory.get_ref().0,
        slots,
        arguments: text.arguments.iter().map(|a| a.get_ref().clone()).collect(),
        trusts: trusts(text, numbers, faults),
        tells: tells(text, numbers, faults),
        names: names(text, &capabilities, numbers, faults),
        capabilities,
    }
}

fn trusts(text: &ProgramText, numbers: &Numbers, faults: &mut Faults) -> Vec<usize> {
    let mut trusts = Vec::new();
    for other in &text.trusts {
        match numbers.program(other.get_ref()) {
            Some(program) => trusts.push(program),
            None => faults.add(
                other.span(),
                format!("trusts: there is no program \"{}\"", other.get_ref()),
            ),
        }
    }
    trusts
}

fn tells(text: &ProgramText, numbers: &Numbers, faults: &mut Faults) -> Vec<(u32, u64)> {
    let mut tells = Vec::new();
    for tell in &text.tells {
        let name = tell.notification.get_ref();
        let known = numbers.notifications.iter().position(|other| other == name);
        match known {
            Some(_) if tell.badge.0 == 0 => faults.add(
                tell.notification.span(),
                format!("tells: badge = 0 of \"{name}\" would signal nothing; give bits"),
            ),
            Some(notification) => tells.push((number(notification), tell.badge.0)),
            None => faults.add(
                tell.notification.span(),
                format!("tells: nobody waits for a notification \"{name}\""),
            ),
        }
    }
    tells
}

pub(super) fn time(text: &TimeText) -> Result<Time, String> {
    if text.priority > 63 {
        return Err(format!("priority = {}; the highest is 63", text.priority));
    }
    if text.budget == 0 {
        return Err("budget = 0: it would never run; give microseconds".to_string());
    }
    if text.budget > text.period {
        return Err(format!(
            "a budget of {} in a period of {} microseconds; the budget is at most the period",
            text.budget, text.period
        ));
    }
    Ok(Time {
        priority: text.priority,
        cpu: text.cpu,
        budget: text.budget,
        period: text.period,
    })
}

fn names(
    text: &ProgramText,
    capabilities: &[Grant],
    numbers: &Numbers,
    faults: &mut Faults,
) -> Vec<(String, u32)> {
    let mut names: Vec<(String, u32)> = Vec::new();
    for name in &text.names {
        let (path, endpoint) = (name.path.get_ref(), name.endpoint.get_ref());
        if !is_clean(path) {
            let message = format!(
                "path = \"{}\"; write it from / on, without a slash at the end, without \"//\", \".\" and \"..\"",
                path.escape_debug()
            );
            faults.add(name.path.span(), message);
        }
        if names.iter().any(|(other, _)| other == path) {
            faults.add(
                name.path.span(),
                format!("path = \"{path}\" is there twice"),
            );
        }
        let held: Vec<u32> = capabilities
            .iter()
            .filter(|grant| match grant.kind {
                Kind::Calls {
                    endpoint: index, ..
                } => numbers.endpoint(endpoint).map(number) == Some(index),
                _ => false,
            })
            .map(|grant| grant.slot)
            .collect();
        match held[..] {
            [slot] => names.push((path.clone(), slot)),
            // A capability that is there but faulty was reported.
            [] if text
                .capabilities
                .iter()
                .any(|given| given.get_ref().calls.as_ref() == Some(endpoint)) => {}
            [] => unheld(name.endpoint.span(), endpoint, faults),
            _ => faults.add(
                name.endpoint.span(),
                format!("several capabilities call \"{endpoint}\"; a name needs one"),
            ),
        }
    }
    names
}

fn unheld(span: Range<usize>, endpoint: &str, faults: &mut Faults) {
    faults.add(
        span,
        format!(
            "the program does not call \"{endpoint}\"; add a capability with calls = \"{endpoint}\""
        ),
    );
}

fn is_clean(path: &str) -> bool {
    path == "/"
        || path.strip_prefix('/').is_some_and(|rest| {
            path.len() <= TEXT_LIMIT
                && !path.contains('\0')
                && rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
        })
}

/// Whether every time lies on a CPU of the machine.
pub(super) fn check_cpus(text: &ManifestText, system: &System, faults: &mut Faults) {
    let cpus = system.cpus;
    let message = |cpu: u16| {
        format!(
            "cpu = {cpu}; the machine has CPUs 0 to {}",
            cpus.saturating_sub(1)
        )
    };
    for program in &text.program {
        let own = program
            .time
            .iter()
            .map(|time| (time.get_ref().cpu, time.span()));
        let given = program
            .capabilities
            .iter()
            .filter_map(|capability: &Spanned<_>| {
                let time = capability.get_ref().time.as_ref()?;
                Some((time.cpu, capability.span()))
            });
        for (cpu, span) in own.chain(given) {
            // A machine without CPUs is its own fault.
            if cpus > 0 && cpu >= cpus {
                faults.add(span, message(cpu));
            }
        }
    }
}
