//! Tests of the personality as a whole, over a tiny machine that runs scripted guests.
mod exec;
mod fork;
mod futex;
mod hostile;
mod image;
mod jobs;
mod memory;
mod native;
mod signals;
mod tiny;
