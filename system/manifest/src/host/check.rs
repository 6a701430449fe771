//! Checks of a manifest: collects faults, numbers what has a name, and calls the checks of each kind.

use std::format;
use std::ops::Range;
use std::string::{String, ToString};
use std::vec::Vec;

use toml::Spanned;

use super::closure;
use super::programs;
use super::resources;
use super::system::{Server, System};
use super::text::{Lines, ManifestText};
use super::{Fault, programs::NAME_LIMIT};

/// The faults found so far.
pub(super) struct Faults {
    lines: Lines,
    found: Vec<Fault>,
}

impl Faults {
    pub(super) fn new(lines: Lines) -> Faults {
        Faults {
            lines,
            found: Vec::new(),
        }
    }

    /// Adds a fault at a place of the text.
    pub(super) fn add(&mut self, span: Range<usize>, message: String) {
        let line = self.line(span);
        self.add_line(line, message);
    }

    /// Adds a fault at a line.
    pub(super) fn add_line(&mut self, line: usize, message: String) {
        self.found.push(Fault { line, message });
    }

    /// The line of a place of the text.
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        self.lines.line(span.start)
    }

    fn count(&self) -> usize {
        self.found.len()
    }

    pub(super) fn into_result(mut self, system: System) -> Result<System, Vec<Fault>> {
        if self.found.is_empty() {
            return Ok(system);
        }
        self.found.sort();
        self.found.dedup();
        Err(self.found)
    }
}

/// What has a name and a number.
#[derive(Default)]
pub(super) struct Numbers {
    pub programs: Vec<String>,
    pub endpoints: Vec<Server>,
    pub notifications: Vec<String>,
    pub rings: Vec<(String, u32)>,
}

impl Numbers {
    pub(super) fn program(&self, name: &str) -> Option<usize> {
        self.programs.iter().position(|other| other == name)
    }

    pub(super) fn endpoint(&self, name: &str) -> Option<usize> {
        self.endpoints
            .iter()
            .position(|server| server.endpoint == name)
    }
}

/// A number as the binary holds it.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

pub(super) fn system(
    text: &ManifestText,
    has_image: &dyn Fn(&str) -> bool,
    faults: &mut Faults,
) -> System {
    let numbers = numbers(text, faults);
    let machine = &text.machine;
    if *machine.cpus.get_ref() == 0 {
        let message = "cpus = 0: a machine has at least one CPU".to_string();
        faults.add(machine.cpus.span(), message);
    }
    let programs = text
        .program
        .iter()
        .map(|program| programs::member(program, &numbers, has_image, faults))
        .collect();
    let system = System {
        memory: machine.memory.get_ref().0,
        cpus: *machine.cpus.get_ref(),
        endpoints: numbers.endpoints,
        notifications: numbers.notifications,
        rings: numbers.rings,
        programs,
    };
    resources::check(text, &system, faults);
    programs::check_cpus(text, &system, faults);
    // What follows asks who else holds something; with a capability missing it would report consequences as causes.
    if faults.count() == 0 {
        resources::check_holders(text, &system, faults);
        closure::check(&system, faults);
    }
    system
}

fn numbers(text: &ManifestText, faults: &mut Faults) -> Numbers {
    let mut numbers = Numbers::default();
    for program in &text.program {
        let name = &program.name;
        let known = numbers.program(name.get_ref()).is_some();
        check_name(name, "program", known, faults);
        if name.get_ref() == "init" {
            let message =
                "the name init is the first program's, which no manifest lists; choose another"
                    .to_string();
            faults.add(name.span(), message);
        }
        numbers.programs.push(name.get_ref().clone());
    }
    for ring in &text.ring {
        let known = numbers
            .rings
            .iter()
            .any(|(other, _)| other == ring.name.get_ref());
        check_name(&ring.name, "ring", known, faults);
        let pages = *ring.pages.get_ref();
        if !pages.is_power_of_two() || pages < 2 {
            let message = format!(
                "pages = {pages}: a ring is a Frame of 2, 4, 8, ... pages, the first of which is its header"
            );
            faults.add(ring.pages.span(), message);
        }
        numbers.rings.push((ring.name.get_ref().clone(), pages));
    }
    for (index, program) in text.program.iter().enumerate() {
        for capability in &program.capabilities {
            let given = capability.get_ref();
            for name in given.serves.iter().chain(&given.notification) {
                if !is_name(name) {
                    faults.add(capability.span(), not_a_name(name));
                }
            }
            if let Some(endpoint) = &given.serves {
                match numbers.endpoint(endpoint) {
                    None => numbers.endpoints.push(Server {
                        endpoint: endpoint.clone(),
                        program: index,
                    }),
                    Some(first) => {
                        let server = &numbers.programs[numbers.endpoints[first].program];
                        let message = format!(
                            "endpoint \"{endpoint}\" is already served by {server}; an endpoint has one server: rename one"
                        );
                        faults.add(capability.span(), message);
                    }
                }
            }
            if let Some(name) = &given.notification
                && !numbers.notifications.contains(name)
            {
                numbers.notifications.push(name.clone());
            }
        }
    }
    numbers
}

fn check_name(name: &Spanned<String>, what: &str, known: bool, faults: &mut Faults) {
    if known {
        let message = format!("a second {what} named \"{}\": rename one", name.get_ref());
        faults.add(name.span(), message);
    }
    if !is_name(name.get_ref()) {
        faults.add(name.span(), not_a_name(name.get_ref()));
    }
}

pub(super) fn not_a_name(name: &str) -> String {
    format!(
        "\"{}\" is not a name: use small letters, digits and dashes, at most {NAME_LIMIT}, a letter first",
        name.escape_debug()
    )
}

/// Names are short and plain, since they are shown to people and kept in tables of fixed size.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
}
