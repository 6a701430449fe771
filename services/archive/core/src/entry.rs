//! One entry of a newc archive: its header, its name, where its data lies.

use core::ops::Range;

/// What is wrong with an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// No entry begins here.
    Magic,
    /// A field is not a hexadecimal number.
    Number,
    /// The archive ends within an entry, or before its trailer.
    Truncated,
    /// A name is too long, has `..` or a zero byte in it, or goes through something that is no folder.
    Name,
    /// The mode says no kind of file.
    Kind,
}

/// Why an archive cannot be mounted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveError {
    /// Offset of the entry in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Longest name of an entry, with its zero byte.
const MAX_NAME: u32 = 4096;
const HEADER: usize = 110;

/// A header's numbers and the ranges of its name and data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub inode: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub links: u32,
    pub time: u32,
    pub device: (u32, u32),
    pub node_device: (u32, u32),
    /// Without the zero byte.
    pub name: Range<usize>,
    pub data: Range<usize>,
    /// Where the next entry begins.
    pub next: usize,
}

fn field(header: &[u8], index: usize) -> Option<u32> {
    let digits = header.get(6 + index * 8..14 + index * 8)?;
    digits.iter().try_fold(0u32, |number, &digit| {
        let value = (digit as char).to_digit(16)?;
        Some(number << 4 | value)
    })
}

/// Reads the entry at `offset`.
pub fn read(bytes: &[u8], offset: usize) -> Result<Entry, Problem> {
    let header = offset
        .checked_add(HEADER)
        .and_then(|end| bytes.get(offset..end))
        .ok_or(Problem::Truncated)?;
    if !matches!(&header[..6], b"070701" | b"070702") {
        return Err(Problem::Magic);
    }
    let mut numbers = [0; 12];
    for (index, number) in numbers.iter_mut().enumerate() {
        *number = field(header, index).ok_or(Problem::Number)?;
    }
    let [
        inode,
        mode,
        uid,
        gid,
        links,
        time,
        size,
        major,
        minor,
        node_major,
        node_minor,
        name_size,
    ] = numbers;
    if name_size == 0 || name_size > MAX_NAME {
        return Err(Problem::Name);
    }
    let name_start = offset + HEADER;
    let name_end = name_start + name_size as usize;
    let name = bytes.get(name_start..name_end).ok_or(Problem::Truncated)?;
    if name.iter().position(|&byte| byte == 0) != Some(name.len() - 1) {
        return Err(Problem::Name);
    }
    let data_start = name_end.next_multiple_of(4);
    let data_end = data_start
        .checked_add(size as usize)
        .ok_or(Problem::Truncated)?;
    if data_end > bytes.len() {
        return Err(Problem::Truncated);
    }
    Ok(Entry {
        inode,
        mode,
        uid,
        gid,
        links,
        time,
        device: (major, minor),
        node_device: (node_major, node_minor),
        name: name_start..name_end - 1,
        data: data_start..data_end,
        next: data_end
            .checked_next_multiple_of(4)
            .ok_or(Problem::Truncated)?,
    })
}
