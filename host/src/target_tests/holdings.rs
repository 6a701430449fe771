//! Compares what the kernel says that each program holds, by init's text with `inspect`, with what the manifest gives it.
//!
//! Each row of the table that has a manifest is compared: type, rights, size, badge, line or first port of every slot of every
//! program, after it was built and before its first instruction. What the kernel does not tell is which endpoint, notification or
//! ring it is.

use std::collections::BTreeMap;
use sundog_abi::Rights;
use sundog_manifest::host::{Grant, Member, System};
use sundog_manifest::{Kind, Object};

/// A program's own objects, from slot 1 on: type and rights.
const OWN: [(&str, Rights); 5] = [
    (
        "CNode",
        Rights::READ.union(Rights::WRITE).union(Rights::USE),
    ),
    ("VSpace", Rights::MAP.union(Rights::SHARE)),
    ("Thread", Rights::READ.union(Rights::WRITE)),
    ("SchedContext", Rights::USE),
    ("Untyped", Rights::WRITE),
];
/// A size that is not in the manifest: it is what the image needed or left over.
const SOME: u32 = u32::MAX;

/// A slot that is not empty, in the words of init's text.
struct Slot {
    number: u32,
    kind: &'static str,
    rights: Rights,
    size: u32,
    detail: u64,
}

impl Slot {
    /// The line behind `init: NAME holds `, up to the size.
    fn text(&self) -> String {
        let named = Rights::NAMES.iter();
        let names: Vec<_> = named
            .filter(|(_, right)| self.rights.contains(*right))
            .map(|(name, _)| *name)
            .collect();
        let rights = names.join("+");
        format!("{} {} {rights} size ", self.number, self.kind)
    }

    /// Whether a line of the text says this.
    fn is(&self, line: &str) -> bool {
        let Some((size, detail)) = line
            .strip_prefix(&self.text())
            .and_then(|rest| rest.split_once(" detail "))
        else {
            return false;
        };
        let right_size = match self.size {
            SOME => size.parse::<u32>().is_ok_and(|size| size != 0),
            known => size == known.to_string(),
        };
        right_size && detail == format!("{:#x}", self.detail)
    }
}

/// Compares the text with the manifest: every program was built at least once, and each time it held what is listed and nothing else.
///
/// # Errors
/// The first difference in words.
pub fn compare(text: &str, system: &System) -> Result<(), String> {
    let mut listings: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim_end();
        let Some((name, held)) = line
            .strip_prefix("init: ")
            .and_then(|rest| rest.split_once(" holds "))
        else {
            continue;
        };
        let listing = open.entry(name).or_default();
        listing.push(held);
        if held.starts_with("nothing else in ") {
            let whole = open.remove(name).unwrap_or_default();
            listings.entry(name).or_default().push(whole);
        }
    }
    for program in &system.programs {
        let name = &*program.name;
        let wanted = wanted(system, program);
        let Some(found) = listings.get(name) else {
            return Err(format!("the kernel was not asked what {name} holds"));
        };
        for listing in found {
            compare_listing(program, &wanted, listing)?;
        }
    }
    Ok(())
}

fn compare_listing(program: &Member, wanted: &[Slot], listing: &[&str]) -> Result<(), String> {
    let name = &program.name;
    let mut lines = listing.iter();
    for slot in wanted {
        let line = lines.next().copied().unwrap_or_default();
        if !slot.is(line) {
            return Err(format!(
                "{name} holds {line:?}, but by the manifest it is {:?}, size {}, detail {:#x}",
                slot.text(),
                slot.size,
                slot.detail
            ));
        }
    }
    let end = format!("nothing else in {} slots", program.slots);
    match lines.next() {
        Some(line) if *line == end => Ok(()),
        line => Err(format!(
            "{name} holds {line:?} besides; the manifest says {end:?}"
        )),
    }
}

/// What the manifest gives a program, in the order of the slots.
fn wanted(system: &System, program: &Member) -> Vec<Slot> {
    let sizes = [program.slots, 0, 0, 0, SOME];
    let own = (1..)
        .zip(OWN)
        .zip(sizes)
        .map(|((number, (kind, rights)), size)| Slot {
            number,
            kind,
            rights,
            size,
            detail: 0,
        });
    let given = program.capabilities.iter().flat_map(|grant| {
        let slots = grant.slot..grant.slot + grant.kind.slots();
        slots.map(|number| given(system, grant, number))
    });
    let mut slots: Vec<_> = own.chain(given).collect();
    slots.sort_by_key(|slot| slot.number);
    slots
}

