//! Frames: finding them in a stream of bytes that comes in any chunks, with any damage, in time linear in its length.
use super::message::Message;
use super::{Bad, fields::Reader};
use alloc::vec::Vec;
use core::marker::PhantomData;

/// The most bytes of a payload.
pub const MAX_PAYLOAD: usize = 8192;
/// Bytes of a frame beside its payload.
pub const FRAME_OVERHEAD: usize = HEADER + CHECK;
const HEADER: usize = 8;
const CHECK: usize = 4;
const MAGIC: [u8; 2] = [0xf5, 0xc0];
/// How often each byte received may be gone through when frames turn out to be damaged.
const PASSES: usize = 4;

const CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        sum >> 8 ^ CRC_TABLE[(sum as u8 ^ byte) as usize]
    })
}

/// Puts a payload into a frame and adds it to `out`. Refused: a payload longer than [`MAX_PAYLOAD`].
pub fn encode_frame(kind: u16, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Bad> {
    let length = u16::try_from(payload.len())
        .ok()
        .filter(|length| usize::from(*length) <= MAX_PAYLOAD);
    let length = length.ok_or(Bad::TooLong)?;
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    let check = crc(&out[start + 2..]) as u16;
    out.extend_from_slice(&check.to_le_bytes());
    out.extend_from_slice(payload);
    let check = crc(&out[start + 2..]);
    out.extend_from_slice(&check.to_le_bytes());
    Ok(())
}

/// What a decoder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<M> {
    /// A message.
    Message(M),
    /// An undamaged frame whose contents this side refuses; its type and why.
    Refused(u16, Bad),
    /// This many bytes belonged to no frame.
    Skipped(usize),
}

/// Finds messages of one direction in a stream of bytes.
///
/// It holds at most one frame. Each byte received pays for being gone through a few times; a sender of many interlocking
/// half-frames runs out of that and loses whole frames, so the work stays linear.
#[derive(Debug)]
pub struct Decoder<M> {
    held: Vec<u8>,
    skipped: usize,
    credit: usize,
    direction: PhantomData<M>,
}

impl<M: Message> Default for Decoder<M> {
    fn default() -> Self {
        Decoder::new()
    }
}

impl<M: Message> Decoder<M> {
    /// A decoder at the start of a stream.
    pub fn new() -> Decoder<M> {
        Decoder {
            held: Vec::new(),
            skipped: 0,
            credit: 0,
            direction: PhantomData,
        }
    }

    /// Takes bytes as they come and gives what they complete, in order.
    pub fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Event<M>)) {
        while !bytes.is_empty() {
            let room = HEADER + MAX_PAYLOAD + CHECK - self.held.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.held.extend_from_slice(now);
            self.credit = (self.credit + now.len() * PASSES).min(PASSES * 2 * MAX_PAYLOAD);
            bytes = later;
            self.scan(&mut found);
        }
    }

    /// The other side was quiet for so long that what is held will not be completed: look for a frame inside it.
    pub fn idle(&mut self, mut found: impl FnMut(Event<M>)) {
        while !self.held.is_empty() {
            self.drop_front(1);
            self.scan(&mut found);
        }
        self.report(&mut found);
    }

    /// Bytes held for a frame that is not complete yet.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    fn scan(&mut self, found: &mut impl FnMut(Event<M>)) {
        let mut at = 0;
        loop {
            let start = find_magic(&self.held[at..]).map_or(self.held.len(), |offset| at + offset);
            self.skipped += start - at;
            at = start;
            let rest = &self.held[at..];
            if rest.len() < HEADER {
                break;
            }
            let length = usize::from(u16::from_le_bytes([rest[4], rest[5]]));
            if length > MAX_PAYLOAD || (crc(&rest[2..6]) as u16).to_le_bytes() != [rest[6], rest[7]]
            {
                self.skipped += 1;
                at += 1;
                continue;
            }
            let body = HEADER + length;
            if rest.len() < body + CHECK {
                break;
            }
            self.credit = self.credit.saturating_sub(body);
            if crc(&rest[2..body]).to_le_bytes() != rest[body..body + CHECK] {
                let step = if self.credit == 0 { body + CHECK } else { 1 };
                self.skipped += step;
                at += step;
                continue;
            }
            let kind = u16::from_le_bytes([rest[2], rest[3]]);
            let mut reader = Reader::new(&rest[HEADER..body]);
            let result = M::decode_payload(kind, &mut reader)
                .and_then(|message| reader.end().map(|()| message));
            at += body + CHECK;
            if self.skipped > 0 {
                found(Event::Skipped(core::mem::take(&mut self.skipped)));
            }
            found(result.map_or_else(|bad| Event::Refused(kind, bad), Event::Message));
        }
        self.held.drain(..at);
        self.report(found);
    }

    fn drop_front(&mut self, count: usize) {
        self.held.drain(..count);
        self.skipped += count;
    }

    fn report(&mut self, found: &mut impl FnMut(Event<M>)) {
        if self.held.is_empty() && self.skipped > 0 {
            found(Event::Skipped(core::mem::take(&mut self.skipped)));
        }
    }
}

/// Where a magic, or at the very end its first byte, stands.
fn find_magic(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len())
        .find(|at| bytes[*at] == MAGIC[0] && bytes.get(at + 1).is_none_or(|next| *next == MAGIC[1]))
}
