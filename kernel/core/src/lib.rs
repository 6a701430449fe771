//! Objects, capability operations, IPC and scheduling; no unsafe code.
//!
//! A newcomer's map: `slot` is a capability, `tree` the derivation tree, `lookup` resolves addresses, then one file for each object.
//! Every operation decodes (checks everything, changes nothing), then acts; long ones stop at preemption points and are resumed by
//! decoding the same call again, with their progress kept in the object.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "none"))]
extern crate std;

mod cnode;
mod delete;
mod endpoint;
mod kernel;
mod lookup;
mod notification;
mod object;
mod revoke;
mod slot;
mod thread;
mod tree;
mod untyped;

#[cfg(not(target_os = "none"))]
pub mod check;

pub use cnode::CNode;
pub use endpoint::Endpoint;
pub use kernel::{Kernel, Outcome, Stop, System};
pub use notification::Notification;
pub(crate) use object::object_shape;
pub use slot::{Slot, flag};
pub use thread::Thread;
pub use untyped::Retype;
