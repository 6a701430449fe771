//! What the personality is told about the program that it runs.

use crate::failure::Failure;
use std::time::SystemTime;
use sundog_options::{EnvironmentChange, Plan};

/// The arguments of the personality for this plan, on a terminal of the kind `terminal`, with these standard streams closed; a failure names an option that cannot be handed
/// over.
pub fn arguments(
    plan: &Plan,
    terminal: Option<&str>,
    closed: impl Iterator<Item = u8>,
) -> Result<Vec<String>, Failure> {
    if let Some(option) = unknown_inside(plan) {
        return Err(Failure::new(format!(
            "run: {option} cannot be handed to the system in this image yet"
        )));
    }
    let seconds = SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_secs();
    let mut arguments = vec!["--time".to_owned(), seconds.to_string()];
    if plan.trace {
        arguments.push("--trace".to_owned());
    }
    let mut add = |option: &str, value: Option<&[u8]>| {
        arguments.push(option.to_owned());
        if let Some(value) = value {
            arguments.push(text(option, value)?);
        }
        Ok::<_, Failure>(())
    };
    // Programs draw on the caller's terminal.
    if let Some(terminal) = terminal {
        add("--setenv", Some(format!("TERM={terminal}").as_bytes()))?;
    }
    for change in &plan.environment {
        match change {
            EnvironmentChange::Clear => add("--clearenv", None)?,
            EnvironmentChange::Unset(name) => add("--unsetenv", Some(name))?,
            EnvironmentChange::Set(name, value) => {
                add("--setenv", Some(&[name, &b"="[..], value].concat()))?;
            }
        }
    }
    if let Some(folder) = &plan.chdir {
        add("--chdir", Some(folder))?;
    }
    if let Some(name) = &plan.hostname {
        add("--hostname", Some(name))?;
    }
    if let Some(count) = plan.pids {
        add("--pids", Some(count.to_string().as_bytes()))?;
    }
    for number in closed {
        add("--closed", Some(number.to_string().as_bytes()))?;
    }
    arguments.push("--".to_owned());
    for word in std::iter::once(&plan.program).chain(&plan.arguments) {
        arguments.push(text("the program's arguments", word)?);
    }
    Ok(arguments)
}

/// A word as a text: a manifest's arguments are texts.
fn text(what: &str, word: &[u8]) -> Result<String, Failure> {
    String::from_utf8(word.to_vec()).map_err(|_| Failure::new(format!("run: {what} must be UTF-8")))
}

/// An option of the plan that the system inside does not know.
fn unknown_inside(plan: &Plan) -> Option<&'static str> {
    let given = [
        (!plan.operations.is_empty(), "a file option"),
        (plan.memory.is_some(), "--mem"),
        (plan.cpus.is_some(), "--cpus"),
        (plan.argv0.is_some(), "--argv0"),
    ];
    given
        .iter()
        .find(|(given, _)| *given)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_stands_behind_the_options() {
        let mut plan = Plan {
            program: b"ls".to_vec(),
            arguments: vec![b"-l".to_vec()],
            trace: true,
            ..Plan::default()
        };
        let arguments = |plan: &Plan| arguments(plan, None, [1, 2].into_iter());
        let words = arguments(&plan).unwrap();
        assert_eq!(words[0], "--time");
        assert!(words[1].parse::<u64>().unwrap() > 1_700_000_000);
        assert_eq!(
            words[2..],
            [
                "--trace", "--closed", "1", "--closed", "2", "--", "ls", "-l"
            ]
        );
        plan.cpus = Some(2);
        let refused = arguments(&plan).unwrap_err();
        assert!(refused.text().contains("--cpus"), "{refused}");
        plan.cpus = None;
        plan.arguments.push(b"\xff".to_vec());
        assert!(arguments(&plan).is_err());
    }

    #[test]
    fn the_environment_is_changed_in_order_behind_the_terminals_kind() {
        let plan = Plan {
            program: b"env".to_vec(),
            environment: vec![
                EnvironmentChange::Unset(b"USER".to_vec()),
                EnvironmentChange::Clear,
                EnvironmentChange::Set(b"A".to_vec(), b"b c".to_vec()),
            ],
            chdir: Some(b"/tmp".to_vec()),
            hostname: Some(b"inside".to_vec()),
            pids: Some(7),
            ..Plan::default()
        };
        let words = arguments(&plan, Some("xterm"), std::iter::empty()).unwrap();
        let expected = [
            "--setenv",
            "TERM=xterm",
            "--unsetenv",
            "USER",
            "--clearenv",
            "--setenv",
            "A=b c",
            "--chdir",
            "/tmp",
            "--hostname",
            "inside",
            "--pids",
            "7",
            "--",
            "env",
        ];
        assert_eq!(words[2..], expected);
    }
}
