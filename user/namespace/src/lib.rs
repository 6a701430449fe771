//! The names of a process: a table from path prefixes to directory capabilities, resolved by the longest prefix.
//!
//! The table is filled by the parent before the first instruction and lives in the process itself: no server is asked. A process
//! can arrange what it holds (Plan 9's bind, mount and unions) but a name never reaches beyond the capabilities in its slots; a
//! table that was sealed by the parent cannot even be rearranged.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod path;
mod table;

pub use path::{MAX_PATH, PathError, clean, join};
pub use table::{Binding, Error, MAX_BINDINGS, MAX_MEMBERS, Member, Namespace, Place, Resolved};
