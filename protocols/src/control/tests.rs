//! Tests of the control channel: both directions, any chunks, damage, hostile bytes.
use super::*;
use crate::consent::{Answer, Answers, MAX_SANDBOX};
use std::string::String;
use std::vec::Vec;

/// A small generator of numbers, so that each run tests the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn to_machine() -> Vec<ToMachine> {
    std::vec![
        ToMachine::Hello { version: 1 },
        ToMachine::Answer {
            id: 9,
            answer: Answer::Once,
            by: By::Typed,
            rate: 100
        },
        ToMachine::Size {
            rows: 24,
            columns: 80
        },
        ToMachine::Signal { number: 15 },
        ToMachine::Stop,
        ToMachine::Revoke { grant: 3 },
        ToMachine::ListGrants,
        ToMachine::Input(std::vec![0xf5, 0xc0, 0, 1]),
        ToMachine::EndOfInput { after: 1 << 33 },
        ToMachine::Discard { after: 1 << 34 },
        ToMachine::Terminals {
            input: true,
            output: false,
            error: true
        },
        ToMachine::Configure {
            part: Part::Policy,
            name: "a.policy".into(),
            text: "x".repeat(MAX_BYTES),
            last: true
        },
        ToMachine::Clock {
            unix: 1_800_000_000
        },
    ]
}

fn prompt() -> Prompt {
    Prompt {
        id: 1,
        badge: 7,
        chain: (0..MAX_CHAIN).map(|_| "n".repeat(MAX_SANDBOX)).collect(),
        program: "/bin/\u{202e}x".into(),
        resource: "serial".into(),
        instance: "1".into(),
        reason: "r".repeat(MAX_LINE),
        offered: Answers::ALL,
    }
}

fn to_host() -> Vec<ToHost> {
    let name = "n".repeat(MAX_NAME / 2);
    let grant = Grant {
        id: 1,
        badge: 2,
        program: name.clone(),
        resource: name.clone(),
        instance: name,
        answer: Answer::Run,
        bytes: 5,
    };
    std::vec![
        ToHost::Listening,
        ToHost::Hello { abi: 1, version: 1 },
        ToHost::Prompt(prompt()),
        ToHost::PromptGone { id: 1 },
        ToHost::Exit {
            status: 143,
            output: 77
        },
        ToHost::Log("l".repeat(MAX_LINE)),
        ToHost::Grants {
            list: std::vec![grant; MAX_GRANTS],
            last: true
        },
        ToHost::Trace("t".into()),
        ToHost::Notice("n".into()),
        ToHost::Remember {
            id: 1,
            line: "{}".into()
        },
    ]
}

fn encoded<M: Message>(messages: &[M]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        message.encode(&mut bytes).unwrap();
    }
    bytes
}

fn decoded<M: Message>(decoder: &mut Decoder<M>, bytes: &[u8]) -> Vec<Event<M>> {
    let mut events = Vec::new();
    decoder.feed(bytes, |event| events.push(event));
    events
}

fn messages<M>(events: Vec<Event<M>>) -> Vec<M> {
    events
        .into_iter()
        .filter_map(|event| {
            if let Event::Message(message) = event {
                Some(message)
            } else {
                None
            }
        })
        .collect()
}

fn in_chunks<M: Message + Clone + PartialEq + core::fmt::Debug>(all: &[M]) {
    let bytes = encoded(all);
    for size in [1, 2, 3, 7, 13, 64, 4096, bytes.len()] {
        let mut decoder = Decoder::new();
        let events: Vec<_> = bytes
            .chunks(size)
            .flat_map(|chunk| decoded(&mut decoder, chunk))
            .collect();
        let expected: Vec<_> = all.iter().cloned().map(Event::Message).collect();
        assert_eq!(events, expected, "chunks of {size}");
        assert_eq!(decoder.held(), 0);
    }
}

#[test]
fn every_message_comes_back_in_any_chunks() {
    in_chunks(&to_machine());
    in_chunks(&to_host());
}

#[test]
fn a_stream_read_from_its_middle_resynchronises() {
    let all = to_machine();
    let bytes = encoded(&all);
    let last = bytes.len() - encoded(&all[all.len() - 1..]).len();
    for start in 1..=last {
        let mut decoder = Decoder::new();
        let got = messages(decoded::<ToMachine>(&mut decoder, &bytes[start..]));
        assert!(got.last() == all.last(), "from {start}");
        assert!(all.ends_with(&got), "from {start}");
    }
}

