//! Linux system calls of the host side that need unsafe code.

mod child;
pub mod ptrace;
mod signals;

pub use child::die_with_parent;
pub use signals::Signals;
