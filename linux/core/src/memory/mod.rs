//! Address spaces of guests: areas, page tables, faults, copies and fork.
pub mod area;
pub mod change;
mod copy;
mod fault;
mod fork;
pub mod space;

pub use area::{Access, Area, FileRange, Purpose};
pub use fault::FaultError;
pub use space::{AddressSpace, Environment, FilePages, NoFiles};

/// The first byte that no program can map; the pages up to 2^47 are the machine's.
pub const USER_END: u64 = 0x7fff_ffff_0000;
/// The lowest address that mmap gives out or takes.
pub const USER_START: u64 = 0x1_0000;
