//! Runs against a fake machine: a thread that speaks the machine's half over sockets.

mod conversation;
mod fake;
mod process;
mod terminal;