fn given(system: &System, grant: &Grant, number: u32) -> Slot {
    let (kind, size, detail) = match grant.kind {
        Kind::Serves { .. } | Kind::Mints { .. } => ("Endpoint", 0, 0),
        Kind::Calls { badge, .. } => ("Endpoint", 0, badge),
        Kind::IoPorts { first, count } => ("IoPorts", count.into(), first.into()),
        Kind::Irq { line } => ("Irq", 1, line.into()),
        Kind::Notification { badge, .. } => ("Notification", 0, badge),
        Kind::Ring { ring } => ("Frame", system.rings[ring as usize].1, 0),
        Kind::Untyped { pages } => ("Untyped", pages, 0),
        Kind::SchedContext { .. } => ("SchedContext", 0, 0),
        Kind::VCpus { .. } => ("VCpu", 0, 0),
        Kind::Archive => ("Frame", SOME, 0),
        Kind::Foreign { program, object } => match object {
            Object::CNode => ("CNode", system.programs[program as usize].slots, 0),
            Object::Thread => ("Thread", 0, 0),
            Object::VSpace => ("VSpace", 0, 0),
            Object::Frame => ("Frame", SOME, 0),
        },
    };
    let rights = grant.rights;
    Slot {
        number,
        kind,
        rights,
        size,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images;

    /// What init would write of the smallest system.
    const GOOD: &str = "\
init: serial0 holds 1 CNode read+write+use size 64 detail 0x0
init: serial0 holds 2 VSpace map+share size 0 detail 0x0
init: serial0 holds 3 Thread read+write size 0 detail 0x0
init: serial0 holds 4 SchedContext use size 0 detail 0x0
init: serial0 holds 5 Untyped write size 31 detail 0x0
init: serial0 holds 16 Endpoint receive size 0 detail 0x0
init: serial0 holds 17 IoPorts read+write size 8 detail 0x3f8
init: serial0 holds 18 Irq use size 1 detail 0x4
init: serial0 holds 19 Notification send+receive size 0 detail 0x0
init: serial0 holds nothing else in 64 slots
";

    fn compare_first(text: &str) -> Result<(), String> {
        let toml = std::fs::read_to_string(images::manifest("serial-lines")).unwrap();
        let mut system = sundog_manifest::host::read(&toml, &|_| true).unwrap();
        system.programs.truncate(1);
        compare(text, &system)
    }

    #[test]
    fn every_slot_is_as_the_manifest_says_and_no_other_is_filled() {
        assert_eq!(compare_first(GOOD), Ok(()));
        let twice = format!("{GOOD}init: serial0 runs again\n{GOOD}");
        assert_eq!(compare_first(&twice), Ok(()));
        for (right, wrong) in [
            ("16 Endpoint receive", "16 Endpoint receive+grant"),
            ("16 Endpoint", "15 Endpoint"),
            ("size 8 detail 0x3f8", "size 9 detail 0x3f8"),
            ("detail 0x3f8", "detail 0x3f9"),
            ("18 Irq use", "18 Notification use"),
            ("5 Untyped write size 31", "5 Untyped write size 0"),
            (
                "init: serial0 holds 17 IoPorts read+write size 8 detail 0x3f8\n",
                "",
            ),
            ("in 64", "in 65"),
            (
                "init: serial0 holds nothing",
                "init: serial0 holds 20 Frame read size 1 detail 0x0\ninit: serial0 holds nothing",
            ),
            ("init: serial0 holds nothing else in 64 slots\n", ""),
        ] {
            assert!(GOOD.contains(right), "{right}");
            let text = GOOD.replacen(right, wrong, 1);
            assert!(compare_first(&text).is_err(), "{wrong}");
            // The second time a program is built counts as the first does.
            let text = format!("{GOOD}{text}");
            let open = wrong.is_empty() && right.contains("nothing");
            assert!(open || compare_first(&text).is_err(), "{wrong}");
        }
        assert!(compare_first("").is_err());
    }
}
