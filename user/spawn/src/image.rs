//! Reads an ELF64 image: which pages it wants, with what in them.

use alloc::vec::Vec;
use core::ops::Range;
use elf::ElfBytes;
use elf::abi::{
    EM_X86_64, ET_EXEC, PF_R, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE, PT_TLS,
};
use elf::endian::LittleEndian;
use elf::file::Class;
use sundog_abi::memory::PAGE_SIZE;
use sundog_abi::{ABI_VERSION, Protection};

/// Images begin above the page at 0 and end below the fixed places of a process.
const ADDRESSES: Range<u64> = PAGE_SIZE..0x1000_0000;
/// Most segments of an image.
const MAX_SEGMENTS: usize = 16;

/// Why bytes are not an image that can be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageError {
    /// Not an ELF64 file for this machine, or one that is cut off.
    NotElf,
    /// A dynamic or position-independent image; native programs are static.
    NotStatic,
    /// The note of a native program is missing.
    NoNote,
    /// It was built for another version of the ABI.
    AbiVersion,
    /// A segment is writable and executable.
    WritableAndExecutable,
    /// A segment lies outside of the addresses for images, is cut off, or has more bytes in the file than in memory.
    Segment,
    /// Two segments share a page.
    Overlap,
    /// There are no segments, or too many.
    SegmentCount,
    /// The entry point is not in an executable segment.
    Entry,
}

/// A run of pages of the image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The address of the first page.
    pub address: u64,
    /// Length in pages.
    pub pages: u32,
    /// Byte of the first page at which the file's bytes begin.
    pub offset: usize,
    /// The file's bytes, a range of the image; the rest of the pages is zero.
    pub file: Range<usize>,
    /// How it is mapped.
    pub protection: Protection,
}

impl Segment {
    /// The address behind the last page.
    pub fn end(&self) -> u64 {
        self.address + u64::from(self.pages) * PAGE_SIZE
    }
}

/// An image that was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The address of the first instruction.
    pub entry: u64,
    /// The segments by their addresses; no two touch the same page.
    pub segments: Vec<Segment>,
}

impl Image {
    /// Reads and checks an image.
    ///
    /// # Errors
    /// Those of [`ImageError`].
    pub fn parse(bytes: &[u8]) -> Result<Image, ImageError> {
        let file =
            ElfBytes::<LittleEndian>::minimal_parse(bytes).map_err(|_| ImageError::NotElf)?;
        if file.ehdr.class != Class::ELF64 || file.ehdr.e_machine != EM_X86_64 {
            return Err(ImageError::NotElf);
        }
        if file.ehdr.e_type != ET_EXEC {
            return Err(ImageError::NotStatic);
        }
        let headers = file.segments().ok_or(ImageError::SegmentCount)?;
        let mut version = None;
        let mut segments = Vec::new();
        for header in headers.iter() {
            match header.p_type {
                PT_INTERP | PT_DYNAMIC | PT_TLS => return Err(ImageError::NotStatic),
                PT_NOTE => version = version.or(note(file_range(&header, bytes)?, bytes)),
                PT_LOAD if header.p_memsz != 0 => {
                    if segments.len() == MAX_SEGMENTS {
                        return Err(ImageError::SegmentCount);
                    }
                    segments.push(segment(&header, bytes)?);
                }
                _ => {}
            }
        }
        match version {
            None => return Err(ImageError::NoNote),
            Some(version) if version != ABI_VERSION => return Err(ImageError::AbiVersion),
            Some(_) => {}
        }
        segments.sort_unstable_by_key(|segment| segment.address);
        if segments
            .windows(2)
            .any(|pair| pair[0].end() > pair[1].address)
        {
            return Err(ImageError::Overlap);
        }
        let entry = file.ehdr.e_entry;
        let holds_entry = |segment: &Segment| {
            segment.protection.contains(Protection::EXECUTE)
                && (segment.address..segment.end()).contains(&entry)
        };
        match segments.iter().any(holds_entry) {
            _ if segments.is_empty() => Err(ImageError::SegmentCount),
            true => Ok(Image { entry, segments }),
            false => Err(ImageError::Entry),
        }
    }
}

fn file_range(
    header: &elf::segment::ProgramHeader,
    bytes: &[u8],
) -> Result<Range<usize>, ImageError> {
    let start = usize::try_from(header.p_offset).map_err(|_| ImageError::Segment)?;
    let length = usize::try_from(header.p_filesz).map_err(|_| ImageError::Segment)?;
    let range = start..start.checked_add(length).ok_or(ImageError::Segment)?;
    bytes.get(range.clone()).ok_or(ImageError::Segment)?;
    Ok(range)
}

fn segment(header: &elf::segment::ProgramHeader, bytes: &[u8]) -> Result<Segment, ImageError> {
    let mut protection = 0;
    for (flag, bit) in [
        (PF_R, Protection::READ),
        (PF_W, Protection::WRITE),
        (PF_X, Protection::EXECUTE),
    ] {
        if header.p_flags & flag != 0 {
            protection |= bit.0;
        }
    }
    let protection = Protection(protection);
    if protection.contains(Protection::WRITE) && protection.contains(Protection::EXECUTE) {
        return Err(ImageError::WritableAndExecutable);
    }
    let end = header
        .p_vaddr
        .checked_add(header.p_memsz)
        .ok_or(ImageError::Segment)?;
    if header.p_vaddr < ADDRESSES.start || end > ADDRESSES.end || header.p_filesz > header.p_memsz {
        return Err(ImageError::Segment);
    }
    let address = header.p_vaddr / PAGE_SIZE * PAGE_SIZE;
    Ok(Segment {
        address,
        pages: (end - address).div_ceil(PAGE_SIZE) as u32,
        offset: (header.p_vaddr - address) as usize,
        file: file_range(header, bytes)?,
        protection,
    })
}

/// The version in the note of a native program, if it is among the notes in the range.
fn note(range: Range<usize>, bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes.get(range)?;
    loop {
        let (header, behind) = rest.split_first_chunk::<12>()?;
        let number = |index: usize| {
            u32::from_le_bytes([
                header[index],
                header[index + 1],
                header[index + 2],
                header[index + 3],
            ])
        };
        let (name_bytes, version_bytes) = (number(0) as usize, number(4) as usize);
        let (name, behind) = behind.split_at_checked(name_bytes.checked_next_multiple_of(4)?)?;
        let (content, behind) =
            behind.split_at_checked(version_bytes.checked_next_multiple_of(4)?)?;
        if name.starts_with(b"Sundog\0") && name_bytes == 7 && number(8) == 1 {
            return Some(u64::from_le_bytes(content.get(..8)?.try_into().ok()?));
        }
        rest = behind;
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
pub(crate) mod tests;
