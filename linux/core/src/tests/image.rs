//! Files of programs for the tests.
use super::tiny::{BASE, DATA};
use alloc::vec::Vec;

/// The smallest program: one page from the file at `BASE` and one page of zeros at `DATA`.
pub fn elf(entry: u64) -> Vec<u8> {
    let mut bytes = alloc::vec![0; 0x1000];
    let mut put = |at: usize, value: u64, length: usize| {
        bytes[at..at + length].copy_from_slice(&value.to_le_bytes()[..length])
    };
    put(0, u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\x00"), 8);
    for (at, value) in [
        (16, 2),
        (18, 62),
        (20, 1),
        (24, entry),
        (32, 64),
        (52, 64),
        (54, 56),
        (56, 2),
    ] {
        put(at, value, if matches!(at, 24 | 32) { 8 } else { 2 });
    }
    for (at, flags, address, file) in [(64, 5, BASE, 0x1000), (120, 6, DATA, 0)] {
        put(at, 1, 4);
        put(at + 4, flags, 4);
        put(at + 16, address, 8);
        put(at + 32, file, 8);
        put(at + 40, 0x1000, 8);
    }
    bytes
}

/// The smallest program with the note of native programs.
pub fn native_elf() -> Vec<u8> {
    let mut bytes = elf(BASE);
    bytes[56] = 3;
    bytes[176] = 4;
    bytes[176 + 8..176 + 10].copy_from_slice(&[0, 2]);
    bytes[176 + 32] = 28;
    bytes[0x200..0x200 + 28]
        .copy_from_slice(b"\x07\0\0\0\x08\0\0\0\x01\0\0\0Sundog\0\0\x01\0\0\0\0\0\0\0");
    bytes
}