#[test]
fn a_lost_or_changed_byte_costs_only_the_frames_hit() {
    let all = to_machine();
    let bytes = encoded(&all);
    let mut random = Random(7);
    for _ in 0..2000 {
        let at = random.below(bytes.len());
        let mut damaged = bytes.clone();
        if random.below(2) == 0 {
            damaged.remove(at);
        } else {
            damaged[at] ^= 1 << random.below(8);
        }
        let mut decoder = Decoder::new();
        let mut got = messages(decoded::<ToMachine>(&mut decoder, &damaged));
        decoder.idle(|event| {
            if let Event::Message(message) = event {
                got.push(message);
            }
        });
        assert!(
            got.len() + 2 >= all.len(),
            "{} of {} after damage at {at}",
            got.len(),
            all.len()
        );
        assert!(got.iter().all(|message| all.contains(message)));
    }
}

#[test]
fn noise_before_a_frame_is_counted() {
    let mut bytes = b"noise \xf5 \xf5\xc0 more".to_vec();
    let noise = bytes.len();
    ToMachine::Stop.encode(&mut bytes).unwrap();
    let mut decoder = Decoder::new();
    assert_eq!(
        decoded(&mut decoder, &bytes),
        [Event::Skipped(noise), Event::Message(ToMachine::Stop)]
    );
}

#[test]
fn the_other_direction_and_unknown_types_are_refused() {
    let mut decoder = Decoder::new();
    let bytes = encoded(&[ToHost::PromptGone { id: 1 }]);
    assert_eq!(
        decoded::<ToMachine>(&mut decoder, &bytes),
        [Event::Refused(0x103, Bad::Type)]
    );
}

#[test]
fn fields_beyond_their_bounds_are_neither_sent_nor_taken() {
    let mut out = Vec::new();
    assert_eq!(
        ToHost::Log("x".repeat(MAX_LINE + 1)).encode(&mut out),
        Err(Bad::TooLong)
    );
    let chain = std::vec![String::new(); MAX_CHAIN + 1];
    assert_eq!(
        ToHost::Prompt(Prompt { chain, ..prompt() }).encode(&mut out),
        Err(Bad::TooLong)
    );
    assert!(out.is_empty());
    let refused = |kind: u16, payload: &[u8], why: Bad| {
        let mut bytes = Vec::new();
        encode_frame(kind, payload, &mut bytes).unwrap();
        assert_eq!(
            decoded::<ToMachine>(&mut Decoder::new(), &bytes),
            [Event::Refused(kind, why)]
        );
    };
    refused(2, &[0; 8], Bad::Short);
    refused(2, &[1, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0], Bad::Value);
    refused(4, &[65], Bad::Value);
    refused(5, &[0], Bad::Long);
    refused(8, &[0xff, 0xff], Bad::TooLong);
    refused(11, &[0, 1, 0, 0xff, 0, 0, 1], Bad::Text);
    assert_eq!(
        encode_frame(1, &[0; MAX_PAYLOAD + 1], &mut out),
        Err(Bad::TooLong)
    );
}

#[test]
fn hostile_bytes_never_panic_and_are_held_within_the_bound() {
    let mut random = Random(99);
    let mut machine = Decoder::<ToMachine>::new();
    let mut host = Decoder::<ToHost>::new();
    for _ in 0..3000 {
        let length = random.below(300);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        if random.below(3) == 0 {
            let payload: Vec<u8> = (0..random.below(60))
                .map(|_| random.below(12) as u8)
                .collect();
            let kind = [random.below(13) as u16, 0x100 + random.below(12) as u16][random.below(2)];
            encode_frame(kind, &payload, &mut bytes).unwrap();
        }
        machine.feed(&bytes, |_| ());
        host.feed(&bytes, |_| ());
        assert!(
            machine.held() <= MAX_PAYLOAD + FRAME_OVERHEAD
                && host.held() <= MAX_PAYLOAD + FRAME_OVERHEAD
        );
    }
}

#[test]
fn many_interlocking_half_frames_cost_linear_time() {
    let mut header = Vec::new();
    encode_frame(8, &[0; MAX_PAYLOAD], &mut header).unwrap();
    header.truncate(8);
    let bytes = header.repeat(1 << 18);
    let mut decoder = Decoder::<ToMachine>::new();
    let started = std::time::Instant::now();
    decoder.feed(&bytes, |_| ());
    let one_pass = std::time::Instant::now();
    let sum = bytes
        .iter()
        .fold(0u32, |sum, byte| sum.rotate_left(1) ^ u32::from(*byte));
    assert_ne!(sum, 1);
    assert!(
        started.elapsed().as_secs() < 5,
        "{:?}, one pass {:?}",
        started.elapsed(),
        one_pass.elapsed()
    );
}

#[test]
fn versions_meet_or_part() {
    assert_eq!(negotiate(VERSION), Some(VERSION));
    assert_eq!(negotiate(u16::MAX), Some(VERSION));
    assert_eq!(negotiate(0), None);
}
