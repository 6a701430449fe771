//! Checks of what exists once: ports, interrupt lines, badges, rings, notifications, memory.

use std::format;
use std::string::String;
use std::vec::Vec;

use sundog_abi::Rights;

use super::check::Faults;
use super::ports::overlap;
use super::system::{Grant, Member, System};
use super::text::ManifestText;
use crate::capability::Kind;

/// Badges from here on are roles that a protocol defines, which several programs may have; others are one client's identity.
pub(super) const FIRST_ROLE: u64 = u64::MAX - 15;

pub(super) fn check(text: &ManifestText, system: &System, faults: &mut Faults) {
    let all = || grants(system);
    for (index, (program, grant)) in all().enumerate() {
        for (other_program, other) in all().take(index) {
            if let Some(message) = conflict(program, grant, other_program, other, system) {
                faults.add_line(grant.line, message);
            }
        }
    }
    check_memory(text, system, faults);
}

/// Whether each ring and notification has the holders that make it useful.
pub(super) fn check_holders(text: &ManifestText, system: &System, faults: &mut Faults) {
    for (index, ring) in text.ring.iter().enumerate() {
        let holders: Vec<&str> = grants(system)
            .filter(|(_, grant)| matches!(grant.kind, Kind::Ring { ring } if usize::try_from(ring) == Ok(index)))
            .map(|(program, _)| program.name.as_str())
            .collect();
        if holders.len() != 2 || holders[0] == holders[1] {
            let held = match holders[..] {
                [] => String::from("nobody"),
                _ => holders.join(", "),
            };
            let message = format!(
                "ring \"{}\" is between two programs, but is held by {held}",
                ring.name.get_ref()
            );
            faults.add(ring.name.span(), message);
        }
    }
    check_notifications(system, faults);
}

fn grants(system: &System) -> impl Iterator<Item = (&Member, &Grant)> {
    let programs = system.programs.iter();
    programs.flat_map(|program| {
        program
            .capabilities
            .iter()
            .map(move |grant| (program, grant))
    })
}

/// What two capabilities cannot both be.
fn conflict(
    program: &Member,
    grant: &Grant,
    other_program: &Member,
    other: &Grant,
    system: &System,
) -> Option<String> {
    let (name, there) = (&program.name, &other_program.name);
    match (grant.kind, other.kind) {
        (Kind::IoPorts { first, count }, Kind::IoPorts { first: f, count: c }) => {
            let both = overlap((first.into(), count.into()), (f.into(), c.into()));
            both.then(|| {
                format!(
                    "{name}: ports {first:#x}+{count} overlap {f:#x}+{c} of {there} in line {}; a port has one driver",
                    other.line
                )
            })
        }
        (Kind::Irq { line }, Kind::Irq { line: l }) => (line == l).then(|| {
            format!(
                "{name}: interrupt line {line} is {there}'s in line {}; a line has one driver",
                other.line
            )
        }),
        (
            Kind::Calls { endpoint, badge },
            Kind::Calls {
                endpoint: e,
                badge: b,
            },
        ) => {
            let same = endpoint == e && badge == b && badge < FIRST_ROLE;
            same.then(|| {
                let index = usize::try_from(endpoint).unwrap_or(usize::MAX);
                let endpoint = system.endpoints.get(index).map_or("", |s| &s.endpoint);
                format!(
                    "{name}: badge {badge} of \"{endpoint}\" is {there}'s in line {}; the server could not tell them apart",
                    other.line
                )
            })
        }
        _ => None,
    }
}

fn check_notifications(system: &System, faults: &mut Faults) {
    for (index, name) in system.notifications.iter().enumerate() {
        let holders: Vec<&Grant> = grants(system)
            .map(|(_, grant)| grant)
            .filter(|grant| {
                matches!(grant.kind, Kind::Notification { notification, .. } if usize::try_from(notification) == Ok(index))
            })
            .collect();
        let waits = |grant: &&&Grant| grant.rights.contains(Rights::RECEIVE);
        let waiting: Vec<&&Grant> = holders.iter().filter(waits).collect();
        match (waiting.len(), holders.first()) {
            (0, Some(first)) => {
                let message = format!(
                    "nobody waits for notification \"{name}\"; give one program the right receive"
                );
                faults.add_line(first.line, message);
            }
            (2.., _) => {
                let message = format!(
                    "notification \"{name}\" is also waited for in line {}; give one of them the right send only",
                    waiting[0].line
                );
                faults.add_line(waiting[1].line, message);
            }
            _ => {}
        }
    }
}

fn check_memory(text: &ManifestText, system: &System, faults: &mut Faults) {
    let given = grants(system).map(|(_, grant)| match grant.kind {
        Kind::Untyped { pages } => u64::from(pages),
        _ => 0,
    });
    let own = system
        .programs
        .iter()
        .map(|program| u64::from(program.memory));
    let rings = system.rings.iter().map(|(_, pages)| u64::from(*pages));
    let reserve = u64::from(text.machine.reserve.get_ref().0);
    let sum: u64 = given.chain(own).chain(rings).sum::<u64>() + reserve;
    if sum > u64::from(system.memory) {
        let message = format!(
            "programs, rings and reserve need {sum} pages, the machine has {}; give less, or raise memory",
            system.memory
        );
        faults.add(text.machine.memory.span(), message);
    }
}
