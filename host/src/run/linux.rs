//! What the personality is told about the program that it runs.

use crate::failure::Failure;
use std::time::SystemTime;
use sundog_options::Plan;

/// The arguments of the personality for this plan; a failure names an option that cannot be handed over.
pub fn arguments(plan: &Plan) -> Result<Vec<String>, Failure> {
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
    arguments.push("--".to_owned());
    for word in std::iter::once(&plan.program).chain(&plan.arguments) {
        // A manifest's arguments are texts.
        let word = String::from_utf8(word.clone())
            .map_err(|_| Failure::new("run: the program's arguments must be UTF-8"))?;
        arguments.push(word);
    }
    Ok(arguments)
}

/// An option of the plan that the system inside does not know.
fn unknown_inside(plan: &Plan) -> Option<&'static str> {
    let given = [
        (!plan.operations.is_empty(), "a file option"),
        (!plan.environment.is_empty(), "a change of the environment"),
        (plan.chdir.is_some(), "--chdir"),
        (plan.hostname.is_some(), "--hostname"),
        (plan.memory.is_some(), "--mem"),
        (plan.cpus.is_some(), "--cpus"),
        (plan.pids.is_some(), "--pids"),
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
        let words = arguments(&plan).unwrap();
        assert_eq!(words[0], "--time");
        assert!(words[1].parse::<u64>().unwrap() > 1_700_000_000);
        assert_eq!(words[2..], ["--trace", "--", "ls", "-l"]);
        plan.chdir = Some(b"/".to_vec());
        assert!(arguments(&plan).unwrap_err().text().contains("--chdir"));
        plan.chdir = None;
        plan.arguments.push(b"\xff".to_vec());
        assert!(arguments(&plan).is_err());
    }
}
