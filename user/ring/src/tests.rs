//! Tests over simulated memory (also under Miri) and over memory that is really mapped twice.

use crate::{Consumer, Error, Memory, Moved, Producer, Word};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::vec;
use std::vec::Vec;

mod area;
mod double;

/// A ring in ordinary memory: the wrap is a remainder.
struct Simulated {
    words: [AtomicU64; 8],
    data: Vec<AtomicU8>,
}

impl Simulated {
    fn new(capacity: usize) -> Arc<Simulated> {
        Arc::new(Simulated {
            words: Default::default(),
            data: (0..capacity).map(|_| AtomicU8::new(0)).collect(),
        })
    }
}

impl Memory for Arc<Simulated> {
    fn capacity(&self) -> usize {
        self.data.len()
    }

    fn word(&self, word: Word) -> &AtomicU64 {
        &self.words[word as usize]
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            self.data[(offset + index) % self.data.len()].store(*byte, Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.data[(offset + index) % self.data.len()].load(Ordering::Relaxed);
        }
    }
}

fn pair(capacity: usize) -> (Producer<Arc<Simulated>>, Consumer<Arc<Simulated>>) {
    let memory = Simulated::new(capacity);
    (Producer::new(memory.clone()), Consumer::new(memory))
}

#[test]
fn bytes_come_out_as_they_went_in_also_across_the_end() {
    let (mut producer, mut consumer) = pair(12);
    let mut next = 0_u8;
    let mut wanted = 0_u8;
    for round in 0..200 {
        let bytes: Vec<u8> = (0..round % 13)
            .map(|index| next.wrapping_add(index as u8))
            .collect();
        let moved = producer.write(&bytes).expect("an honest peer").bytes;
        next = next.wrapping_add(moved as u8);
        let mut out = vec![0; (round * 7) % 13];
        let read = consumer.read(&mut out).expect("an honest peer").bytes;
        for byte in &out[..read] {
            assert_eq!(*byte, wanted);
            wanted = wanted.wrapping_add(1);
        }
    }
    assert!(wanted > 50);
}

#[test]
fn a_full_ring_takes_nothing_and_an_empty_one_gives_nothing() {
    let (mut producer, mut consumer) = pair(4);
    assert_eq!(producer.write(b"abcdef").map(|moved| moved.bytes), Ok(4));
    assert_eq!(producer.write(b"x").map(|moved| moved.bytes), Ok(0));
    let mut out = [0; 8];
    assert_eq!(consumer.peek(&mut out), Ok(4));
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(4));
    assert_eq!(&out[..4], b"abcd");
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(0));
}

#[test]
fn whole_records_are_all_or_nothing() {
    let (mut producer, mut consumer) = pair(8);
    assert_eq!(
        producer.write_whole(b"123456").map(|moved| moved.bytes),
        Ok(6)
    );
    assert_eq!(producer.write_whole(b"789").map(|moved| moved.bytes), Ok(0));
    assert_eq!(
        producer.write_whole(b"too long a record"),
        Err(Error::TooLarge)
    );
    let mut seven = [0; 7];
    assert_eq!(
        consumer.read_whole(&mut seven).map(|moved| moved.bytes),
        Ok(0)
    );
    let mut six = [0; 6];
    assert_eq!(
        consumer.read_whole(&mut six).map(|moved| moved.bytes),
        Ok(6)
    );
    assert_eq!(&six, b"123456");
}

#[test]
fn a_wake_up_is_asked_for_only_when_the_other_side_sleeps() {
    let (mut producer, mut consumer) = pair(4);
    assert_eq!(
        producer.write(b"a"),
        Ok(Moved {
            bytes: 1,
            wake: false
        })
    );
    assert_eq!(consumer.sleep(1), Ok(false), "there is a byte");
    assert_eq!(
        consumer.read(&mut [0; 4]),
        Ok(Moved {
            bytes: 1,
            wake: false
        })
    );
    assert_eq!(consumer.sleep(1), Ok(true));
    assert_eq!(
        producer.write(b"b"),
        Ok(Moved {
            bytes: 1,
            wake: true
        })
    );
    assert_eq!(
        producer.write(b"cde"),
        Ok(Moved {
            bytes: 3,
            wake: false
        })
    );
    assert_eq!(producer.sleep(1), Ok(true));
    assert_eq!(
        consumer.read(&mut [0; 2]),
        Ok(Moved {
            bytes: 2,
            wake: true
        })
    );
}

#[test]
fn closing_is_seen_after_the_last_byte() {
    let (mut producer, mut consumer) = pair(4);
    producer.write(b"ab").expect("room");
    assert!(!producer.close());
    let mut out = [0; 1];
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(1));
    assert_eq!(consumer.sleep(4), Ok(false), "nobody would wake it");
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(1));
    assert_eq!(consumer.read(&mut out), Err(Error::Closed));
    consumer.close();
    assert_eq!(producer.write(b"c"), Err(Error::Closed));
}

#[test]
fn positions_that_cannot_be_are_refused_at_every_use() {
    for value in [5, 1 << 40, u64::MAX, u64::MAX - 3] {
        let (mut producer, mut consumer) = pair(4);
        consumer
            .memory()
            .word(Word::Written)
            .store(value, Ordering::Relaxed);
        assert_eq!(consumer.read(&mut [0; 4]), Err(Error::Hostile));
        assert_eq!(consumer.sleep(1), Err(Error::Hostile));
        assert_eq!(consumer.skip(1), Err(Error::Hostile));
        producer
            .memory()
            .word(Word::Read)
            .store(value, Ordering::Relaxed);
        assert_eq!(producer.write(b"x"), Err(Error::Hostile));
        assert_eq!(producer.sleep(1), Err(Error::Hostile));
    }
}

