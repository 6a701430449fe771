//! What servers share: messages as words, time in nanoseconds, and rings that wake their other side.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod clock;
mod message;
mod personality;
mod pipe;

pub use clock::Clock;
pub use message::{arrived, outgoing};
pub use personality::Personality;
pub use pipe::{Incoming, Outgoing, Trouble, ring};
