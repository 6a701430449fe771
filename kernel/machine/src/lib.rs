//! The only portable unsafe code of the kernel: typed object memory, user copies, per-CPU data.
//!
//! `kernel/core` has no unsafe code: it names objects by [`Ref`], reaches them through a [`Token`] (the proof that the kernel's
//! lock is held), and asks this crate for whatever touches raw memory or the CPU. On the bare machine the objects lie in physical
//! memory behind the direct map; on the host they lie in an arena, and every access is checked against a table of what lives where.
#![no_std]

#[cfg(not(target_os = "none"))]
extern crate std;

mod link;
mod object;
mod reference;
mod shared;
mod table;
mod token;

#[cfg(target_os = "none")]
#[path = "bare/mod.rs"]
mod backing;
#[cfg(not(target_os = "none"))]
#[path = "host/mod.rs"]
mod backing;

pub use backing::{Backing, hardware};
#[cfg(target_os = "none")]
pub use backing::{lock, own, root, set_own, set_root, try_lock, unlock};
pub use link::{Link, Side};
pub use object::{FIRST_OBJECT_KIND, Field, Object, ObjectCell};
pub use reference::{Opt, Ref, UNIT};
pub use shared::SharedPage;
pub use sundog_arch_x86_64::entry_format as format;
pub use sundog_arch_x86_64::event::{Access, Event, GENERAL_PROTECTION, NO_FPU};
pub use sundog_arch_x86_64::registers::{BY_IRET, BY_SYSRET, Registers};
pub use table::{MappingEnd, TablePage};
pub use token::{Reach, Token};
