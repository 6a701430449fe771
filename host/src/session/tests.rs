//! Runs against a fake machine: a thread that speaks the machine's half over sockets.

mod attention;
mod conversation;
mod fake;
mod process;
mod signals;
mod terminal;
