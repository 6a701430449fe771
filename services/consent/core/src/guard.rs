//! The guard in front of a device that delivers bytes: who may record now, how fast, and nothing for the rest.
//!
//! The server of the guarded serial line holds one. It looks the caller's badge up on every call, so dropping a badge ends the stream
//! at once, wherever copies of the capability went; what was buffered for it goes with it.
use crate::bucket::Bucket;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::serial::{
    BROKER_BADGE, Failure, MAX_RECORD, Open, Recorded, decode_number, encode_number, label,
};

/// The most grants of one device at a time.
pub const MAX_OPEN: usize = 64;
/// The most bytes that wait for one grant; the oldest are lost beyond this, as on a line that nobody reads.
pub const MAX_WAITING: usize = 4096;

#[derive(Debug)]
struct Stream {
    bucket: Bucket,
    black: bool,
    /// Whom to wake.
    sandbox: u64,
    /// When a holder that was told that its rate is used up can be told something else.
    again: Option<u64>,
    waiting: VecDeque<u8>,
    /// Bytes delivered since the last report.
    unreported: u64,
}

/// The grants of one device.
#[derive(Debug, Default)]
pub struct Guard {
    streams: BTreeMap<u64, Stream>,
}

/// What a caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// These words.
    Words(Words),
    /// These words and a copy of the device's endpoint with this badge.
    Capability(Words, u64),
    /// Done; then take all copies of the grant's capability back, and wake the sandbox.
    Revoked {
        /// The grant, of which nothing is left here.
        grant: u64,
        /// Whom to wake.
        sandbox: u64,
    },
}

impl Guard {
    /// A guard that lets nobody through.
    pub fn new() -> Guard {
        Guard::default()
    }

    /// Lets a grant through; `now` in nanoseconds.
    pub fn open(&mut self, open: &Open, now: u64) -> Result<(), Failure> {
        if self.streams.contains_key(&open.grant) {
            return Err(Failure::Malformed);
        }
        if self.streams.len() >= MAX_OPEN {
            return Err(Failure::Exhausted);
        }
        let stream = Stream {
            bucket: Bucket::new(open.rate, now),
            black: open.black,
            sandbox: open.sandbox,
            again: None,
            waiting: VecDeque::new(),
            unreported: 0,
        };
        self.streams.insert(open.grant, stream);
        Ok(())
    }

    /// Ends a grant and wipes what waited for it. Gives the sandbox to wake, if there was such a grant.
    pub fn revoke(&mut self, grant: u64) -> Option<u64> {
        self.streams.remove(&grant).map(|stream| stream.sandbox)
    }

    /// Bytes arrived from the device. Gives the sandboxes to wake: those with a grant for which nothing waited before.
    pub fn arrived(&mut self, bytes: &[u8]) -> Vec<u64> {
        let mut woken = Vec::new();
        for stream in self
            .streams
            .values_mut()
            .filter(|stream| !stream.black && !bytes.is_empty())
        {
            if stream.waiting.is_empty() {
                woken.push(stream.sandbox);
            }
            stream.waiting.extend(bytes);
            let lost = stream.waiting.len().saturating_sub(MAX_WAITING);
            stream.waiting.drain(..lost);
        }
        woken
    }

    /// Takes at most `most` bytes for the holder of a badge. An empty device is a line on which nothing ever arrives.
    pub fn record(&mut self, badge: u64, most: u64, now: u64) -> Result<Recorded, Failure> {
        let stream = self.streams.get_mut(&badge).ok_or(Failure::Revoked)?;
        let wanted = most.min(stream.waiting.len() as u64).min(MAX_RECORD as u64);
        if wanted == 0 {
            return Err(Failure::Empty);
        }
        let taken = stream.bucket.take(wanted, now);
        if taken == 0 {
            stream.again = Some(stream.bucket.ready(1, now));
            return Err(Failure::Limited);
        }
        stream.again = None;
        stream.unreported += taken;
        Ok(Recorded(stream.waiting.drain(..taken as usize).collect()))
    }

    /// How many bytes a record would take now for the holder of a badge.
    pub fn ready(&mut self, badge: u64, now: u64) -> Result<u64, Failure> {
        let stream = self.streams.get_mut(&badge).ok_or(Failure::Revoked)?;
        let wanted = (stream.waiting.len() as u64).min(MAX_RECORD as u64);
        let ready = stream.bucket.available(wanted, now);
        if ready < wanted && ready == 0 {
            stream.again = Some(stream.bucket.ready(1, now));
        }
        Ok(ready)
    }

