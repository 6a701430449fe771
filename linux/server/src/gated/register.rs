//! Sandboxes within, as the consent service knows them: registered by the one around them, narrowed by its options, and taken off the
//! list at their end.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use hmac_sha256::Hash;
use sundog_consent_core::policy::{self, Origin, Policy, Rule};
use sundog_options::{Decision, Plan};
use sundog_protocols::Words;
use sundog_protocols::consent::{Narrow, Refusal, Register, label};
use sundog_rt::Resources;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::abi::message::REGISTER_WORDS;
use sundog_rt::sys::abi::{Address, Info};
use sundog_rt::sys::{self, MessagePage};
use sundog_service::{arrived, outgoing};

/// The most bytes of a policy file within a sandbox.
pub const MAX_POLICY: usize = 16 * 1024;
/// Why options that allow are refused.
const NO_ALLOWING: &str = "--allow: a sandbox cannot allow anything to one within it; who can is the person who is asked, and the \
    options and policy of `sundog run`";

/// The rules that a command line and its policy file give: those of options, then those of the file, each with its number.
pub type Rules = Vec<(bool, u32, String)>;

/// The rules of the options that deny.
///
/// # Errors
/// A sentence: an option that allows, or that names no device.
pub fn denials(plan: &Plan) -> Result<Rules, String> {
    let mut rules = Vec::new();
    for (rule, number) in plan.rules.iter().zip(1..) {
        if rule.decision != Decision::Deny {
            return Err(String::from(NO_ALLOWING));
        }
        let spec = String::from_utf8_lossy(&rule.resource);
        let rule = policy::deny(&spec).map_err(|mistake| mistake.to_string())?;
        rules.push((true, number, rule.to_string()));
    }
    Ok(rules)
}

/// The rules of a policy file.
///
/// # Errors
/// Its mistakes, one a line.
pub fn file_rules(name: &str, text: &[u8]) -> Result<Rules, String> {
    let text = core::str::from_utf8(text).map_err(|_| format!("{name} is no text"))?;
    let policy = Policy::parse_within(name, text).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })?;
    let number = |rule: &Rule| match rule.origin {
        Origin::File(_, line) => u32::try_from(line).unwrap_or(u32::MAX),
        Origin::CommandLine => 0,
    };
    let rules = policy.rules().iter();
    Ok(rules
        .map(|rule| (false, number(rule), rule.to_string()))
        .collect())
}

/// What a sandbox is given, as a hash: its command line with the program, and the text of its policy.
pub fn given<'a>(arguments: impl IntoIterator<Item = &'a [u8]>, policy: &'a [u8]) -> [u8; 32] {
    let mut digest = Hash::new();
    for part in arguments.into_iter().chain([policy]) {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize()
}

/// The way to the consent service, for requests that it answers at once.
pub trait Service {
    /// Asks; the answer, and whether a capability came with it. Nothing if there is none in time.
    fn call(&mut self, request: &Words) -> Option<(Words, bool)>;
    /// Gives up the capability that came.
    fn give_up(&mut self);
}

/// Registers a sandbox within, named after a number, and narrows it. Gives its badge; the capability that came is its own.
///
/// # Errors
/// A sentence; the sandbox is not registered then.
pub fn register(
    service: &mut impl Service,
    number: u64,
    given: [u8; 32],
    rules: &Rules,
) -> Result<u64, String> {
    let silent = || String::from("the consent service does not answer");
    let register = Register {
        badge: 0,
        parent: 0,
        manifest: given,
        interactive: false,
        name: format!("sandbox {number}"),
        tag: String::new(),
    };
    let words = register.encode().map_err(|_| silent())?;
    let (answer, came) = service.call(&words).ok_or_else(silent)?;
    let badge = match (answer.as_slice(), came) {
        ([0, badge], true) => *badge,
        ([status, ..], _) => {
            if came {
                service.give_up();
            }
            return Err(refused(*status));
        }
        ([], _) => return Err(silent()),
    };
    for (option, line, rule) in rules {
        let narrow = Narrow {
            badge,
            option: *option,
            line: *line,
            rule: rule.clone(),
        };
        let narrowed = match narrow.encode() {
            Ok(words) => service.call(&words).map(|(answer, _)| answer.label()),
            Err(_) => Some(Refusal::Malformed as u64),
        };
        if narrowed != Some(0) {
            service.give_up();
            if let Ok(words) = gone(badge) {
                // A service that does not hear it knows a sandbox that nobody uses, until this one ends.
                let _ = service.call(&words);
            }
            return Err(narrowed.map_or_else(silent, |status| {
                format!("the rule `{rule}`: {}", refused(status))
            }));
        }
    }
    Ok(badge)
}

fn refused(status: u64) -> String {
    String::from(match Refusal::from_number(status) {
        Some(Refusal::Exhausted) => {
            "the consent service takes no more: too many sandboxes, too deep, or too many rules"
        }
        Some(Refusal::Malformed) => "the consent service does not understand it",
        _ => "the consent service refuses",
    })
}

/// The message that a sandbox has ended.
pub fn gone(badge: u64) -> Result<Words, sundog_protocols::Malformed> {
    let mut words = Words::new(label::UNREGISTER);
    words.push(badge)?;
    Ok(words)
}

/// The service over the kernel.
pub struct NativeService<'a> {
    /// Its endpoint.
    pub consent: Cap<Endpoint>,
    /// The message page of the thread that asks.
    pub page: &'a mut MessagePage,
    /// Where the capability comes.
    pub slot: u32,
    /// This program's slots.
    pub resources: &'a mut Resources,
    /// How long an answer may take, in ticks.
    pub at_once: u64,
}

impl Service for NativeService<'_> {
    fn call(&mut self, request: &Words) -> Option<(Words, bool)> {
        let (info, registers) = outgoing(self.page, request);
        self.page.set_window(Address::NULL, self.slot, 1);
        let deadline = sys::ticks().saturating_add(self.at_once);
        let received = self.consent.call(info, &registers, Some(deadline));
        let came = self.page.arrived() & 1 == 1;
        self.page.set_window(Address::NULL, 0, 0);
        let received = received.ok()?;
        let came = came && received.info.capabilities() == 1;
        Some((arrived(self.page, &received).ok()?, came))
    }

    fn give_up(&mut self) {
        // An empty slot is what was wanted.
        let _ = self.resources.slots.cnode().delete(self.slot);
    }
}

/// Says that a sandbox has ended. `false`: the service does not listen now.
pub fn say_gone(consent: Cap<Endpoint>, badge: u64, at_once: u64) -> bool {
    let words: [u64; REGISTER_WORDS] = [label::UNREGISTER, badge, 0, 0, 0, 0, 0, 0];
    let deadline = sys::ticks().saturating_add(at_once);
    let said = consent.send(Info::new(0, 2), &words, Some(deadline));
    // A service that is gone knows nobody any more.
    said != Err(sundog_rt::cap::Error::TimedOut)
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
