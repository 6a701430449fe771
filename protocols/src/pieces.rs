//! Bytes of two streams in one line, in pieces, so that the order in which they were written is kept.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | the stream: 1 standard output, 2 standard error |
//! | 1-2 | length, little-endian, at least 1 |
//! | then | so many bytes of that stream |
//!
//! A program's output stands so in the ring of its terminal and on COM1 wherever its two streams of output are not the same
//! terminal; else the bytes stand there as they are.
use crate::Malformed;
use crate::control::Stream;
use alloc::vec::Vec;

/// Bytes in front of each piece.
pub const HEAD: usize = 3;

/// Adds bytes of a stream to `out`, in pieces.
pub fn put(stream: Stream, bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(usize::from(u16::MAX)) {
        let [low, high] = (piece.len() as u16).to_le_bytes();
        out.extend_from_slice(&[stream as u8, low, high]);
        out.extend_from_slice(piece);
    }
}

/// Takes a line of pieces apart, whatever chunks it comes in.
#[derive(Debug, Default)]
pub struct Reader {
    head: [u8; HEAD],
    /// Bytes of the head that are here.
    have: usize,
    /// The piece that is being read, and how much of it is still to come.
    piece: Option<(Stream, usize)>,
    lost: bool,
}

impl Reader {
    /// A reader at the start of a line.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Takes bytes as they come and gives those of each stream, in order.
    ///
    /// # Errors
    /// [`Malformed`] where a head makes no sense. Nothing that comes later can be told apart, so all of it is thrown away without
    /// another error.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        mut found: impl FnMut(Stream, &[u8]),
    ) -> Result<(), Malformed> {
        while !self.lost && !bytes.is_empty() {
            let (stream, left) = match self.piece {
                Some(piece) => piece,
                None => {
                    let count = (HEAD - self.have).min(bytes.len());
                    self.head[self.have..self.have + count].copy_from_slice(&bytes[..count]);
                    self.have += count;
                    bytes = &bytes[count..];
                    if self.have == HEAD {
                        self.have = 0;
                        self.piece = Some(self.begin().inspect_err(|_| self.lost = true)?);
                    }
                    continue;
                }
            };
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            found(stream, now);
            bytes = later;
            let left = left - now.len();
            self.piece = (left > 0).then_some((stream, left));
        }
        Ok(())
    }

    fn begin(&self) -> Result<(Stream, usize), Malformed> {
        let [stream, low, high] = self.head;
        let stream = [Stream::Output, Stream::Error]
            .into_iter()
            .find(|known| *known as u8 == stream);
        let length = usize::from(u16::from_le_bytes([low, high]));
        stream
            .filter(|_| length > 0)
            .map(|stream| (stream, length))
            .ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn streams_come_back_in_order_in_any_chunks() {
        let long: Vec<u8> = (0..=255).cycle().take(200_000).collect();
        let mut line = Vec::new();
        put(Stream::Error, b"", &mut line);
        assert!(line.is_empty());
        put(Stream::Error, b"a", &mut line);
        put(Stream::Output, &long, &mut line);
        put(Stream::Error, b"\x01\x01", &mut line);
        put(Stream::Output, b"z", &mut line);
        for chunk in [1, 2, 3, 4, 1000, line.len()] {
            let (mut reader, mut got) = (Reader::new(), vec![(Stream::Error, Vec::new())]);
            for part in line.chunks(chunk) {
                let taken = reader.feed(part, |stream, bytes| match got.last_mut() {
                    Some((last, all)) if *last == stream => all.extend_from_slice(bytes),
                    _ => got.push((stream, bytes.to_vec())),
                });
                assert_eq!(taken, Ok(()));
            }
            let wanted = [
                (Stream::Error, b"a".to_vec()),
                (Stream::Output, long.clone()),
                (Stream::Error, b"\x01\x01".to_vec()),
                (Stream::Output, b"z".to_vec()),
            ];
            assert!(got == wanted, "{chunk}");
        }
    }

    #[test]
    fn a_head_without_sense_ends_the_line_and_is_told_once() {
        for head in [[0, 1, 0], [3, 1, 0], [1, 0, 0]] {
            let mut reader = Reader::new();
            let mut got = Vec::new();
            let mut feed =
                |bytes: &[u8]| reader.feed(bytes, |_, bytes| got.extend_from_slice(bytes));
            assert_eq!(feed(b"\x01\x01\x00x"), Ok(()));
            assert_eq!(feed(&head), Err(Malformed));
            assert_eq!(feed(b"\x01\x01\x00y"), Ok(()));
            assert_eq!(got, b"x");
        }
    }
}
