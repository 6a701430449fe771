//! The interface of a serial line that its holder owns: bytes out, bytes in.
//!
//! Word 0 is the label of a request or the status of a reply; bytes are packed eight to a word, the first one lowest.
//!
//! | label | request | reply |
//! |---|---|---|
//! | [`WRITE`] | word 1 = bytes, then the bytes | word 1 = bytes accepted, at least 1 unless none were sent; the reply waits for room |
//! | [`READ`] | word 1 = most bytes | word 1 = bytes, then the bytes; the reply waits for the first one |
//! | [`POLL`] | word 1 = most bytes | as READ, without waiting |

/// Send bytes.
pub const WRITE: u64 = 0x0501;
/// Wait for bytes.
pub const READ: u64 = 0x0502;
/// Take bytes if there are some.
pub const POLL: u64 = 0x0503;

/// Status: done.
pub const DONE: u64 = 0;
/// Status: the request makes no sense.
pub const MALFORMED: u64 = 1;
/// Status: too many callers wait already.
pub const BUSY: u64 = 2;
/// Status: the device does not answer any more.
pub const BROKEN: u64 = 3;

/// Words of the longest message.
pub const MAX_WORDS: usize = 64;
/// The most bytes of one message.
pub const MAX_BYTES: usize = (MAX_WORDS - 2) * 8;

/// A message of this protocol: word 0, word 1 and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    words: [u64; MAX_WORDS],
    length: usize,
}

impl Message {
    /// A message without bytes.
    pub const fn number(label: u64, number: u64) -> Message {
        let mut words = [0; MAX_WORDS];
        words[0] = label;
        words[1] = number;
        Message { words, length: 2 }
    }

    /// A message with bytes; `None` if they are more than [`MAX_BYTES`].
    pub fn bytes(label: u64, bytes: &[u8]) -> Option<Message> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut message = Message::number(label, bytes.len() as u64);
        for (word, piece) in message.words[2..].iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..piece.len()].copy_from_slice(piece);
            *word = u64::from_le_bytes(whole);
        }
        message.length = 2 + bytes.len().div_ceil(8);
        Some(message)
    }

    /// A message that arrived; `None` for fewer than two or more than [`MAX_WORDS`] words.
    pub fn arrived(arrived: &[u64]) -> Option<Message> {
        if arrived.len() < 2 || arrived.len() > MAX_WORDS {
            return None;
        }
        let mut words = [0; MAX_WORDS];
        words[..arrived.len()].copy_from_slice(arrived);
        Some(Message {
            words,
            length: arrived.len(),
        })
    }

    /// Label or status.
    pub fn label(&self) -> u64 {
        self.words[0]
    }

    /// Word 1.
    pub fn count(&self) -> u64 {
        self.words[1]
    }

    /// The words to send.
    pub fn words(&self) -> &[u64] {
        &self.words[..self.length]
    }

    /// Unpacks the bytes; `None` if word 1 says more than there are.
    pub fn unpack<'a>(&self, into: &'a mut [u8; MAX_BYTES]) -> Option<&'a [u8]> {
        for (piece, word) in into.chunks_mut(8).zip(&self.words[2..self.length]) {
            piece.copy_from_slice(&word.to_le_bytes());
        }
        let count = usize::try_from(self.words[1]).ok()?;
        if count > (self.length - 2) * 8 {
            return None;
        }
        into.get(..count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for length in [0, 1, 7, 8, 9, 48, 49, MAX_BYTES] {
            let bytes: std::vec::Vec<u8> = (0..length).map(|index| index as u8 ^ 0xa5).collect();
            let message = Message::bytes(WRITE, &bytes).expect("short enough");
            let arrived = Message::arrived(message.words()).expect("a message");
            assert_eq!(
                (arrived.label(), arrived.unpack(&mut [0; MAX_BYTES])),
                (WRITE, Some(&bytes[..]))
            );
        }
        assert_eq!(Message::bytes(WRITE, &[0; MAX_BYTES + 1]), None);
    }

    #[test]
    fn a_lying_length_is_refused() {
        assert_eq!(Message::arrived(&[WRITE]), None);
        assert_eq!(Message::arrived(&[0; MAX_WORDS + 1]), None);
        for words in [&[WRITE, 1][..], &[WRITE, 9, 0], &[WRITE, u64::MAX, 0]] {
            assert_eq!(
                Message::arrived(words)
                    .expect("a message")
                    .unpack(&mut [0; MAX_BYTES]),
                None
            );
        }
    }
}
