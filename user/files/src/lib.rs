//! Files between programs: a server runs a tree as one loop ([`Service`]), a client reaches the servers behind its names ([`Files`]).
//!
//! Each client shares a ring with each of its servers: one run of frames, whose data both have mapped twice in a row, so that what lies
//! across its end is one copy. Names and data lie there, where the request says; requests and answers travel in registers.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod area;
mod clients;
mod connection;
mod files;
mod message;
mod mount;
mod service;
#[cfg(test)]
mod tests;

pub use clients::Clients;
pub use connection::{Caller, Connection, Remote};
pub use files::{Entry, File, Files};
pub use message::Answer;
pub use mount::{Mount, OneLife, mounts};
pub use service::Service;
