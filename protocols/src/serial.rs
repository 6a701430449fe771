//! The interface of the guarded serial device: its server hands out what the broker orders, and delivers bytes to those badges.
//!
//! | label | request | reply when done | capabilities in the reply |
//! |---|---|---|---|
//! | [`label::OPEN`] | [`Open`]; only with [`BROKER_BADGE`] | nothing | 1: the same endpoint, badged with the grant |
//! | [`label::REVOKE`] | word 1 = grant; only with [`BROKER_BADGE`] | nothing | |
//! | [`label::RECORD`] | word 1 = most bytes wanted | [`Recorded`] | |
//! | [`label::READY`] | nothing | word 1 = bytes that a RECORD would take now | |
//! | [`label::BADGE`] | nothing | word 1 = the badge of the capability used | |
//!
//! The server looks the caller's badge up in its table on every call. REVOKE takes the badge out of the table and wipes what was
//! buffered for it, in constant time; from then on each copy of the capability, wherever it went, gets [`Failure::Revoked`].
//!
//! Nobody waits in a call. Whoever got [`Failure::Empty`] or [`Failure::Limited`] is woken by the notification that its system gave
//! the server for the grant's sandbox, as soon as a call would say something else; and when the grant is revoked.
use crate::{Malformed, Words};
use alloc::vec::Vec;

/// Labels of the requests.
pub mod label {
    /// Make a capability for a grant.
    pub const OPEN: u64 = 0x0d01;
    /// Forget a grant.
    pub const REVOKE: u64 = 0x0d02;
    /// Take bytes that arrived.
    pub const RECORD: u64 = 0x0d03;
    /// Say which badge the caller's capability carries.
    pub const BADGE: u64 = 0x0d04;
    /// Say how many bytes could be taken.
    pub const READY: u64 = 0x0d05;
}

/// The badge of the broker's capability.
pub const BROKER_BADGE: u64 = u64::MAX;
/// The most bytes that one RECORD returns: what fits behind status and length.
pub const MAX_RECORD: usize = (crate::MAX_WORDS - 2) * 8;

/// The broker orders a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// The badge that the new capability carries.
    pub grant: u64,
    /// Bytes in a second; 0 = no limit.
    pub rate: u64,
    /// Deliver silence in place of the line's bytes.
    pub black: bool,
    /// Whom to wake: the badge, in the consent protocol, of the sandbox that gets it, or of the one of init's that it is within.
    pub sandbox: u64,
}

impl Open {
    /// The request's words: grant, rate, black (0 or 1), sandbox.
    pub fn encode(&self) -> Result<Words, Malformed> {
        let mut words = Words::new(label::OPEN);
        words.push(self.grant)?;
        words.push(self.rate)?;
        words.push(u64::from(self.black))?;
        words.push(self.sandbox)?;
        Ok(words)
    }

    /// Reads an OPEN. Refused: grant 0, which is the badge of nobody, and the broker's own.
    pub fn decode(words: &Words) -> Result<Open, Malformed> {
        let mut reader = words.reader();
        let (grant, rate, black) = (reader.word()?, reader.word()?, reader.word()?);
        let sandbox = reader.word()?;
        reader.end()?;
        if grant == 0 || grant == BROKER_BADGE || black > 1 {
            return Err(Malformed);
        }
        Ok(Open {
            grant,
            rate,
            black: black == 1,
            sandbox,
        })
    }
}

/// A request with one number: REVOKE's grant or RECORD's size.
pub fn encode_number(label: u64, number: u64) -> Result<Words, Malformed> {
    let mut words = Words::new(label);
    words.push(number)?;
    Ok(words)
}

/// Reads the number of a request or reply that has exactly one.
pub fn decode_number(words: &Words) -> Result<u64, Malformed> {
    let mut reader = words.reader();
    let number = reader.word()?;
    reader.end()?;
    Ok(number)
}

/// Bytes that a RECORD took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded(pub Vec<u8>);

impl Recorded {
    /// The reply's words: length, bytes. Refused: more than [`MAX_RECORD`] bytes.
    pub fn encode(&self) -> Result<Words, Malformed> {
        let mut words = Words::new(0);
        words.push(self.0.len() as u64)?;
        words.push_bytes(&self.0)?;
        Ok(words)
    }

    /// Reads the reply; the outer error is a reply that makes no sense, the inner one a failure.
    pub fn decode(words: &Words) -> Result<Result<Recorded, Failure>, Malformed> {
        if words.label() != 0 {
            return Failure::from_number(words.label())
                .map(Err)
                .ok_or(Malformed);
        }
        let mut reader = words.reader();
        let length = usize::try_from(reader.word()?).map_err(|_| Malformed)?;
        if length > MAX_RECORD {
            return Err(Malformed);
        }
        let mut bytes = alloc::vec![0; length];
        reader.bytes(&mut bytes)?;
        reader.end()?;
        Ok(Ok(Recorded(bytes)))
    }
}

/// Why the device did not do it; the status of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Failure {
    /// The capability's grant was revoked or never existed.
    Revoked = 1,
    /// Nothing has arrived; wait for the notification and come again.
    Empty = 2,
    /// The grant's rate is used up for now; come again.
    Limited = 3,
    /// The request is malformed, or its label is unknown.
    Malformed = 4,
    /// Only the broker may do this.
    Forbidden = 5,
    /// The server's table of grants is full.
    Exhausted = 6,
}

impl Failure {
    /// All failures.
    pub const ALL: [Failure; 6] = [
        Failure::Revoked,
        Failure::Empty,
        Failure::Limited,
        Failure::Malformed,
        Failure::Forbidden,
        Failure::Exhausted,
    ];

    /// The reply's words.
    pub fn encode(self) -> Words {
        Words::new(self as u64)
    }

    /// The failure with this status.
    pub fn from_number(number: u64) -> Option<Failure> {
        Failure::ALL
            .into_iter()
            .find(|failure| *failure as u64 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        let open = Open {
            grant: 5,
            rate: 9600,
            black: true,
            sandbox: 3,
        };
        assert_eq!(Open::decode(&open.encode().unwrap()), Ok(open));
        for length in [0, 1, 7, 8, 9, MAX_RECORD] {
            let recorded = Recorded(alloc::vec![0xa5; length]);
            assert_eq!(
                Recorded::decode(&recorded.encode().unwrap()),
                Ok(Ok(recorded))
            );
        }
        assert!(Recorded(alloc::vec![0; MAX_RECORD + 1]).encode().is_err());
        let revoke = encode_number(label::REVOKE, 77).unwrap();
        assert_eq!(
            (revoke.label(), decode_number(&revoke)),
            (label::REVOKE, Ok(77))
        );
        assert_eq!(
            Recorded::decode(&Failure::Limited.encode()),
            Ok(Err(Failure::Limited))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(
            Open::decode(
                &Open {
                    grant: 0,
                    rate: 0,
                    black: false,
                    sandbox: 1,
                }
                .encode()
                .unwrap()
            )
            .is_err()
        );
        assert!(Recorded::decode(&Words::from_slice(&[0, u64::MAX]).unwrap()).is_err());
        assert!(
            Recorded::decode(&Words::from_slice(&[0, 1, 0x1ff]).unwrap()).is_err(),
            "padding must be zero"
        );
        assert!(Recorded::decode(&Words::from_slice(&[99]).unwrap()).is_err());
        assert!(decode_number(&Words::from_slice(&[1, 2, 3]).unwrap()).is_err());
    }
}
