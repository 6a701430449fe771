//! The guarded line: the broker orders capabilities, and only their holders get the line's bytes.
//!
//! The interface is `sundog_protocols::serial`. Bytes that arrive while nobody holds a grant are thrown away: a program never gets
//! what was said before it was let in.

use crate::buffer::Buffer;
use crate::registers::Ports;
use crate::uart::Uart;
use alloc::vec;
use sundog_protocols::Words;
use sundog_protocols::serial::{Failure, MAX_RECORD, Open, Recorded, decode_number, label};

/// The badge of the broker's capability.
pub const BROKER: u64 = 1;
/// Grants that live at the same time.
pub const MAX_GRANTS: usize = 64;

/// What to do about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Answer.
    Reply(Words),
    /// Answer, with a new capability that carries the grant as its badge, kept in the place of the table.
    Grant(Words, u64, usize),
    /// Answer, then clean up.
    Revoke(Words, Cleanup),
}

/// A grant that is dead already; its capability is to be taken back, however long that takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cleanup {
    /// The place in the table of capabilities.
    pub place: usize,
}

struct Entry {
    grant: u64,
    buffer: Buffer,
    /// Bytes delivered and not reported yet.
    unreported: u64,
}

/// The state of the guarded line.
pub struct Guard<P> {
    uart: Uart<P>,
    entries: [Option<Entry>; MAX_GRANTS],
    /// Places whose capability is not taken back yet; they are not used again before.
    dirty: [bool; MAX_GRANTS],
    /// Ticks of a second.
    second: u64,
}

impl<P: Ports> Guard<P> {
    /// A guarded line without grants; `second` in ticks.
    pub fn new(uart: Uart<P>, second: u64) -> Guard<P> {
        Guard {
            uart,
            entries: [const { None }; MAX_GRANTS],
            dirty: [false; MAX_GRANTS],
            second,
        }
    }

    /// Handles a request that came through a capability with this badge, at `now` in ticks.
    pub fn request(&mut self, badge: u64, words: &Words, now: u64) -> Outcome {
        let done = match words.label() {
            label::OPEN | label::REVOKE if badge != BROKER => Err(Failure::Forbidden),
            label::OPEN => self.open(words, now),
            label::REVOKE => self.revoke(words),
            label::RECORD => self.record(badge, words, now),
            label::BADGE => number(badge).map(Outcome::Reply),
            _ => Err(Failure::Malformed),
        };
        done.unwrap_or_else(|failure| Outcome::Reply(failure.encode()))
    }

    fn open(&mut self, words: &Words, now: u64) -> Result<Outcome, Failure> {
        let open = Open::decode(words).map_err(|_| Failure::Malformed)?;
        if open.grant <= BROKER || self.find(open.grant).is_some() {
            return Err(Failure::Malformed);
        }
        let free = self
            .entries
            .iter()
            .zip(self.dirty)
            .position(|(entry, dirty)| entry.is_none() && !dirty);
        let place = free.ok_or(Failure::Exhausted)?;
        let buffer =
            Buffer::new(open.rate, open.black, now, self.second).ok_or(Failure::Exhausted)?;
        self.entries[place] = Some(Entry {
            grant: open.grant,
            buffer,
            unreported: 0,
        });
        Ok(Outcome::Grant(Words::new(0), open.grant, place))
    }

    /// The capability of a new grant could not be made: the grant is gone again.
    pub fn failed(&mut self, place: usize) -> Words {
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = None;
        }
        Failure::Exhausted.encode()
    }

    fn revoke(&mut self, words: &Words) -> Result<Outcome, Failure> {
        let grant = decode_number(words).map_err(|_| Failure::Malformed)?;
        let place = self.find(grant).ok_or(Failure::Revoked)?;
        // From here on every copy of the capability is refused; what waited is gone.
        self.entries[place] = None;
        self.dirty[place] = true;
        Ok(Outcome::Revoke(Words::new(0), Cleanup { place }))
    }

    /// The capability of a revoked grant is taken back.
    pub fn cleaned(&mut self, cleanup: Cleanup) {
        if let Some(dirty) = self.dirty.get_mut(cleanup.place) {
            *dirty = false;
        }
    }

    fn record(&mut self, badge: u64, words: &Words, now: u64) -> Result<Outcome, Failure> {
        let wanted = decode_number(words).map_err(|_| Failure::Malformed)?;
        let wanted = usize::try_from(wanted)
            .unwrap_or(MAX_RECORD)
            .min(MAX_RECORD);
        let second = self.second;
        let place = self.find(badge).ok_or(Failure::Revoked)?;
        let entry = self.entries[place].as_mut().ok_or(Failure::Revoked)?;
        if entry.buffer.len() == 0 && wanted != 0 {
            return Err(Failure::Empty);
        }
        let allowed = entry.buffer.allowed(now, second);
        if allowed == 0 && wanted != 0 {
            return Err(Failure::Limited);
        }
        let mut bytes = vec![0; wanted.min(allowed).min(entry.buffer.len())];
        entry.buffer.take(&mut bytes, second);
        entry.unreported += bytes.len() as u64;
        Recorded(bytes)
            .encode()
            .map(Outcome::Reply)
            .map_err(|_| Failure::Malformed)
    }

    /// Works off an interrupt: hands the line's bytes to everybody who holds a grant.
    ///
    /// # Errors
    /// Those of the ports.
    pub fn interrupt(&mut self) -> Result<(), P::Error> {
        self.uart.interrupt()?;
        let mut bytes = [0; 512];
        loop {
            let count = self.uart.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            for entry in self.entries.iter_mut().flatten() {
                entry.buffer.add(&bytes[..count]);
            }
        }
    }

    /// A grant that was used since its last report, and by how many bytes.
    pub fn used(&self) -> Option<(u64, u64)> {
        let mut used = self
            .entries
            .iter()
            .flatten()
            .filter(|entry| entry.unreported != 0);
        used.next().map(|entry| (entry.grant, entry.unreported))
    }

    /// The report of [`Guard::used`] was taken.
    pub fn reported(&mut self, grant: u64, bytes: u64) {
        if let Some(entry) = self
            .entries
            .iter_mut()
            .flatten()
            .find(|entry| entry.grant == grant)
        {
            entry.unreported = entry.unreported.saturating_sub(bytes);
        }
    }

    fn find(&self, grant: u64) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.as_ref().is_some_and(|entry| entry.grant == grant))
    }

    /// The device.
    #[cfg(test)]
    pub(crate) fn uart(&mut self) -> &mut Uart<P> {
        &mut self.uart
    }
}

fn number(value: u64) -> Result<Words, Failure> {
    let mut words = Words::new(0);
    words.push(value).map_err(|_| Failure::Malformed)?;
    Ok(words)
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