    /// When [`Guard::tick`] has something to do, in nanoseconds.
    pub fn deadline(&self) -> Option<u64> {
        self.streams
            .values()
            .filter_map(|stream| stream.again)
            .min()
    }

    /// Time has passed. Gives the sandboxes to wake: those whose bytes may pass again.
    pub fn tick(&mut self, now: u64) -> Vec<u64> {
        let late = |stream: &&mut Stream| stream.again.is_some_and(|again| again <= now);
        self.streams
            .values_mut()
            .filter(late)
            .map(|stream| {
                stream.again = None;
                stream.sandbox
            })
            .collect()
    }

    /// Grants and bytes delivered to them that were not reported to the consent service yet.
    pub fn used(&self) -> Vec<(u64, u64)> {
        let used = self.streams.iter();
        used.filter(|(_, stream)| stream.unreported > 0)
            .map(|(grant, stream)| (*grant, stream.unreported))
            .collect()
    }

    /// The consent service took a report of [`Guard::used`].
    pub fn reported(&mut self, grant: u64, bytes: u64) {
        if let Some(stream) = self.streams.get_mut(&grant) {
            stream.unreported = stream.unreported.saturating_sub(bytes);
        }
    }

    /// A request that came over a capability with this badge.
    pub fn request(&mut self, badge: u64, words: &Words, now: u64) -> Outcome {
        let result = match words.label() {
            label::OPEN | label::REVOKE if badge != BROKER_BADGE => Err(Failure::Forbidden),
            label::OPEN => match Open::decode(words) {
                Ok(open) => match self.open(&open, now) {
                    Ok(()) => return Outcome::Capability(Words::new(0), open.grant),
                    Err(failure) => Err(failure),
                },
                Err(_) => Err(Failure::Malformed),
            },
            label::REVOKE => match decode_number(words) {
                Ok(grant) => match self.revoke(grant) {
                    Some(sandbox) => return Outcome::Revoked { grant, sandbox },
                    None => Err(Failure::Revoked),
                },
                Err(_) => Err(Failure::Malformed),
            },
            label::RECORD => match decode_number(words) {
                // What was taken always fits into a message.
                Ok(most) => self
                    .record(badge, most, now)
                    .and_then(|bytes| bytes.encode().map_err(|_| Failure::Malformed)),
                Err(_) => Err(Failure::Malformed),
            },
            label::READY if words.as_slice().len() == 1 => self
                .ready(badge, now)
                .and_then(|ready| encode_number(0, ready).map_err(|_| Failure::Malformed)),
            label::BADGE if words.as_slice().len() == 1 => {
                encode_number(0, badge).map_err(|_| Failure::Malformed)
            }
            _ => Err(Failure::Malformed),
        };
        Outcome::Words(result.unwrap_or_else(Failure::encode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SECOND;

    fn guard() -> Guard {
        let mut guard = Guard::new();
        guard
            .open(
                &Open {
                    grant: 1,
                    rate: 0,
                    black: false,
                    sandbox: 11,
                },
                0,
            )
            .unwrap();
        guard
            .open(
                &Open {
                    grant: 2,
                    rate: 10,
                    black: false,
                    sandbox: 12,
                },
                0,
            )
            .unwrap();
        guard
            .open(
                &Open {
                    grant: 3,
                    rate: 0,
                    black: true,
                    sandbox: 13,
                },
                0,
            )
            .unwrap();
        guard
    }

    #[test]
    fn each_grant_hears_the_line_at_its_rate_and_black_hears_nothing() {
        let mut guard = guard();
        assert_eq!(guard.record(1, 100, 0), Err(Failure::Empty));
        assert_eq!(guard.arrived(b"0123456789abcdef"), [11, 12]);
        assert_eq!(guard.arrived(b"gh"), []);
        assert_eq!(guard.record(1, 4, 0), Ok(Recorded(b"0123".to_vec())));
        assert_eq!(
            guard.record(1, u64::MAX, 0),
            Ok(Recorded(b"456789abcdefgh".to_vec()))
        );
        assert_eq!(
            guard.record(2, 100, 0),
            Ok(Recorded(b"0123456789".to_vec()))
        );
        assert_eq!(guard.record(2, 100, 0), Err(Failure::Limited));
        assert_eq!(guard.ready(2, 0), Ok(0));
        assert_eq!(guard.deadline(), Some(SECOND / 10));
        assert_eq!(guard.tick(SECOND / 10 - 1), []);
        assert_eq!(guard.tick(SECOND / 10), [12]);
        assert_eq!(
            (guard.deadline(), guard.ready(2, SECOND / 10)),
            (None, Ok(1))
        );
        assert_eq!((guard.ready(1, 0), guard.ready(3, 0)), (Ok(0), Ok(0)));
        assert_eq!(
            guard.record(2, 100, SECOND / 5),
            Ok(Recorded(b"ab".to_vec()))
        );
        assert_eq!(guard.record(3, 100, SECOND), Err(Failure::Empty));
        assert_eq!(guard.record(4, 100, SECOND), Err(Failure::Revoked));
        assert_eq!(guard.used(), [(1, 18), (2, 12)]);
        guard.reported(1, 18);
        guard.reported(2, 5);
        guard.reported(9, 1);
        assert_eq!(guard.used(), [(2, 7)]);
    }

    #[test]
    fn a_revoked_grant_gets_nothing_that_waited() {
        let mut guard = guard();
        guard.arrived(b"secret");
        assert_eq!((guard.revoke(1), guard.revoke(1)), (Some(11), None));
        assert_eq!(guard.record(1, 100, 0), Err(Failure::Revoked));
        assert_eq!(guard.ready(1, 0), Err(Failure::Revoked));
        guard
            .open(
                &Open {
                    grant: 1,
                    rate: 0,
                    black: false,
                    sandbox: 1,
                },
                0,
            )
            .unwrap();
        assert_eq!(
            guard.record(1, 100, 0),
            Err(Failure::Empty),
            "a new grant does not get the old one's bytes"
        );
    }

    #[test]
    fn only_the_broker_opens_and_revokes() {
        let mut guard = guard();
        let open = Open {
            grant: 9,
            rate: 0,
            black: false,
            sandbox: 4,
        };
        let request = open.encode().unwrap();
        let revoke = encode_number(label::REVOKE, 1).unwrap();
        let failed = |failure: Failure| Outcome::Words(failure.encode());
        assert_eq!(guard.request(1, &request, 0), failed(Failure::Forbidden));
        assert_eq!(guard.request(2, &revoke, 0), failed(Failure::Forbidden));
        assert_eq!(
            guard.request(BROKER_BADGE, &request, 0),
            Outcome::Capability(Words::new(0), 9)
        );
        assert_eq!(
            guard.request(BROKER_BADGE, &request, 0),
            failed(Failure::Malformed),
            "each number once"
        );
        assert_eq!(
            guard.request(BROKER_BADGE, &revoke, 0),
            Outcome::Revoked {
                grant: 1,
                sandbox: 11
            }
        );
        let record = encode_number(label::RECORD, 10).unwrap();
        assert_eq!(guard.request(1, &record, 0), failed(Failure::Revoked));
        assert_eq!(
            guard.request(BROKER_BADGE, &record, 0),
            failed(Failure::Revoked),
            "the broker does not listen"
        );
        assert_eq!(
            guard.request(77, &Words::new(label::BADGE), 0),
            Outcome::Words(encode_number(0, 77).unwrap())
        );
        assert_eq!(
            guard.request(1, &Words::new(1234), 0),
            failed(Failure::Malformed)
        );
        guard.arrived(b"xy");
        assert_eq!(
            guard.request(9, &Words::new(label::READY), 0),
            Outcome::Words(encode_number(0, 2).unwrap())
        );
        let Outcome::Words(words) = guard.request(9, &record, 0) else {
            panic!()
        };
        assert_eq!(Recorded::decode(&words), Ok(Ok(Recorded(b"xy".to_vec()))));
    }

    #[test]
    fn tables_and_buffers_are_bounded() {
        let mut guard = Guard::new();
        for grant in 1..=MAX_OPEN as u64 {
            guard
                .open(
                    &Open {
                        grant,
                        rate: 0,
                        black: false,
                        sandbox: 1,
                    },
                    0,
                )
                .unwrap();
        }
        assert_eq!(
            guard.open(
                &Open {
                    grant: 99,
                    rate: 0,
                    black: false,
                    sandbox: 1,
                },
                0
            ),
            Err(Failure::Exhausted)
        );
        for _ in 0..100 {
            guard.arrived(&[7; 1000]);
        }
        assert!(
            guard
                .streams
                .values()
                .all(|stream| stream.waiting.len() == MAX_WAITING)
        );
        assert_eq!(guard.record(1, u64::MAX, 0).unwrap().0.len(), MAX_RECORD);
    }
}
