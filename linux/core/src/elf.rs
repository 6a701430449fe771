//! Reading ELF programs: every field is checked, as the file may be hostile, cut off or for another machine.
use crate::Errno;
use alloc::vec::Vec;

/// The size of the file header.
pub const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;
/// The longest segment of notes that is looked at.
const MAX_NOTES: u64 = 4096;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;

/// A segment to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its address, before the base is added.
    pub address: u64,
    /// Its offset in the file.
    pub offset: u64,
    /// How many bytes come from the file.
    pub file_size: u64,
    /// How many bytes it has; the rest is zeros.
    pub memory_size: u64,
    /// Write.
    pub write: bool,
    /// Execute.
    pub execute: bool,
    /// Read.
    pub read: bool,
}

/// A program that can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// It can be loaded anywhere.
    pub relocatable: bool,
    /// Where it starts.
    pub entry: u64,
    /// The address of its program headers, if they are loaded.
    pub headers: u64,
    /// How many program headers it has.
    pub header_count: u16,
    /// Its segments, ascending.
    pub segments: Vec<Segment>,
    /// The name of its interpreter lies in the file here: offset and length.
    pub interpreter: Option<(u64, u64)>,
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

/// Where the program headers lie in the file: offset and length in bytes.
///
/// # Errors
/// ENOEXEC when the header is not that of a program for this machine.
pub fn program_headers(header: &[u8]) -> Result<(u64, usize), Errno> {
    if header.len() < HEADER || header[..4] != *b"\x7fELF" {
        return Err(Errno::ENOEXEC);
    }
    // 64 bits, little-endian, version 1; the system and ABI version are not looked at, as on Linux.
    if header[4..7] != [2, 1, 1]
        || half(header, 18) != EM_X86_64
        || !matches!(half(header, 16), ET_EXEC | ET_DYN)
    {
        return Err(Errno::ENOEXEC);
    }
    let count = half(header, 56) as usize;
    if half(header, 54) as usize != PROGRAM_HEADER || count == 0 || count > 128 {
        return Err(Errno::ENOEXEC);
    }
    Ok((long(header, 32), count * PROGRAM_HEADER))
}

/// Where the file's notes lie: offset and length of each segment of them.
pub fn notes(table: &[u8]) -> impl Iterator<Item = (u64, usize)> {
    table
        .chunks_exact(PROGRAM_HEADER)
        .filter(|entry| word(entry, 0) == PT_NOTE && long(entry, 32) <= MAX_NOTES)
        .map(|entry| (long(entry, 8), long(entry, 32) as usize))
}

/// Whether the note that marks native programs is among these: owner `Sundog`, type 1.
#[must_use]
pub fn is_native(mut notes: &[u8]) -> bool {
    while let Some((header, rest)) = notes.split_at_checked(12) {
        let (name, bytes) = (word(header, 0) as usize, word(header, 4) as usize);
        if rest.get(..name) == Some(b"Sundog\0") && word(header, 8) == 1 {
            return true;
        }
        let length = name
            .checked_next_multiple_of(4)
            .and_then(|name| name.checked_add(bytes.checked_next_multiple_of(4)?));
        let Some(next) = length.and_then(|length| rest.get(length..)) else {
            return false;
        };
        notes = next;
    }
    false
}

/// Makes an image of a header and the program headers.
///
/// # Errors
/// ENOEXEC when anything in them does not fit together.
pub fn parse(header: &[u8], table: &[u8], limit: u64) -> Result<Image, Errno> {
    let (table_offset, table_size) = program_headers(header)?;
    if table.len() != table_size {
        return Err(Errno::ENOEXEC);
    }
    let relocatable = half(header, 16) == ET_DYN;
    let mut image = Image {
        relocatable,
        entry: long(header, 24),
        headers: 0,
        header_count: half(header, 56),
        segments: Vec::new(),
        interpreter: None,
    };
    for entry in table.chunks_exact(PROGRAM_HEADER) {
        let (offset, address) = (long(entry, 8), long(entry, 16));
        match word(entry, 0) {
            PT_LOAD => {
                let segment = Segment {
                    address,
                    offset,
                    file_size: long(entry, 32),
                    memory_size: long(entry, 40),
                    read: word(entry, 4) & 4 != 0,
                    write: word(entry, 4) & 2 != 0,
                    execute: word(entry, 4) & 1 != 0,
                };
                if segment.memory_size != 0 {
                    check(&segment, image.segments.last(), limit)?;
                    image.segments.push(segment);
                }
            }
            PT_INTERP if image.interpreter.is_none() => {
                let length = long(entry, 32);
                if !(2..=4096).contains(&length) {
                    return Err(Errno::ENOEXEC);
                }
                image.interpreter = Some((offset, length));
            }
            PT_PHDR => image.headers = address,
            _ => {}
        }
    }
    if image.segments.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    let covers = |segment: &&Segment| {
        segment.offset <= table_offset
            && table_offset.saturating_add(table_size as u64)
                <= segment.offset.saturating_add(segment.file_size)
    };
    if let (0, Some(segment)) = (image.headers, image.segments.iter().find(covers)) {
        image.headers = segment.address + (table_offset - segment.offset);
    }
    Ok(image)
}

