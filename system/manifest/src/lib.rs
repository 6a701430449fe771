//! The format of system manifests: which programs an image holds and what each of them is given.
//!
//! A manifest is a TOML text (`system/*.toml`). The host reads and checks it ([`host`], feature `host`) and encodes it into a
//! compact binary; init decodes that with [`Manifest`], without allocation. The decoder never panics, whatever the bytes.
//!
//! Init itself is not in the manifest: the kernel starts it with everything there is, and it makes what the manifest lists.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "host")]
extern crate std;

mod capability;
mod decode;
#[cfg(feature = "host")]
pub mod host;
mod reader;

pub use capability::{Capability, FIRST_SLOT, Kind, Object, Restart, Time};
pub use decode::{Malformed, Manifest, Name, Program, Ring, Tell};
pub use reader::Items;
