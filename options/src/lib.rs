//! The options of `sundog run`, `sandbox` and `bwrap`: one table, and parsing into an ordered list of operations.
//!
//! The host command and the programs inside the image parse with the same code, so an option means the same everywhere.
//! Options are read in the order of the command line; file-system operations keep that order, since a later one covers an
//! earlier one. An option that the table knows but that does not work yet is an error: it is never ignored, and never taken
//! for the program's name.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod error;
mod help;
mod number;
mod parse;
mod plan;
mod reference;
mod table;

pub use error::{Error, NumberFault};
pub use help::help;
pub use number::parse_size;
pub use parse::{Parsed, Request, parse};
pub use plan::{
    Accelerator, BindMode, Bytes, Decision, EnvironmentChange, Operation, Plan, Rule, Serial,
    Unshare,
};
pub use reference::reference;
pub use table::{Front, Fronts, OPTIONS, Section, Spec, Status, find};

#[cfg(test)]
mod tests;
