//! The start page: what a parent tells a program before its first instruction.
//!
//! Words are little-endian. The header is [`HEADER_WORDS`] words: magic, ABI version, bytes of the whole, free slots (first +
//! count * 2^32), slot of the untyped memory (0: none), heap address, heap bytes, TSC ticks in a microsecond, flags, then one word
//! for each section (offset + bytes * 2^32): arguments, variables, capabilities, names. A section is a row of records: argument and
//! variable (`NAME=value`) are length + bytes; a capability is slot, length + bytes of its name; a name is slot, flags, length +
//! bytes of its prefix. Lengths, slots and flags of records are 32 bits.

mod decode;
mod encode;

pub use decode::{Name, StartError, StartPage};
pub use encode::{EncodeError, Start};

/// The first word: "SUNDOGST".
pub const MAGIC: u64 = u64::from_le_bytes(*b"SUNDOGST");
/// Words of the header.
pub const HEADER_WORDS: usize = 13;
/// The most that all of it takes: 128 pages.
pub const TOTAL_BYTES: usize = 128 * 4096;

/// Slots of a program's CNode that have a fixed meaning, the same as the first program's.
pub mod capability {
    /// The program's own CNode.
    pub const CNODE: u32 = sundog_abi::boot::slot::CNODE;
    /// Its address space.
    pub const VSPACE: u32 = sundog_abi::boot::slot::VSPACE;
    /// Its first thread.
    pub const THREAD: u32 = sundog_abi::boot::slot::THREAD;
    /// The first thread's time.
    pub const SCHED_CONTEXT: u32 = sundog_abi::boot::slot::SCHED_CONTEXT;
    /// Memory of its own, if it was given some.
    pub const UNTYPED: u32 = 5;
    /// The first capability of the list.
    pub const FIRST_GIVEN: u32 = 16;
}

/// Indices of the header's words.
pub(crate) mod word {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const ABI_VERSION: usize = 1;
    pub(crate) const BYTES: usize = 2;
    pub(crate) const FREE: usize = 3;
    pub(crate) const UNTYPED: usize = 4;
    pub(crate) const HEAP: usize = 5;
    pub(crate) const HEAP_BYTES: usize = 6;
    pub(crate) const TICKS: usize = 7;
    pub(crate) const FLAGS: usize = 8;
    pub(crate) const SECTIONS: usize = 9;
}

/// Flag: the table of names is sealed.
pub(crate) const SEALED: u64 = 1;
/// Flag of a name: files that do not exist are created there.
pub(crate) const CREATE: u32 = 1;

#[cfg(test)]
mod tests;
