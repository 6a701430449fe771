//! How a personality reaches the one that it lives in: an endpoint, and pages that both have mapped.
//!
//! Names, data and the words of messages lie in the shared pages, so that a message needs no more than its length in a register, and
//! every file tree and stream has a channel of its own over the same pages. One worker asks one thing at a time.

use alloc::vec;
use alloc::vec::Vec;
use sundog_protocols::MAX_WORDS;
use sundog_protocols::file::Transport;
use sundog_protocols::file::wire::{DataArea, MAX_DATA, Message};
use sundog_rt::Mapping;
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::abi::Info;

/// Pages that are shared: the data of file trees, and one for messages.
pub const PAGES: u32 = MAX_DATA / 4096 + 1;

/// The shared pages.
pub struct Area(pub Mapping);

impl Area {
    /// Puts the words of a message; those that are too many are left out.
    pub fn put(&mut self, words: &[u64]) -> u64 {
        let words = &words[..words.len().min(MAX_WORDS)];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let written = self.0.write(MAX_DATA as usize, &bytes);
        debug_assert!(written.is_ok(), "the last page is for messages");
        words.len() as u64
    }

    /// The words of a message, read once; nothing if there are too many.
    pub fn take(&self, length: u64) -> Option<Vec<u64>> {
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_WORDS)?;
        let mut bytes = vec![0; length * 8];
        self.0.read(MAX_DATA as usize, &mut bytes).ok()?;
        let (words, _) = bytes.as_chunks::<8>();
        Some(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }
}

impl DataArea for Area {
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool {
        inside(offset, into.len()) && self.0.read(offset as usize, into).is_ok()
    }

    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool {
        inside(offset, from.len()) && self.0.write(offset as usize, from).is_ok()
    }
}

fn inside(offset: u32, length: usize) -> bool {
    (offset as usize)
        .checked_add(length)
        .is_some_and(|end| end <= MAX_DATA as usize)
}

/// The inner side.
pub struct Channel {
    /// The endpoint; its badge says which tree or process is meant.
    pub endpoint: Cap<Endpoint>,
    /// The shared pages.
    pub area: Area,
}

impl Channel {
    /// Asks and waits for the answer; nothing if the other side is gone.
    pub fn ask(&mut self, request: &[u64]) -> Option<Vec<u64>> {
        let length = self.area.put(request);
        let words = [length, 0, 0, 0, 0, 0, 0, 0];
        let answer = self.endpoint.call(Info::new(0, 1), &words, None).ok()?;
        self.area.take(answer.words[0])
    }
}

impl Transport for Channel {
    fn call(&mut self, request: &Message) -> Option<Message> {
        let answer = self.ask(request.words())?;
        Some(Message::received(&answer))
    }

    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }
}
