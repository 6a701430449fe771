//! Threads, messages, time and signals through real system calls on two pretended CPUs; every rule is checked after every entry.
//!
//! `states` goes through the table of `docs/states.md` cell by cell, `lend` through the sentences below it.

mod hostile;
mod lend;
mod messages;
mod office;
mod races;
mod signals;
mod states;
mod time;
mod world;
