//! Checks of one program's capabilities, each by itself and among each other.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use sundog_abi::Rights;

use super::check::{Faults, Numbers, is_name, not_a_name, number};
use super::programs::{SLOT_LIMIT, time};
use super::system::Grant;
use super::text::{CapabilityText, ProgramText};
use crate::capability::{FIRST_SLOT, Kind, Object};

pub(super) fn capabilities(
    text: &ProgramText,
    numbers: &Numbers,
    faults: &mut Faults,
) -> Vec<Grant> {
    let mut grants: Vec<Grant> = Vec::new();
    // A number of slots that cannot be was reported, and says nothing about the capabilities.
    let slots = match *text.slots.get_ref() {
        slots if slots > FIRST_SLOT && slots <= SLOT_LIMIT => slots,
        _ => SLOT_LIMIT,
    };
    for spanned in &text.capabilities {
        let given = spanned.get_ref();
        match grant(text, given, faults.line(spanned.span()), numbers)
            .and_then(|grant| check_among(&grants, grant, slots))
        {
            Ok(grant) => grants.push(grant),
            Err(message) => {
                let message = format!("{}, \"{}\": {message}", text.name.get_ref(), given.name);
                faults.add(spanned.span(), message);
            }
        }
    }
    grants
}

/// Checks name and slots against those of the capabilities before it.
fn check_among(before: &[Grant], grant: Grant, slots: u32) -> Result<Grant, String> {
    if !is_name(&grant.name) {
        return Err(not_a_name(&grant.name));
    }
    if grant.slot == 0 {
        return Err("slot 0 is always empty; use 16 or above".to_string());
    }
    if grant.slot < FIRST_SLOT {
        return Err(format!(
            "slot {} is for the program's own objects; use {FIRST_SLOT} or above",
            grant.slot
        ));
    }
    let end = grant.slot.saturating_add(grant.kind.slots());
    if end > slots {
        return Err(format!(
            "slot {} is outside of the CNode of {slots} slots; raise slots or take a smaller one",
            end - 1
        ));
    }
    for other in before {
        if other.name == grant.name {
            return Err(format!("line {} has the same name; rename one", other.line));
        }
        if grant.slot < other.slot + other.kind.slots() && other.slot < end {
            return Err(format!(
                "slot {} is taken by \"{}\" in line {}",
                grant.slot.max(other.slot),
                other.name,
                other.line
            ));
        }
    }
    Ok(grant)
}

fn grant(
    program: &ProgramText,
    text: &CapabilityText,
    line: usize,
    numbers: &Numbers,
) -> Result<Grant, String> {
    let kind = kind(program, text, numbers)?;
    let rights = match &text.rights {
        None => kind.default_rights(),
        Some(names) => rights(names)?,
    };
    if !kind.allowed().contains(rights) {
        let extra = names_of(rights.without(kind.allowed()));
        return Err(format!(
            "the right {extra} means nothing here; possible: {}",
            names_of(kind.allowed())
        ));
    }
    if !rights.contains(kind.required()) || rights == Rights::NONE {
        let needed = if kind.required() == Rights::NONE {
            kind.allowed()
        } else {
            kind.required()
        };
        return Err(format!(
            "without the right {} it is of no use",
            names_of(needed)
        ));
    }
    Ok(Grant {
        line,
        name: text.name.clone(),
        slot: text.slot,
        rights,
        kind,
    })
}

fn rights(names: &[String]) -> Result<Rights, String> {
    names.iter().try_fold(Rights::NONE, |rights, name| {
        Rights::NAMES
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, right)| rights.union(*right))
            .ok_or_else(|| {
                format!(
                    "\"{name}\" is not a right; there are: {}",
                    names_of(Rights::ALL)
                )
            })
    })
}

fn names_of(rights: Rights) -> String {
    let names: Vec<&str> = Rights::NAMES
        .iter()
        .filter(|(_, right)| rights.contains(*right))
        .map(|(name, _)| *name)
        .collect();
    names.join(", ")
}

