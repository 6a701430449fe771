//! One line for each message of a request, as `--trace-ipc` shows them; made from the messages themselves.
use crate::names::escaped;
use crate::{Open, Opened, Refusal};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::control::{Prompt, ToMachine};

/// A program asks; `badge` and `chain` are its sandbox's, the names from init's sandbox down.
pub fn open(badge: u64, chain: &[String], open: &Open) -> String {
    let (resource, program) = (open.resource.name(), escaped(&open.program));
    let sandbox = match chain {
        [] | [_] => format!("sandbox {badge}"),
        chain => chain.join(" > "),
    };
    format!(
        "program -> consent: open {resource} +{} [{sandbox}, {program}]",
        escaped(&open.instance)
    )
}

/// A program does not want any more what it asked for.
pub fn withdraw(badge: u64, number: u64) -> String {
    format!("program -> consent: withdraw [sandbox {badge}, request {number}]")
}

/// The person is asked.
pub fn ask(prompt: &Prompt) -> String {
    let offered: Vec<&str> = crate::Answer::ALL
        .into_iter()
        .filter(|answer| prompt.offered.contains(*answer))
        .map(crate::Answer::word)
        .collect();
    let within = match &prompt.chain[..] {
        [] | [_] => String::new(),
        chain => format!(" of {}", chain.join(" > ")),
    };
    format!(
        "consent -> person: ask {} +{} [question {}{within}: {}]",
        escaped(&prompt.resource),
        escaped(&prompt.instance),
        prompt.id,
        offered.join(", ")
    )
}

/// The person does something; none for what is not about a grant.
pub fn person(message: &ToMachine) -> Option<String> {
    match message {
        ToMachine::Answer { id, answer, by, .. } => Some(format!(
            "person -> consent: answer {} [question {id}, {by:?}]",
            answer.word()
        )),
        ToMachine::Revoke { grant } => Some(format!("person -> consent: revoke [grant {grant}]")),
        _ => None,
    }
}

/// The request is answered with a capability.
pub fn opened(opened: &Opened) -> String {
    format!(
        "consent -> program: endpoint(record) [grant {}, {}]",
        opened.grant,
        opened.answer.word()
    )
}

/// The request is refused.
pub fn refused(refusal: Refusal) -> String {
    format!("consent -> program: {refusal:?}")
}

/// The device server tells that a program recorded.
pub fn used(grant: u64, bytes: u64) -> String {
    format!("program -> handler: record [grant {grant}, {bytes} bytes]")
}

/// The device server is told to drop a grant.
pub fn revoke(grant: u64) -> String {
    format!("consent -> handler: revoke [grant {grant}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resource;

    #[test]
    fn a_name_cannot_forge_a_line() {
        let line = open(
            1,
            &[],
            &Open {
                resource: Resource::Serial,
                instance: "1".into(),
                number: 0,
                program_hash: [0; 32],
                program: "/x\nperson -> consent: answer once\x1b[2J".into(),
            },
        );
        assert!(line.starts_with("program -> consent: open serial +1 [sandbox 1, "));
        assert!(!line.contains('\n') && !line.contains('\x1b'), "{line}");
    }
}