#[test]
fn a_side_never_believes_its_own_position_from_the_header() {
    let (mut producer, mut consumer) = pair(4);
    producer.write(b"ab").expect("room");
    producer
        .memory()
        .word(Word::Written)
        .store(1, Ordering::Relaxed);
    producer.write(b"c").expect("room");
    let mut out = [0; 4];
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(3));
    assert_eq!(&out[..3], b"abc");
}

#[test]
fn a_new_holder_goes_on_where_the_last_one_was_and_the_other_side_is_told() {
    let (mut producer, mut consumer) = pair(8);
    assert!(!producer.is_taken_up() && !consumer.is_taken_up());
    producer.write(b"123456").expect("room");
    consumer.read(&mut [0; 4]).expect("bytes");
    assert!(!producer.restarted() && !consumer.restarted(), "the first");

    let memory = producer.memory().clone();
    drop(producer);
    let mut producer = Producer::new(memory);
    assert!(producer.is_taken_up());
    assert_eq!(producer.room(), Ok(6));
    producer.write(b"789abc").expect("room");
    assert!(consumer.restarted());
    assert!(!consumer.restarted(), "told once");

    let memory = consumer.memory().clone();
    drop(consumer);
    let mut consumer = Consumer::new(memory);
    let mut out = [0; 8];
    assert_eq!(consumer.read(&mut out).map(|moved| moved.bytes), Ok(8));
    assert_eq!(&out, b"56789abc");
    assert!(producer.restarted() && !producer.restarted());
    assert!(!consumer.restarted());
}

#[test]
fn a_side_that_comes_twice_before_the_first_look_is_told_too() {
    let memory = Simulated::new(4);
    let mut consumer = Consumer::new(memory.clone());
    drop(Producer::new(memory.clone()));
    drop(Producer::new(memory));
    assert!(consumer.restarted());
}

#[test]
fn a_new_holder_is_awake_and_open() {
    let (producer, mut consumer) = pair(4);
    assert_eq!(consumer.sleep(1), Ok(true));
    consumer.close();
    let mut consumer = Consumer::new(consumer.memory().clone());
    let mut producer = Producer::new(producer.memory().clone());
    let moved = producer.write(b"a").expect("an open ring");
    assert!(!moved.wake, "nobody sleeps");
    assert_eq!(consumer.read(&mut [0; 4]).map(|moved| moved.bytes), Ok(1));
}

#[test]
fn a_position_to_take_up_that_cannot_be_is_refused_at_every_use() {
    for (written, read) in [(5, 0), (0, 1), (u64::MAX, 0), (0, u64::MAX), (1 << 40, 3)] {
        let memory = Simulated::new(4);
        let set = |word: Word, value| memory.word(word).store(value, Ordering::Relaxed);
        set(Word::Written, written);
        set(Word::Read, read);
        set(Word::ProducerStarts, u64::MAX);
        let mut producer = Producer::new(memory.clone());
        assert_eq!(producer.write(b"x"), Err(Error::Hostile));
        assert_eq!(producer.sleep(1), Err(Error::Hostile));
        let mut consumer = Consumer::new(memory.clone());
        assert_eq!(consumer.read(&mut [0; 4]), Err(Error::Hostile));
        assert_eq!(consumer.skip(1), Err(Error::Hostile));
    }
    // One that can be gives this ring's bytes, whatever they are, up to the last number.
    let memory = Simulated::new(4);
    for word in [Word::Written, Word::Read] {
        memory.word(word).store(u64::MAX - 1, Ordering::Relaxed);
    }
    let mut producer = Producer::new(memory);
    assert_eq!(producer.write(b"abc").map(|moved| moved.bytes), Ok(3));
    assert_eq!(producer.write(b"d"), Err(Error::Hostile));
}

/// Two threads that sleep whenever they can: a lost wake-up hangs the test.
#[test]
fn no_wake_up_is_lost() {
    let total: u64 = if cfg!(miri) { 300 } else { 200_000 };
    let (mut producer, mut consumer) = pair(16);
    let reader = std::thread::current();
    let writer = std::thread::spawn(move || {
        let mut sent = 0;
        while sent < total {
            let bytes: Vec<u8> = (sent..total.min(sent + 5))
                .map(|value| value as u8)
                .collect();
            let moved = producer.write(&bytes).expect("an honest peer");
            if moved.wake {
                reader.unpark();
            }
            sent += moved.bytes as u64;
            if moved.bytes == 0 && producer.sleep(1).expect("an honest peer") {
                std::thread::park();
            }
        }
        if producer.close() {
            reader.unpark();
        }
    });
    let mut received = 0;
    let mut out = [0; 7];
    loop {
        match consumer.read(&mut out) {
            Err(Error::Closed) => break,
            Err(error) => panic!("{error:?}"),
            Ok(moved) => {
                if moved.wake {
                    writer.thread().unpark();
                }
                for byte in &out[..moved.bytes] {
                    assert_eq!(*byte, received as u8);
                    received += 1;
                }
                if moved.bytes == 0 && consumer.sleep(1) == Ok(true) {
                    std::thread::park();
                }
            }
        }
    }
    writer.join().expect("the writer ends");
    assert_eq!(received, total);
}
