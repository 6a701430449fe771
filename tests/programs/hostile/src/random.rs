//! A small generator, and hostile arguments out of it.

use sundog_rt::sys::abi::CALLS;

/// Slots that are tried; the program has fewer.
pub const SLOTS: u64 = 80;

/// Numbers that are not in the table are tried up to here.
const NUMBERS: u64 = 128;

/// Xorshift: its sequence depends on the seed alone.
pub struct Random(u64);

impl Random {
    /// A sequence for each seed.
    pub fn new(seed: u64) -> Random {
        // Neighbouring seeds begin far from each other; 0 would stay 0.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The number of a call: one of the table, rarely another one, which is a fault.
    pub fn number(&mut self) -> u64 {
        let word = self.next();
        match word >> 54 {
            0 => word % NUMBERS,
            _ => CALLS[word as usize % CALLS.len()].number,
        }
    }

    /// A capability address: mostly a slot that the program was given, sometimes another one, two steps, or anything.
    pub fn address(&mut self) -> u64 {
        let word = self.next();
        match word >> 60 {
            0..8 => word % 24,
            8..12 => word % SLOTS,
            12..15 => (word >> 8 & 0x3f) << 32 | word & 0x3f,
            _ => word,
        }
    }

    /// An argument: small numbers, edges, addresses of the kernel, anything.
    pub fn value(&mut self) -> u64 {
        let word = self.next();
        match word >> 60 {
            0..6 => word & 0x3f,
            6 => u64::MAX,
            7 => 1 << (word & 63),
            8 => 0xffff_8000_0000_0000 | word >> 20,
            9 => 0x7fff_ffff_f000 & word,
            10 => word & 0xffff_f000,
            _ => word,
        }
    }
}
