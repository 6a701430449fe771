//! Bytes that wait for the standard streams; where both are the same file, in the order of the program's writes.

use std::collections::VecDeque;
use sundog_protocols::control::Stream;

/// Bytes for the standard streams.
#[derive(Debug, Default)]
pub struct Out {
    /// In order, each for another stream than the one before; without an order at most one for each.
    pieces: VecDeque<(Stream, Vec<u8>)>,
    ordered: bool,
}

impl Out {
    /// Keeps the order between the streams from now on.
    pub fn keep_order(&mut self) {
        self.ordered = true;
    }

    /// Where bytes of a stream are added.
    pub fn stream(&mut self, stream: Stream) -> &mut Vec<u8> {
        let last = self.pieces.len().checked_sub(1);
        let place = if self.ordered {
            last.filter(|last| self.pieces[*last].0 == stream)
        } else {
            self.place(stream)
        };
        let place = place.unwrap_or_else(|| {
            self.pieces.push_back((stream, Vec::new()));
            self.pieces.len() - 1
        });
        &mut self.pieces[place].1
    }

    /// The bytes that are the next ones of a stream to be written; none as long as others come first.
    pub fn next(&self, stream: Stream) -> &[u8] {
        let place = self.next_place(stream);
        place.map_or(&[], |place| &self.pieces[place].1)
    }

    /// So many of [`Out::next`]'s bytes were written.
    pub fn written(&mut self, stream: Stream, count: usize) {
        if let Some(place) = self.next_place(stream) {
            let (_, bytes) = &mut self.pieces[place];
            bytes.drain(..count);
            if bytes.is_empty() {
                self.pieces.remove(place);
            }
        }
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|(_, bytes)| bytes.is_empty())
    }

    fn place(&self, stream: Stream) -> Option<usize> {
        self.pieces.iter().position(|(other, _)| *other == stream)
    }

    /// Pieces without bytes hold up nobody.
    fn next_place(&self, stream: Stream) -> Option<usize> {
        let first = self.pieces.iter().position(|(_, bytes)| !bytes.is_empty());
        if self.ordered {
            first.filter(|first| self.pieces[*first].0 == stream)
        } else {
            self.place(stream)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mut out: Out) -> Out {
        for (stream, text) in [
            (Stream::Output, "a"),
            (Stream::Output, "b"),
            (Stream::Error, "c"),
            (Stream::Output, ""),
            (Stream::Error, "d"),
            (Stream::Output, "e"),
        ] {
            out.stream(stream).extend_from_slice(text.as_bytes());
        }
        out
    }

    #[test]
    fn streams_of_one_file_keep_their_order() {
        let mut out = Out::default();
        out.keep_order();
        let mut out = filled(out);
        assert_eq!(out.len(), 5);
        let mut all = Vec::new();
        while !out.is_empty() {
            let (output, error) = (out.next(Stream::Output), out.next(Stream::Error));
            assert!(output.is_empty() != error.is_empty(), "one is the next");
            let stream = if output.is_empty() {
                Stream::Error
            } else {
                Stream::Output
            };
            all.push(out.next(stream)[0]);
            out.written(stream, 1);
        }
        assert_eq!(all, b"abcde");
    }

    #[test]
    fn streams_of_two_files_do_not_wait_for_each_other() {
        let mut out = filled(Out::default());
        assert_eq!(out.next(Stream::Error), b"cd");
        out.written(Stream::Error, 2);
        assert_eq!(
            (out.next(Stream::Error), out.next(Stream::Output)),
            (&b""[..], &b"abe"[..])
        );
        out.written(Stream::Output, 3);
        assert!(out.is_empty());
    }
}
