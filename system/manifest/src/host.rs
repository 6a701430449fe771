//! The host's side: reads and checks the TOML text, encodes it, and computes who can get capabilities of whom.

mod capabilities;
mod check;
mod closure;
mod encode;
mod ports;
mod programs;
mod resources;
mod system;
mod text;

use std::string::String;
use std::vec::Vec;

pub use closure::{Flow, flows};
pub use system::{Grant, Member, Server, System};

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line of the text, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.message)
    }
}

/// Reads and checks a manifest. `has_image` tells whether the image will hold a program of that file name.
///
/// # Errors
/// Every fault that was found, in the order of the lines; a text that is not TOML of the right shape gives its first fault only.
pub fn read(text: &str, has_image: &dyn Fn(&str) -> bool) -> Result<System, Vec<Fault>> {
    let lines = text::Lines::new(text);
    let parsed = text::parse(text, &lines).map_err(|fault| std::vec![fault])?;
    let mut faults = check::Faults::new(lines);
    let system = check::system(&parsed, has_image, &mut faults);
    faults.into_result(system)
}
