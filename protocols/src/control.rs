//! The control channel between the host command and a machine: framed messages over a serial line.
//!
//! A frame is 8 bytes of header, the payload and 4 bytes of checksum, all little-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0-1 | magic `f5 c0`; both bytes never occur in UTF-8 |
//! | 2-3 | type of the message |
//! | 4-5 | length of the payload, at most [`MAX_PAYLOAD`] |
//! | 6-7 | check of bytes 2-5: the low half of their CRC-32 |
//! | then | payload |
//! | last 4 | CRC-32 of bytes 2-7 and of the payload |
//!
//! A decoder that meets anything else looks for the next magic, so a line that was read from its middle, or a lost byte, costs
//! the frames that were hit and no others. The checksum finds accidents; it does not protect from the other side, which is
//! why every field is checked again.
//!
//! The machine begins: it says that it listens, since what arrives while its driver starts can be lost. Then the host's Hello names
//! the newest version that it speaks, and the machine's the one to use ([`negotiate`]). Types that a version does not know are skipped
//! and reported.
mod fields;
mod frame;
mod message;

pub use fields::{Bad, MAX_BYTES, MAX_CHAIN, MAX_GRANTS, MAX_LINE, MAX_NAME};
pub use frame::{Decoder, Event, FRAME_OVERHEAD, MAX_PAYLOAD, encode_frame};
pub use message::{By, Grant, Message, Part, Prompt, Stream, ToHost, ToMachine};

/// The newest version of the channel that this crate speaks.
pub const VERSION: u16 = 1;
/// The oldest version that it still speaks.
pub const OLDEST: u16 = 1;

/// The version that two sides use when the other's newest is `theirs`; none when they have no version in common.
pub fn negotiate(theirs: u16) -> Option<u16> {
    let version = theirs.min(VERSION);
    (version >= OLDEST).then_some(version)
}

#[cfg(test)]
mod tests;
