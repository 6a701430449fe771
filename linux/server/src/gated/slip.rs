//! A place for one message between two threads: a request goes in, its answer comes out.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use sundog_protocols::{MAX_WORDS, Words};

/// Nobody asks.
const FREE: u32 = 0;
/// There is a request.
const ASKED: u32 = 1;
/// There is an answer.
const ANSWERED: u32 = 2;

/// The place. One thread asks and takes answers, one thread takes requests and answers; each looks at the state before it touches the
/// rest, and changes it last.
pub struct Slip {
    state: AtomicU32,
    /// Where a capability goes; in an answer 1 if one came.
    slot: AtomicU32,
    length: AtomicUsize,
    words: [AtomicU64; MAX_WORDS],
}

impl Slip {
    /// An empty place.
    pub fn new() -> Slip {
        Slip {
            state: AtomicU32::new(FREE),
            slot: AtomicU32::new(0),
            length: AtomicUsize::new(0),
            words: core::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    fn put(&self, words: &[u64], slot: u32, state: u32) {
        for (place, word) in self.words.iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
        self.length.store(words.len(), Ordering::Relaxed);
        self.slot.store(slot, Ordering::Relaxed);
        self.state.store(state, Ordering::Release);
    }

    fn get(&self) -> (Option<Words>, u32) {
        let mut words = [0; MAX_WORDS];
        for (word, place) in words.iter_mut().zip(&self.words) {
            *word = place.load(Ordering::Relaxed);
        }
        let length = self.length.load(Ordering::Relaxed).min(MAX_WORDS);
        let slot = self.slot.load(Ordering::Relaxed);
        (Words::from_slice(&words[..length]).ok(), slot)
    }

    /// Puts a request, with the slot for a capability in the answer. `false`: there is one already.
    pub fn ask(&self, request: &Words, slot: u32) -> bool {
        let free = self.state.load(Ordering::Acquire) == FREE;
        if free {
            self.put(request.as_slice(), slot, ASKED);
        }
        free
    }

    /// The request that waits for an answer, and the slot.
    pub fn asked(&self) -> Option<(Words, u32)> {
        if self.state.load(Ordering::Acquire) != ASKED {
            return None;
        }
        let (words, slot) = self.get();
        Some((words?, slot))
    }

    /// Answers it; nothing stands for a service that is gone. `came` says that a capability lies in the slot.
    pub fn answer(&self, answer: Option<&Words>, came: bool) {
        let words = answer.map_or(&[][..], Words::as_slice);
        self.put(words, came.into(), ANSWERED);
    }

    /// Takes the answer, and whether a capability came.
    pub fn answered(&self) -> Option<(Option<Words>, bool)> {
        if self.state.load(Ordering::Acquire) != ANSWERED {
            return None;
        }
        let (words, came) = self.get();
        self.state.store(FREE, Ordering::Release);
        Some((words, came == 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn each_request_gets_its_own_answer() {
        const ROUNDS: u64 = 500;
        let slip = Arc::new(Slip::new());
        let other = Arc::clone(&slip);
        let server = thread::spawn(move || {
            for round in 0..ROUNDS {
                let (request, slot) = loop {
                    if let Some(asked) = other.asked() {
                        break asked;
                    }
                    thread::yield_now();
                };
                assert_eq!((request.label(), u64::from(slot)), (round, round + 7));
                let mut answer = Words::new(round * 3);
                answer.push(round).unwrap();
                let answer = (round % 2 == 0).then_some(answer);
                other.answer(answer.as_ref(), round % 3 == 0);
            }
        });
        for round in 0..ROUNDS {
            assert!(slip.ask(&Words::new(round), round as u32 + 7));
            assert!(!slip.ask(&Words::new(0), 0), "one at a time");
            let (answer, came) = loop {
                if let Some(answered) = slip.answered() {
                    break answered;
                }
                thread::yield_now();
            };
            assert_eq!(came, round % 3 == 0);
            let expected = [round * 3, round];
            let answer = answer.map(|answer| answer.as_slice().to_vec());
            assert_eq!(answer, (round % 2 == 0).then(|| expected.to_vec()));
        }
        server.join().unwrap();
        assert!(slip.answered().is_none() && slip.asked().is_none());
    }
}
