//! Messages of the file protocol between processes: they travel in registers, and answers that are longer lie in the ring.
//!
//! A request is at most seven words, and behind them one that says where in the ring a long answer goes. So neither side needs its
//! thread's message page, and a client may have many servers.

use alloc::vec::Vec;
use sundog_protocols::file::FileError;
use sundog_protocols::file::wire::{DataArea, MAX_WORDS, Message, REQUEST_WORDS, Reply};

/// Words that travel in registers.
pub const REGISTERS: usize = sundog_rt::sys::abi::message::REGISTER_WORDS;
const _: () = assert!(REQUEST_WORDS < REGISTERS);

/// An answer as it travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Its words, or how many of them lie in the ring.
    pub words: [u64; REGISTERS],
    /// How many of these count.
    pub length: usize,
    /// Whether its words lie in the ring.
    pub in_ring: bool,
}

impl Answer {
    /// Makes an answer travel. A long one goes to the ring at `place`; if that is none of the ring's, the answer is the error `EINVAL`.
    pub fn new(message: &Message, place: u64, area: &mut dyn DataArea) -> Answer {
        let words = message.words();
        if words.len() <= REGISTERS {
            return Answer::short(words);
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        match u32::try_from(place) {
            Ok(place) if area.copy_in(place, &bytes) => Answer {
                in_ring: true,
                ..Answer::short(&[words.len() as u64])
            },
            _ => Answer::short(Reply::Error(FileError::EINVAL).encode().words()),
        }
    }

    /// The answer of these words, at most [`REGISTERS`] of them.
    pub fn short(all: &[u64]) -> Answer {
        let mut words = [0; REGISTERS];
        let length = all.len().min(REGISTERS);
        words[..length].copy_from_slice(&all[..length]);
        Answer {
            words,
            length,
            in_ring: false,
        }
    }

    /// The message that arrived. What makes no sense is a message that no reply is.
    pub fn message(&self, place: u32, area: &dyn DataArea) -> Message {
        if !self.in_ring {
            return Message::received(self.words.get(..self.length).unwrap_or_default());
        }
        let mut bytes = [0; MAX_WORDS * 8];
        let length = usize::try_from(self.words[0]).unwrap_or(usize::MAX);
        let part = length.checked_mul(8).and_then(|end| bytes.get_mut(..end));
        let Some(part) = part else {
            return Message::received(&[]);
        };
        if !area.copy_out(place, part) {
            return Message::received(&[]);
        }
        let (words, _) = part.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        Message::received(&words)
    }
}

/// A request taken apart: its own words, and where a long answer goes.
pub fn split(request: &[u64]) -> (&[u64], u64) {
    match request.split_last() {
        Some((place, words)) => (words, *place),
        None => (&[], 0),
    }
}
