//! Tests with images that are made here, byte by byte.

use super::*;
use std::vec;

/// A program header: type, flags, offset, address, bytes in the file, bytes in memory.
type Header = (u32, u32, u64, u64, u64, u64);

const CODE: Header = (PT_LOAD, PF_R | PF_X, 0x1000, 0x20_1000, 0x80, 0x80);
const DATA: Header = (PT_LOAD, PF_R | PF_W, 0x1080, 0x20_2080, 0x10, 0x3000);
const NOTE: Header = (PT_NOTE, PF_R, 0x1100, 0x20_0100, 28, 28);

fn image(kind: u16, entry: u64, headers: &[Header]) -> Vec<u8> {
    let mut bytes = vec![0; 0x1200];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(16, &kind.to_le_bytes());
    put(18, &EM_X86_64.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(24, &entry.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(52, &64_u16.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &(headers.len() as u16).to_le_bytes());
    for (index, (kind, flags, offset, address, file, memory)) in headers.iter().enumerate() {
        let at = 64 + index * 56;
        put(at, &kind.to_le_bytes());
        put(at + 4, &flags.to_le_bytes());
        for (word, value) in [offset, address, address, file, memory, &4096]
            .into_iter()
            .enumerate()
        {
            put(at + 8 + word * 8, &value.to_le_bytes());
        }
    }
    for (index, number) in [7_u32, 8, 1].into_iter().enumerate() {
        put(0x1100 + index * 4, &number.to_le_bytes());
    }
    put(0x110c, b"Sundog\0\0");
    put(0x1114, &ABI_VERSION.to_le_bytes());
    bytes
}

/// A small image that can be started.
pub(crate) fn example() -> Vec<u8> {
    image(ET_EXEC, 0x20_1000, &[CODE, DATA, NOTE])
}

#[test]
fn an_image_becomes_pages() {
    let image = Image::parse(&image(ET_EXEC, 0x20_1010, &[DATA, CODE, NOTE])).expect("an image");
    assert_eq!(image.entry, 0x20_1010);
    let code = Segment {
        address: 0x20_1000,
        pages: 1,
        offset: 0,
        file: 0x1000..0x1080,
        protection: Protection::READ_EXECUTE,
    };
    let data = Segment {
        address: 0x20_2000,
        pages: 4,
        offset: 0x80,
        file: 0x1080..0x1090,
        protection: Protection::READ_WRITE,
    };
    assert_eq!(image.segments, [code, data]);
}

#[test]
fn what_cannot_be_started_is_refused_with_its_reason() {
    let parse = |entry, headers: &[Header]| Image::parse(&image(ET_EXEC, entry, headers)).err();
    let with = |change: fn(&mut Header)| {
        let mut data = DATA;
        change(&mut data);
        parse(0x20_1000, &[CODE, data, NOTE])
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(
        with(|data| data.1 = PF_W | PF_X),
        Some(ImageError::WritableAndExecutable)
    );
    assert_eq!(with(|data| data.3 = 0x20_1f00), Some(ImageError::Overlap));
    assert_eq!(with(|data| data.3 = 0x10), Some(ImageError::Segment));
    assert_eq!(with(|data| data.3 = 0x0fff_f000), Some(ImageError::Segment));
    assert_eq!(
        with(|data| data.3 = u64::MAX - 5),
        Some(ImageError::Segment)
    );
    assert_eq!(with(|data| data.2 = 0x11f8), Some(ImageError::Segment));
    assert_eq!(
        with(|data| data.2 = u64::MAX - 3),
        Some(ImageError::Segment)
    );
    assert_eq!(with(|data| data.4 = 0x4000), Some(ImageError::Segment));
    assert_eq!(with(|data| data.0 = PT_INTERP), Some(ImageError::NotStatic));
    assert_eq!(
        with(|data| data.0 = PT_DYNAMIC),
        Some(ImageError::NotStatic)
    );
    assert_eq!(
        parse(0x20_2080, &[CODE, DATA, NOTE]),
        Some(ImageError::Entry)
    );
    assert_eq!(parse(0, &[CODE, NOTE]), Some(ImageError::Entry));
    assert_eq!(parse(0, &[NOTE]), Some(ImageError::SegmentCount));
    assert_eq!(parse(0x20_1000, &[CODE, DATA]), Some(ImageError::NoNote));
    assert_eq!(
        Image::parse(&image(3, 0x20_1000, &[CODE, NOTE])).err(),
        Some(ImageError::NotStatic)
    );
    assert_eq!(Image::parse(b"#!/bin/sh").err(), Some(ImageError::NotElf));
    let mut other = image(ET_EXEC, 0x20_1000, &[CODE, NOTE]);
    other[0x1114] ^= 1;
    assert_eq!(Image::parse(&other).err(), Some(ImageError::AbiVersion));
}

#[test]
fn hostile_bytes_do_not_panic() {
    let good = image(ET_EXEC, 0x20_1000, &[CODE, DATA, NOTE]);
    for length in 0..good.len() {
        let _ = Image::parse(&good[..length]);
    }
    let mut state = 17_u64;
    for _ in 0..100_000 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let index = (state >> 33) as usize % 0x120;
            let index = if index < 0xf0 {
                index
            } else {
                0x1100 + index - 0xf0
            };
            bytes[index] = [0, 1, 0x7f, 0x80, 0xff, (state >> 8) as u8][(state >> 20) as usize % 6];
        }
        if let Ok(image) = Image::parse(&bytes) {
            for segment in image.segments {
                assert!(ADDRESSES.contains(&segment.address) && segment.end() <= ADDRESSES.end);
                assert!(segment.offset + segment.file.len() <= segment.pages as usize * 4096);
                assert!(segment.file.end <= bytes.len());
            }
        }
    }
}
