//! Tests of the frames: everything comes back as it was sent, in any chunks, and no bytes do harm.
use super::*;
use crate::Malformed;
use crate::file::wire::{DataArea, MAX_DATA, Request, Span};
use crate::file::{FileError, Handle};
use alloc::vec;
use alloc::vec::Vec;

struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }
}

#[test]
fn frames_come_back_in_any_chunks() {
    let data = vec![7; MAX_DATA as usize];
    let frames = [
        Frame::new(1, 0, Kind::Hello, &[VERSION], &[]).unwrap(),
        Frame::new(u32::MAX, u16::MAX, Kind::File, &[u64::MAX; 16], &data).unwrap(),
        Frame::new(2, 3, Kind::Lock, &[], b"x").unwrap(),
        Frame::new(3, 0, Kind::Cancel, &[2], &[]).unwrap(),
    ];
    let mut bytes = Vec::new();
    for frame in &frames {
        frame.put(&mut bytes);
    }
    assert!(bytes.len() <= 4 * HEAD + 18 * 8 + MAX_DATA as usize + 1);
    for chunk in [1, 15, 16, 17, 4096, bytes.len()] {
        let (mut decoder, mut found) = (Decoder::new(), 0);
        for part in bytes.chunks(chunk) {
            decoder.feed(part);
            while let Some(frame) = decoder.next_frame().unwrap() {
                assert_eq!(frame, frames[found]);
                found += 1;
            }
        }
        assert_eq!(found, frames.len(), "{chunk}");
    }
    assert!(Frame::new(0, 0, Kind::File, &[0; 17], &[]).is_none());
    let more = vec![0; MAX_DATA as usize + 1];
    assert!(Frame::new(0, 0, Kind::File, &[], &more).is_none());
}

#[test]
fn what_is_no_frame_ends_the_stream() {
    let head = |length: u32, kind, words, last| {
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&length.to_le_bytes());
        (head[10], head[11], head[15]) = (kind, words, last);
        head
    };
    for bad in [
        head(0, 0, 0, 0),
        head(0, 5, 0, 0),
        head(7, 2, 1, 0),
        head(17 * 8, 2, 17, 0),
        head(MAX_DATA + 1, 2, 0, 0),
        head(u32::MAX, 2, 16, 0),
        head(0, 2, 0, 1),
    ] {
        let mut decoder = Decoder::new();
        decoder.feed(&bad);
        assert_eq!(decoder.next_frame(), Err(Malformed), "{bad:?}");
        let mut good = Vec::new();
        let frame = Frame::new(1, 0, Kind::Hello, &[VERSION], &[]).unwrap();
        frame.put(&mut good);
        decoder.feed(&good);
        assert_eq!(decoder.next_frame(), Err(Malformed));
    }
}

#[test]
fn random_bytes_do_no_harm() {
    let mut dice = Dice(1);
    let mut whole = 0;
    for _ in 0..20_000 {
        let mut decoder = Decoder::new();
        for _ in 0..dice.roll() % 6 {
            let mut bytes: Vec<u8> = (0..dice.roll() % 80).map(|_| dice.roll() as u8).collect();
            // Often nearly a frame.
            for (place, byte) in [(1, 0), (2, 0), (3, 0), (10, 2), (11, 1)] {
                if !dice.roll().is_multiple_of(4) && place < bytes.len() {
                    bytes[place] = byte;
                }
            }
            let zero = bytes.len().min(12)..bytes.len().min(16);
            bytes[zero].fill(0);
            decoder.feed(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                whole += 1;
                let _ = Request::decode(frame.words());
                let _ = LockRequest::from_words(frame.words());
                let _ = (
                    Held::from_words(frame.words()),
                    Terms::from_words(frame.words()),
                );
            }
        }
    }
    assert!(whole > 1000, "{whole}");
}

