//! Makes the boot package: init's segments so that the kernel can map them as they are, the encoded manifest, and the archive of
//! programs and files.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod archive;
mod package;

pub use archive::{ArchiveError, File, archive};
pub use package::{PackageError, package};
