//! What init decides, without doing it: where programs are in the archive, when one is started again, how faults and capabilities read.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod archive;
mod fault;
mod holding;
mod restarts;

pub use archive::{BadArchive, find};
pub use fault::FaultText;
pub use holding::Holding;
pub use restarts::{MOST_RESTARTS, Restarts};
