//! Terminals: settings, line discipline, job control, pseudo-terminals.

pub mod discipline;
mod echo;
mod files;
mod ioctl;
mod job;
pub mod loan;
mod output;
mod pty;
pub mod terminal;
pub mod termios;
