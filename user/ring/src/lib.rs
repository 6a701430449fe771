//! A byte ring between two processes: one writes, one reads, and the data is mapped twice in a row so that no copy ever wraps.
//!
//! The ring is one run of frames: a header page and the data pages. Each side maps the header once and the data twice, one copy
//! right behind the other. Positions count bytes for ever; each side keeps its own in private memory and believes the other's
//! only after a check, at every use. A side that finds nothing to do says so in the header and sleeps on a notification; the
//! other signals only then.
//!
//! A side can be replaced while the other one goes on: the new holder begins at the position that stands in the header, and the other
//! side is told.
#![no_std]

#[cfg(test)]
extern crate std;

mod area;
mod consumer;
mod header;
mod mapped;
mod memory;
mod producer;

pub use area::Area;
pub use consumer::Consumer;
pub use header::{Error, HEADER_BYTES, Moved};
pub use mapped::Mapped;
pub use memory::{Memory, Word};
pub use producer::Producer;

#[cfg(test)]
mod tests;
