//! Tests of the personality as a whole, over a tiny machine that runs scripted guests.
mod exec;
mod fork;
mod futex;
mod hostile;
mod jobs;
mod memory;
mod signals;
mod tiny;
