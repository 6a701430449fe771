//! The boot archive, read only, as a library.
//!
//! The format is the `newc` form of cpio, so that ordinary tools make and list it (`find . | cpio -o -H newc`). An index is built
//! once, when the archive is mounted; after that a look-up is a binary search and a read is a copy. A hostile archive gives a
//! typed error at the mount and never a panic: [`Archive::new`] checks every offset, so reads need not.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod entry;
mod index;
mod server;
#[cfg(test)]
mod tests;

pub use entry::{ArchiveError, Problem};
pub use server::Archive;
