//! The personality's view of memory that others write too: checked copies in and out of the pool, and guests' registers.
//!
//! The pool is a run of memory that guests write at the same time as the personality reads it. So no Rust reference to
//! it is ever made: every access is a copy, or an atomic operation on one word, through a raw pointer that was checked
//! against the pool's length. This crate holds all unsafe code of the personality.
#![no_std]
extern crate alloc;

#[cfg(not(miri))]
#[path = "copy_string.rs"]
mod copy;
#[cfg(miri)]
#[path = "copy_atomic.rs"]
mod copy;
mod pool;
mod state;

pub use pool::{OutOfPool, Pool, Region};
pub use state::{GuestRegisters, StatePage, Word};
