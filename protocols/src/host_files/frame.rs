//! One frame: its head, words and data; and the memory that spans of its words are places in.
use crate::Malformed;
use crate::file::wire::{DataArea, MAX_DATA, MAX_WORDS};
use alloc::vec::Vec;

/// Bytes of a frame's head.
pub const HEAD: usize = 16;
/// Most bytes behind a head: the words and the data.
pub const MAX_BODY: usize = MAX_WORDS * 8 + MAX_DATA as usize;

/// What a frame is about. An answer has the kind of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first frame: one word, the version; the answer is [`super::Terms`].
    Hello = 1,
    /// A message of the file protocol.
    File = 2,
    /// A lock of an open file: [`super::LockRequest`].
    Lock = 3,
    /// One word, the tag of a lock that waits: it is to be answered with EINTR. It may have been answered already.
    Cancel = 4,
}

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The client's number of the request.
    pub tag: u32,
    /// The bind that it is about; 0 where the kind has none.
    pub bind: u16,
    /// What it is about.
    pub kind: Kind,
    words: [u64; MAX_WORDS],
    count: usize,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame; `None` if there are too many words or too much data.
    pub fn new(
        tag: u32,
        bind: u16,
        kind: Kind,
        message: &[u64],
        data: &'a [u8],
    ) -> Option<Frame<'a>> {
        let mut words = [0; MAX_WORDS];
        words.get_mut(..message.len())?.copy_from_slice(message);
        let count = message.len();
        (data.len() <= MAX_DATA as usize).then_some(Frame {
            tag,
            bind,
            kind,
            words,
            count,
            data,
        })
    }

    /// The words.
    pub fn words(&self) -> &[u64] {
        &self.words[..self.count]
    }

    /// Adds the frame's bytes to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        let length = self.count * 8 + self.data.len();
        out.reserve(HEAD + length);
        out.extend_from_slice(&(length as u32).to_le_bytes());
        out.extend_from_slice(&self.tag.to_le_bytes());
        out.extend_from_slice(&self.bind.to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, self.count as u8, 0, 0, 0, 0]);
        for word in self.words() {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(self.data);
    }

    /// The frame at the front of `bytes` and how long it is; `None` if it is not whole yet.
    fn take(bytes: &'a [u8]) -> Result<Option<(Frame<'a>, usize)>, Malformed> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [
            l0,
            l1,
            l2,
            l3,
            t0,
            t1,
            t2,
            t3,
            b0,
            b1,
            kind,
            count,
            rest0 @ ..,
        ] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let count = usize::from(count);
        let kinds = [Kind::Hello, Kind::File, Kind::Lock, Kind::Cancel];
        let kind = kinds.into_iter().find(|known| *known as u8 == kind);
        let kind = kind.ok_or(Malformed)?;
        let body = count * 8;
        let sane = count <= MAX_WORDS
            && length >= body
            && length - body <= MAX_DATA as usize
            && rest0 == [0; 4];
        if !sane {
            return Err(Malformed);
        }
        let Some(rest) = rest.get(..length) else {
            return Ok(None);
        };
        let (words, data) = rest.split_at(body);
        let mut message = [0; MAX_WORDS];
        for (word, bytes) in message.iter_mut().zip(words.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let frame = Frame {
            tag: u32::from_le_bytes([t0, t1, t2, t3]),
            bind: u16::from_le_bytes([b0, b1]),
            kind,
            words: message,
            count,
            data,
        };
        Ok(Some((frame, HEAD + length)))
    }
}

/// Takes a stream of frames apart, whatever chunks it comes in.
///
/// It holds what was fed and not taken: who feeds at most so many bytes and takes all frames before the next bytes bounds it.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    taken: usize,
    lost: bool,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Adds bytes that came. They are dropped where the stream is lost.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.lost {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The next frame, if one is whole.
    ///
    /// # Errors
    /// [`Malformed`] where no frame stands, then and ever after.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Malformed> {
        if self.lost {
            return Err(Malformed);
        }
        match Frame::take(self.bytes.get(self.taken..).unwrap_or_default()) {
            Ok(None) => Ok(None),
            Ok(Some((frame, length))) => {
                self.taken += length;
                Ok(Some(frame))
            }
            Err(Malformed) => {
                self.lost = true;
                Err(Malformed)
            }
        }
    }
}

/// The memory of a request at its server: its spans are read from the frame, and answers collect in a buffer that goes back.
#[derive(Debug)]
pub struct FrameArea<'a> {
    /// The data that came with the request.
    pub request: &'a [u8],
    /// The data of the answer.
    pub answer: Vec<u8>,
}

impl DataArea for FrameArea<'_> {
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool {
        let start = offset as usize;
        let part = start
            .checked_add(into.len())
            .and_then(|end| self.request.get(start..end));
        part.is_some_and(|part| {
            into.copy_from_slice(part);
            true
        })
    }

    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool {
        let fits = offset == 0 && from.len() <= MAX_DATA as usize;
        if fits {
            self.answer.clear();
            self.answer.extend_from_slice(from);
        }
        fits
    }
}