/// A segment must lie below the limit, behind the one before it, and agree with its offset within a page.
fn check(segment: &Segment, before: Option<&Segment>, limit: u64) -> Result<(), Errno> {
    let end = segment
        .address
        .checked_add(segment.memory_size)
        .ok_or(Errno::ENOEXEC)?;
    let file_end = segment
        .offset
        .checked_add(segment.file_size)
        .ok_or(Errno::ENOEXEC)?;
    let fits =
        segment.file_size <= segment.memory_size && end <= limit && file_end <= i64::MAX as u64;
    let aligned = segment.address & 4095 == segment.offset & 4095;
    let ordered = before.is_none_or(|before| {
        (before.address + before.memory_size).div_ceil(4096) <= segment.address / 4096
    });
    if fits && aligned && ordered {
        Ok(())
    } else {
        Err(Errno::ENOEXEC)
    }
}

impl Image {
    /// The first and the end of the pages that the image takes, before the base is added.
    #[must_use]
    pub fn span(&self) -> (u64, u64) {
        let first = self
            .segments
            .first()
            .map_or(0, |segment| segment.address & !4095);
        let last = self
            .segments
            .last()
            .map_or(0, |segment| segment.address + segment.memory_size);
        (first, last.next_multiple_of(4096))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 0x7fff_ffff_0000;

    /// A small correct program: header and one loadable segment.
    fn program() -> (Vec<u8>, Vec<u8>) {
        let mut header = alloc::vec![0; HEADER];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[16] = 2;
        header[18] = 62;
        header[24..32].copy_from_slice(&0x40_1000_u64.to_le_bytes());
        header[32] = 64;
        header[54] = 56;
        header[56] = 1;
        let mut table = alloc::vec![0; PROGRAM_HEADER];
        table[0] = 1;
        table[4] = 5;
        table[16..24].copy_from_slice(&0x40_0000_u64.to_le_bytes());
        table[32..40].copy_from_slice(&0x2000_u64.to_le_bytes());
        table[40..48].copy_from_slice(&0x3000_u64.to_le_bytes());
        (header, table)
    }

    #[test]
    fn a_correct_program_is_read() {
        let (header, table) = program();
        let image = parse(&header, &table, LIMIT).unwrap();
        assert_eq!(
            (image.entry, image.headers, image.span()),
            (0x40_1000, 0x40_0040, (0x40_0000, 0x40_3000))
        );
        assert!(!image.relocatable && image.segments[0].execute && !image.segments[0].write);
    }

    #[test]
    fn foreign_and_cut_off_programs_are_refused() {
        let (header, table) = program();
        for length in 0..HEADER {
            assert_eq!(parse(&header[..length], &table, LIMIT), Err(Errno::ENOEXEC));
        }
        for length in 0..table.len() {
            assert_eq!(parse(&header, &table[..length], LIMIT), Err(Errno::ENOEXEC));
        }
        // 32 bits, big-endian, another machine, a relocatable object, no headers, headers of another size.
        for (at, value) in [(4, 1), (5, 2), (18, 3), (16, 1), (56, 0), (54, 32), (0, 0)] {
            let mut other = header.clone();
            other[at] = value;
            assert_eq!(
                parse(&other, &table, LIMIT),
                Err(Errno::ENOEXEC),
                "byte {at}"
            );
        }
    }

    #[test]
    fn any_bytes_give_an_image_below_the_limit_or_an_error() {
        let (header, table) = program();
        let mut state = 1_u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for _ in 0..200_000 {
            let (mut header, mut table) = (header.clone(), table.clone());
            for _ in 0..=next() % 4 {
                let at = next() as usize % (header.len() + table.len());
                let byte = if next() % 2 == 0 { 0xff } else { next() as u8 };
                match header.get_mut(at) {
                    Some(place) => *place = byte,
                    None => table[at - HEADER] = byte,
                }
            }
            if let Ok(image) = parse(&header, &table, LIMIT) {
                let (first, end) = image.span();
                assert!(first < end && end <= LIMIT);
            }
        }
    }
}
