//! The lines on standard error before a program's own, at most five: what it holds, what it must ask for, its limits, what to try.
//!
//! All of it is read from the manifest that the machine is started with, so it says what is given.

use super::SHELL;
use crate::image::LINUX;
use sundog_consent_core::names::escaped;
use sundog_manifest::Kind;
use sundog_manifest::host::{Grant, System};
use sundog_options::Plan;

/// The image of the service that asks the person.
const CONSENT: &str = "consent";
/// Pages in a MiB.
const PAGES: u32 = 256;

/// The lines; `told` is one about the guarded device, `person` says whether there is somebody to ask.
pub fn lines(plan: &Plan, system: &System, told: Option<&str>, person: bool) -> Vec<String> {
    let program = escaped(&String::from_utf8_lossy(&plan.program));
    let mut lines = vec![format!(
        "{program} runs in a machine of its own and holds the files of its image and these streams; \
         no file of this computer, no network"
    )];
    lines.push(match (devices(system).join(", "), person) {
        (devices, _) if devices.is_empty() => "it can ask for no device".to_owned(),
        (devices, true) => format!("it must ask you for {devices}"),
        (devices, false) => {
            format!("it is denied {devices}, unless an option or a policy allows it")
        }
    });
    lines.push(format!("its limits: {}", limits(system)));
    lines.extend(told.map(str::to_owned));
    let shell = plan.program == SHELL && plan.arguments.is_empty();
    let try_out = [
        (shell && person, "help lists six things to try"),
        (person, "Ctrl-] calls Sundog: grants, revoke, stop"),
    ];
    let try_out = try_out.iter().filter(|(shown, _)| *shown);
    let try_out: Vec<_> = try_out.map(|(_, text)| *text).collect();
    if !try_out.is_empty() {
        lines.push(try_out.join("; "));
    }
    lines
}

/// The devices that consent hands out, serial lines by their names in Linux.
fn devices(system: &System) -> Vec<String> {
    let devices = handed_out(system).into_iter();
    let name = |(class, instance)| match class {
        "serial" => format!("/dev/ttyS{instance}"),
        class => format!("{class} +{instance}"),
    };
    devices.map(name).collect()
}

/// The classes and instances of the devices that consent hands out: its arguments `device=CLASS:INSTANCE:CAPABILITY`.
pub fn handed_out(system: &System) -> Vec<(&str, &str)> {
    let services = system.programs.iter();
    let arguments = services
        .filter(|program| program.image == CONSENT)
        .flat_map(|program| &program.arguments);
    arguments.filter_map(|argument| device(argument)).collect()
}

fn device(argument: &str) -> Option<(&str, &str)> {
    let mut parts = argument.strip_prefix("device=")?.split(':');
    Some((parts.next()?, parts.next()?))
}

/// What the personality has for its programs, and for native programs and sandboxes within.
fn limits(system: &System) -> String {
    let personality = system
        .programs
        .iter()
        .find(|program| program.image == LINUX);
    let held = personality.map_or(&[][..], |program| &program.capabilities);
    let memory = |name: &str| {
        held.iter().find_map(|grant| match grant.kind {
            Kind::Untyped { pages } if grant.name == name => Some(pages / PAGES),
            _ => None,
        })
    };
    let is_time = |grant: &&Grant| grant.name.starts_with("time-");
    let within = held.iter().filter(is_time).count();
    let mut limits = vec![format!(
        "{} MiB for programs and files",
        memory("pool").unwrap_or(0)
    )];
    if let Some(children) = memory("children") {
        limits.push(format!(
            "{children} MiB for sandboxes within, at most {within} at a time"
        ));
    }
    limits.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image;
    use crate::images;
    use std::path::PathBuf;

    /// The system that a run starts.
    fn system() -> System {
        let manifest = images::manifest(images::SYSTEM);
        image::Plan::read(&manifest, &|_| Ok(PathBuf::new()))
            .unwrap()
            .system
    }

    fn plan(program: &str, arguments: &[&str]) -> Plan {
        Plan {
            program: program.into(),
            arguments: arguments
                .iter()
                .map(|word| word.as_bytes().to_vec())
                .collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn a_shell_is_told_in_five_lines_at_most() {
        let told = "the guarded serial line is /dev/pts/7";
        let lines = lines(&plan("sh", &[]), &system(), Some(told), true);
        let expected = [
            "sh runs in a machine of its own and holds the files of its image and these streams; no file of this computer, no network",
            "it must ask you for /dev/ttyS1",
            "its limits: 96 MiB for programs and files; 160 MiB for sandboxes within, at most 24 at a time",
            told,
            "help lists six things to try; Ctrl-] calls Sundog: grants, revoke, stop",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn without_a_person_nobody_is_told_of_keys() {
        let lines = lines(&plan("cat", &["/dev/ttyS1"]), &system(), None, false);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("it is denied /dev/ttyS1, unless"));
        let all = lines.join("\n");
        assert!(!all.contains("Ctrl-]") && !all.contains("help"), "{all}");
    }

    #[test]
    fn a_system_without_devices_says_so() {
        let mut system = system();
        system.programs.retain(|program| program.image != CONSENT);
        let lines = lines(&plan("true\x1b", &[]), &system, None, true);
        assert_eq!(lines[1], "it can ask for no device");
        assert!(!lines[0].contains('\x1b'));
        assert!(!lines[3].contains("help"), "that is the shell's");
    }
}
