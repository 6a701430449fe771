//! Linux system calls that need unsafe code, for the host side and for the tests' Linux programs.

mod arena;
mod child;
mod closed;
mod fork;
pub mod ptrace;
mod signals;
mod twice;

pub use arena::{Arena, Call};
pub use child::die_with_parent;
pub use closed::closed_streams;
pub use fork::{Pages, exec, fork, ticks, wait};
pub use signals::Signals;
pub use twice::Twice;
