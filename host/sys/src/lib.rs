//! Linux system calls that need unsafe code, for the host side and for the tests' Linux programs.

mod arena;
pub mod attempts;
pub mod calls;
mod child;
mod closed;
mod fork;
pub mod landlock;
mod locks;
pub mod ptrace;
pub mod seccomp;
mod signals;
mod twice;

pub use arena::{Arena, Call};
pub use child::{die_with_parent, inherit_nothing};
pub use closed::closed_streams;
pub use fork::{Pages, exec, fork, ticks, wait};
pub use locks::{FileLock, lock_file, lock_in_the_way};
pub use signals::Signals;
pub use twice::Twice;
