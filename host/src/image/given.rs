//! What a program is given, as a hash: consent keeps what a person answered for that, and for nothing else.

use hmac_sha256::Hash;
use sundog_manifest::Kind;
use sundog_manifest::host::{Member, System};

/// The image of the service that asks the person.
const CONSENT: &str = "consent";
/// Shells, which read commands if no argument says what to run.
const SHELLS: [&str; 7] = ["sh", "ash", "hush", "bash", "dash", "ksh", "busybox"];

/// Tells the consent service of each sandbox that its arguments name (`sandbox=BADGE:NAME`) what the program with that badge is given,
/// and whether it is a shell.
pub fn tell(system: &mut System) {
    let programs = system.programs.clone();
    for consent in &mut system.programs {
        if consent.image != CONSENT {
            continue;
        }
        let served = consent
            .capabilities
            .iter()
            .find_map(|grant| match grant.kind {
                Kind::Serves { endpoint } => Some(endpoint),
                _ => None,
            });
        let asks = |member: &&Member, badge: u64| {
            let mut given = member.capabilities.iter();
            given.any(|grant| {
                matches!(grant.kind, Kind::Calls { endpoint, badge: own }
                    if Some(endpoint) == served && own == badge)
            })
        };
        for argument in &mut consent.arguments {
            let named = argument
                .strip_prefix("sandbox=")
                .and_then(|rest| rest.split_once(':'));
            let Some((badge, name)) = named.filter(|(_, name)| !name.contains(':')) else {
                continue;
            };
            let badge = badge.parse().unwrap_or(0);
            let Some(member) = programs.iter().find(|member| asks(member, badge)) else {
                continue;
            };
            let interactive = match is_interactive(&member.arguments) {
                true => ":interactive",
                false => "",
            };
            let digits: String = hash(member)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            *argument = format!("sandbox={badge}:{name}:{digits}{interactive}");
        }
    }
}

/// The hash of a program's entry: its image, memory, slots and time, names and capabilities, and its arguments but for those that say
/// what time it is, on what terminal it is, which streams are closed, and what is printed besides.
fn hash(member: &Member) -> [u8; 32] {
    let mut digest = Hash::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    add(&member.image);
    add(&format!("{} {}", member.memory, member.slots));
    add(&format!("{:?}", member.time));
    add(&format!("{:?}", member.names));
    for grant in &member.capabilities {
        let (rights, kind) = (grant.rights, grant.kind);
        add(&format!(
            "{} {} {rights:?} {kind:?}",
            grant.name, grant.slot
        ));
    }
    let mut arguments = member.arguments.iter().peekable();
    let mut options = true;
    while let Some(argument) = arguments.next() {
        options &= argument != "--";
        match (options, &**argument) {
            (true, "--trace") => {}
            (true, "--time" | "--closed") => drop(arguments.next()),
            (true, "--setenv") if arguments.peek().is_some_and(|v| v.starts_with("TERM=")) => {
                arguments.next();
            }
            (_, argument) => add(argument),
        }
    }
    digest.finalize()
}

/// Whether a person may type commands into what these arguments of a personality run: a shell that is not told what to do. What no
/// `--` stands before is taken for one, since nobody says what it is.
fn is_interactive(arguments: &[String]) -> bool {
    let mut words = arguments.iter().skip_while(|argument| *argument != "--");
    let (Some(_), Some(program)) = (words.next(), words.next()) else {
        return true;
    };
    let name = program.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name) && words.next().is_none_or(|first| first != "-c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Plan;
    use crate::images;
    use std::path::PathBuf;

    fn told(arguments: &[&str]) -> String {
        let manifest = images::manifest(images::SYSTEM);
        let mut plan = Plan::read(&manifest, &|_| Ok(PathBuf::new())).unwrap();
        plan.set_arguments("linux", arguments).unwrap();
        tell(&mut plan.system);
        let mut programs = plan.system.programs.iter();
        let consent = programs.find(|program| program.image == CONSENT).unwrap();
        assert_eq!(consent.arguments[1..], ["device=serial:1:serial", "trace"]);
        consent.arguments[0].clone()
    }

    #[test]
    fn what_is_given_is_told_and_nothing_else() {
        let cat = told(&["--", "cat", "/dev/ttyS1"]);
        let digits = cat.strip_prefix("sandbox=1:linux:").unwrap();
        assert!(digits.len() == 64 && digits != "0".repeat(64), "{digits}");
        let time = [
            "--time", "7", "--trace", "--closed", "1", "--setenv", "TERM=x",
        ];
        assert_eq!(
            told(&[&time[..], &["--", "cat", "/dev/ttyS1"]].concat()),
            cat
        );
        for other in [
            &["--", "cat", "/dev/ttyS2"][..],
            &["--pids", "3", "--", "cat", "/dev/ttyS1"],
            &["--setenv", "A=1", "--", "cat", "/dev/ttyS1"],
            &["--", "cat", "--trace", "/dev/ttyS1"],
        ] {
            assert_ne!(told(other), cat, "{other:?}");
        }
    }

    #[test]
    fn a_shell_that_is_told_nothing_is_interactive() {
        for (arguments, interactive) in [
            (&["--", "sh"][..], true),
            (&["--", "/bin/sh", "script"], true),
            (&["--", "sh", "-c", "cat /dev/ttyS1"], false),
            (&["--", "head", "-c"], false),
            (&["sh", "-c", "true"], true),
            (&[], true),
        ] {
            let told = told(arguments);
            assert_eq!(told.ends_with(":interactive"), interactive, "{told}");
        }
    }
}
