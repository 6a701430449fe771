//! The file protocol: one model of trees and files, with 9P2000.L's operations and meanings.
//!
//! A server hands out handles. A handle from `attach` or `walk` names a node of the tree; one from `open` or `create` can also
//! be read and written. Nothing is named in any other way: there are no absolute paths and no `..`, so what lies above the
//! attached node cannot be spoken about. Symbolic links are data; who walks decides what they mean.
//!
//! * [`server`]: the trait [`FileServer`] that every tree implements.
//! * [`wire`]: the fixed layout of requests and replies in message words, with bulk data in a shared ring.
//! * [`session`]: runs a [`FileServer`] for one client over the wire layout.
//! * [`client`]: the other end, a [`FileServer`] whose tree is elsewhere.

mod attr;
pub mod client;
mod error;
pub mod server;
pub mod session;
mod table;
#[cfg(test)]
mod tests;
pub mod wire;

pub use attr::{
    Attr, Kind, Node, Owner, SetAttr, SetTime, StatFs, Time, device, device_major, device_minor,
};
pub use client::{Client, Transport};
pub use error::FileError;
pub use server::{
    Allocate, Created, DirEntry, FileServer, Handle, NAME_MAX, OpenFlags, RenameFlags, Result,
    check_name,
};
pub use session::Session;
pub use table::Table;
