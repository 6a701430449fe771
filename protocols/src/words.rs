//! A message of an endpoint as 64-bit words: word 0 is the label of a request or the status of a reply.
use alloc::string::String;

/// The most words that one message carries.
pub const MAX_WORDS: usize = 64;

/// A message does not have the form that its protocol prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A message under construction, or one that arrived.
///
/// Word 0 is the label (request) or the status (reply, 0 = done). Bytes are packed eight to a word, the first one lowest;
/// the rest of the last word is zero, and a decoder refuses anything else there, so that each content has one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    words: [u64; MAX_WORDS],
    length: usize,
}

impl Words {
    /// A message with this label or status and nothing else.
    pub fn new(label: u64) -> Words {
        let mut words = [0; MAX_WORDS];
        words[0] = label;
        Words { words, length: 1 }
    }

    /// A message that arrived. Refused: none, or more than [`MAX_WORDS`] words.
    pub fn from_slice(arrived: &[u64]) -> Result<Words, Malformed> {
        if arrived.is_empty() || arrived.len() > MAX_WORDS {
            return Err(Malformed);
        }
        let mut words = [0; MAX_WORDS];
        words[..arrived.len()].copy_from_slice(arrived);
        Ok(Words {
            words,
            length: arrived.len(),
        })
    }

    /// The label of a request or the status of a reply.
    pub fn label(&self) -> u64 {
        self.words[0]
    }

    /// The words to send.
    pub fn as_slice(&self) -> &[u64] {
        &self.words[..self.length]
    }

    /// Adds a word. Refused: the message is full.
    pub fn push(&mut self, word: u64) -> Result<(), Malformed> {
        let place = self.words.get_mut(self.length).ok_or(Malformed)?;
        *place = word;
        self.length += 1;
        Ok(())
    }

    /// Adds bytes, padded with zeros to a whole word. The length is not written: the protocol says where it stands.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if self.length + bytes.len().div_ceil(8) > MAX_WORDS {
            return Err(Malformed);
        }
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(u64::from_le_bytes(word))?;
        }
        Ok(())
    }

    /// Reads the message from word 1 on.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            rest: &self.words[1..self.length],
        }
    }
}

/// Takes a message apart from front to back.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u64],
}

impl Reader<'_> {
    /// The next word.
    pub fn word(&mut self) -> Result<u64, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next bytes, `out.len()` of them; the padding must be zero.
    pub fn bytes(&mut self, out: &mut [u8]) -> Result<(), Malformed> {
        for chunk in out.chunks_mut(8) {
            let word = self.word()?.to_le_bytes();
            if word[chunk.len()..].iter().any(|byte| *byte != 0) {
                return Err(Malformed);
            }
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }

    /// The next `length` bytes as text of at most `most` bytes. Refused: longer, or not UTF-8.
    pub fn text(&mut self, length: usize, most: usize) -> Result<String, Malformed> {
        let mut buffer = [0; MAX_WORDS * 8];
        let part = buffer
            .get_mut(..length)
            .filter(|_| length <= most)
            .ok_or(Malformed)?;
        self.bytes(part)?;
        core::str::from_utf8(part)
            .map(String::from)
            .map_err(|_| Malformed)
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}