fn kind(program: &ProgramText, text: &CapabilityText, numbers: &Numbers) -> Result<Kind, String> {
    let badge = text.badge.map(|badge| badge.0);
    let mut kinds = Vec::new();
    if let Some(name) = &text.serves {
        let endpoint = numbers.endpoint(name).unwrap_or_default();
        kinds.push(Kind::Serves {
            endpoint: number(endpoint),
        });
    }
    if let Some(name) = &text.mints {
        kinds.push(mints(program, name, numbers)?);
    }
    if let Some(name) = &text.calls {
        kinds.push(calls(program, name, badge, numbers)?);
    }
    if let Some([first, count]) = text.ports {
        kinds.push(ports(program, first, count)?);
    }
    if let Some(line) = text.irq {
        if !program.driver {
            return Err("only a program with driver = true has interrupts".to_string());
        }
        if line > 23 {
            return Err(format!("irq = {line}; the I/O APIC has lines 0 to 23"));
        }
        kinds.push(Kind::Irq { line });
    }
    if let Some(name) = &text.notification {
        let found = numbers.notifications.iter().position(|other| other == name);
        kinds.push(Kind::Notification {
            notification: number(found.unwrap_or_default()),
            badge: badge.unwrap_or(0),
        });
    }
    if let Some(name) = &text.ring {
        let found = numbers.rings.iter().position(|(other, _)| other == name);
        let ring = found.ok_or_else(|| format!("there is no [[ring]] named \"{name}\""))?;
        kinds.push(Kind::Ring { ring: number(ring) });
    }
    if let Some(pages) = text.untyped {
        if pages.0 == 0 {
            return Err("untyped = 0; give pages or bytes".to_string());
        }
        kinds.push(Kind::Untyped { pages: pages.0 });
    }
    if let Some(own) = &text.time {
        kinds.push(Kind::SchedContext { time: time(own)? });
    }
    if let Some(count) = text.vcpus {
        if count == 0 || count > 1024 {
            return Err(format!("vcpus = {count}; 1 to 1024"));
        }
        kinds.push(Kind::VCpus { count });
    }
    if text.archive == Some(true) {
        kinds.push(Kind::Archive);
    }
    if let Some(object) = &text.object {
        kinds.push(foreign(program, object, text.of.as_deref(), numbers)?);
    }
    let [kind] = kinds[..] else {
        return Err(
            "give exactly one of serves, mints, calls, ports, irq, notification, ring, untyped, time, vcpus, archive, object"
                .to_string(),
        );
    };
    if badge.is_some() && !matches!(kind, Kind::Calls { .. } | Kind::Notification { .. }) {
        return Err("only calls and notifications have a badge".to_string());
    }
    if text.of.is_some() && text.object.is_none() {
        return Err("\"of\" belongs to \"object\"".to_string());
    }
    Ok(kind)
}

fn mints(program: &ProgramText, name: &str, numbers: &Numbers) -> Result<Kind, String> {
    let served = numbers.endpoint(name).filter(|endpoint| {
        numbers.programs[numbers.endpoints[*endpoint].program] == *program.name.get_ref()
    });
    let endpoint = served.ok_or_else(|| {
        format!("only its server makes capabilities of \"{name}\"; this program does not serve it")
    })?;
    Ok(Kind::Mints {
        endpoint: number(endpoint),
    })
}

fn calls(
    program: &ProgramText,
    name: &str,
    badge: Option<u64>,
    numbers: &Numbers,
) -> Result<Kind, String> {
    let endpoint = numbers.endpoint(name).ok_or_else(|| {
        format!("nobody serves \"{name}\"; give a program a capability with serves = \"{name}\"")
    })?;
    if numbers.programs[numbers.endpoints[endpoint].program] == *program.name.get_ref() {
        return Err("a program that calls itself waits for ever".to_string());
    }
    match badge {
        None | Some(0) => {
            Err("give a badge that is not 0, by which the server knows it".to_string())
        }
        Some(badge) => Ok(Kind::Calls {
            endpoint: number(endpoint),
            badge,
        }),
    }
}

fn ports(program: &ProgramText, first: u32, count: u32) -> Result<Kind, String> {
    if let Some(what) = super::ports::forbidden(first, count) {
        return Err(format!(
            "ports {first:#x}+{count}: there is {what}, which no program may have"
        ));
    }
    if !program.driver {
        return Err(format!(
            "ports {first:#x}+{count}: only a program with driver = true has I/O ports"
        ));
    }
    match (u16::try_from(first), u16::try_from(count)) {
        (Ok(low), Ok(number)) if number > 0 && first + count <= 0x1_0000 => Ok(Kind::IoPorts {
            first: low,
            count: number,
        }),
        _ => Err("ports = [first, count] within 0 to 0xffff".to_string()),
    }
}

fn foreign(
    program: &ProgramText,
    object: &str,
    of: Option<&str>,
    numbers: &Numbers,
) -> Result<Kind, String> {
    let found = Object::NAMES.iter().find(|(name, _)| *name == object);
    let (_, object) = found
        .ok_or_else(|| format!("object = \"{object}\"; there are cnode, thread, vspace, frame"))?;
    let of = of.ok_or_else(|| "\"object\" needs of = \"PROGRAM\"".to_string())?;
    let owner = numbers
        .program(of)
        .ok_or_else(|| format!("there is no program \"{of}\""))?;
    if of == program.name.get_ref() {
        return Err("a program has its own objects below slot 16".to_string());
    }
    Ok(Kind::Foreign {
        program: number(owner),
        object: *object,
    })
}
