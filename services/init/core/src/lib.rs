//! What init decides, without doing it: where programs are in the archive, when one is started again, how faults read.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod archive;
mod fault;
mod restarts;

pub use archive::{BadArchive, find};
pub use fault::FaultText;
pub use restarts::{MOST_RESTARTS, Restarts};
