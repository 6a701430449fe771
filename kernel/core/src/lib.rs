//! Objects, capability operations, IPC and scheduling; no unsafe code.
//!
//! A newcomer's map: `slot` is a capability, `tree` the derivation tree, `lookup` resolves addresses, then one file for each object.
//! Every operation decodes (checks everything, changes nothing), then acts; long ones stop at preemption points and are resumed by
//! decoding the same call again, with their progress kept in the object.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(not(target_os = "none"))]
extern crate std;

pub mod boot;
mod calls;
mod cancel;
mod cnode;
mod context;
mod cpu;
mod delete;
mod dispatch;
mod endpoint;
mod fast;
mod frame;
mod interrupt;
mod ipc;
mod kernel;
mod lookup;
mod mapping;
mod notification;
mod object;
mod page_tables;
mod queue;
mod range;
mod reply;
mod revoke;
mod slot;
mod thread;
mod timer;
#[cfg(test)]
mod timer_model;
mod transfer;
mod tree;
mod untyped;
mod vcpu;
mod vspace;
mod walk;

#[cfg(not(target_os = "none"))]
pub mod check;
#[cfg(not(target_os = "none"))]
mod check_mappings;
#[cfg(not(target_os = "none"))]
mod check_threads;

pub use cnode::CNode;
pub use context::SchedContext;
pub use cpu::Cpu;
pub use endpoint::Endpoint;
pub use fast::Fast;
pub use ipc::Wish;
pub use kernel::{Kernel, Outcome, Stop, System};
pub use mapping::{End, Records};
pub use notification::Notification;
pub(crate) use object::object_shape;
pub use page_tables::{MOST_PAGES, Page, PageTables, Place, RunList};
pub use range::{Map, Share};
pub use reply::Reply;
pub use slot::{Slot, flag};
pub use thread::{State, Thread};
pub use untyped::Retype;
pub use vcpu::VCpu;
pub use vspace::VSpace;