#[test]
fn locks_come_back_and_others_are_refused() {
    let file = Handle(0xdead_beef);
    let bytes = Range::Bytes {
        start: u64::MAX,
        length: 7,
    };
    for how in [LockHow::Unlock, LockHow::Shared, LockHow::Exclusive] {
        for (range, wait) in [(bytes, true), (bytes, false), (Range::Whole, true)] {
            let request = LockRequest::Set {
                file,
                how,
                range,
                wait,
            };
            assert_eq!(LockRequest::from_words(&request.words()), Ok(request));
        }
        let test = LockRequest::Test {
            file,
            how,
            start: 1,
            length: 2,
        };
        let back = LockRequest::from_words(&test.words());
        assert_eq!(back.is_ok(), how != LockHow::Unlock);
        let held = Held {
            how,
            start: 5,
            length: 0,
            process: 9,
        };
        assert_eq!(Held::from_words(&held.words()), Some(held));
    }
    for words in [
        &[][..],
        &[0, 0],
        &[3 << 32, 0, 0],
        &[(1 << 32) | (24 << 32), 0, 0],
        &[9 << 32, 1, 0],
        &[21 << 32, 0, 0],
        &[64 << 32, 0, 0],
    ] {
        assert_eq!(LockRequest::from_words(words), Err(FileError::EINVAL));
    }
    assert_eq!(Held::from_words(&[0, 3, 0, 0, 0]), None);
    assert_eq!(Held::from_words(&[22, 0, 0, 0, 0]), None);
}

#[test]
fn spans_are_places_in_the_frame() {
    let mut area = FrameArea {
        request: b"name",
        answer: Vec::new(),
    };
    let mut name = [0; 3];
    assert!(area.copy_out(1, &mut name));
    assert_eq!(&name, b"ame");
    assert!(!area.copy_out(2, &mut name) && !area.copy_out(u32::MAX, &mut name));
    assert!(!area.copy_in(1, b"x"));
    assert!(!area.copy_in(0, &vec![0; MAX_DATA as usize + 1]));
    assert!(area.copy_in(0, b"answer"));
    assert_eq!(area.answer, b"answer");
}

/// Answers each request with what `answer` makes of it.
struct Echo<F> {
    answer: F,
    decoder: Decoder,
    back: Vec<u8>,
}

impl<F: FnMut(&Frame<'_>, &mut Vec<u8>) + Send> ByteStream for Echo<F> {
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.decoder.feed(bytes);
        while let Ok(Some(frame)) = self.decoder.next_frame() {
            (self.answer)(&frame, &mut self.back);
        }
        true
    }
    fn receive(&mut self) -> Option<Vec<u8>> {
        (!self.back.is_empty()).then(|| core::mem::take(&mut self.back))
    }
}

fn link<F: FnMut(&Frame<'_>, &mut Vec<u8>) + Send>(answer: F) -> Link<Echo<F>> {
    Link::new(Echo {
        answer,
        decoder: Decoder::new(),
        back: Vec::new(),
    })
}

#[test]
fn an_answer_to_something_else_ends_the_connection() {
    let mut asked = 0;
    let mut good = link(|frame, back| frame.put(back));
    let back = good.exchange(4, Kind::File, &[1, 2], b"data").unwrap();
    assert_eq!(back, (vec![1, 2], b"data".to_vec()));
    let mut bad = link(|frame, back| {
        asked += 1;
        let wrong = Frame::new(frame.tag + 1, frame.bind, frame.kind, &[], &[]);
        wrong.unwrap().put(back);
    });
    for _ in 0..2 {
        assert_eq!(bad.exchange(0, Kind::File, &[], &[]), None);
    }
    drop(bad);
    assert_eq!(asked, 1);
}

#[test]
fn names_and_data_go_along_and_nothing_else() {
    let span = |offset, length| Span { offset, length };
    let rename = Request::Rename {
        from: Handle(1),
        name: span(0, 3),
        to: Handle(2),
        new: span(3, 4),
        flags: Default::default(),
    };
    assert_eq!(outgoing(&rename), 7);
    let read = Request::Read {
        file: Handle(1),
        offset: 0,
        into: span(0, 100),
    };
    assert_eq!(outgoing(&read), 0);
    let far = Request::Walk {
        dir: Handle(1),
        name: span(u32::MAX, u32::MAX),
    };
    assert_eq!(outgoing(&far), u32::MAX);
}
