//! Native programs as an image holds them: what is loaded, without the notes for a debugger, which would take memory for as long as the
//! machine runs.

/// Places in the header of a 64-bit ELF file: program headers, section headers, sizes and numbers of both.
const PROGRAM_HEADERS: usize = 32;
const SECTION_HEADERS: usize = 40;
const PROGRAM_HEADER_SIZE: usize = 54;
const SECTION_COUNT: usize = 60;
/// The end of the header.
const HEADER: usize = 64;

/// The file up to the end of what is loaded, without a table of sections. One that is no ELF file of 64 bits stays as it is: whoever
/// loads it says what is wrong with it.
pub fn trimmed(mut file: Vec<u8>) -> Vec<u8> {
    let Some(end) = end(&file) else {
        return file;
    };
    file.truncate(end);
    file[SECTION_HEADERS..SECTION_HEADERS + 8].fill(0);
    // Their number, and which of them has the names.
    file[SECTION_COUNT..HEADER].fill(0);
    file
}

/// Where the program headers and all that they name are over.
fn end(file: &[u8]) -> Option<usize> {
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(number(file, PROGRAM_HEADERS, 8)?).ok()?;
    let size = number(file, PROGRAM_HEADER_SIZE, 2)? as usize;
    let count = number(file, PROGRAM_HEADER_SIZE + 2, 2)? as usize;
    let mut end = table.checked_add(size * count)?.max(HEADER);
    for header in 0..count {
        let at = table.checked_add(header * size)?;
        let (offset, bytes) = (number(file, at + 8, 8)?, number(file, at + 32, 8)?);
        end = end.max(usize::try_from(offset.checked_add(bytes)?).ok()?);
    }
    (end <= file.len()).then_some(end)
}

fn number(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..bytes].copy_from_slice(file.get(at..at.checked_add(bytes)?)?);
    Some(u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one segment of 20 bytes, the text of a debugger behind it, and a table of sections.
    fn file() -> Vec<u8> {
        let mut file = vec![0; HEADER + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[PROGRAM_HEADERS], file[PROGRAM_HEADER_SIZE]) = (64, 56);
        file[PROGRAM_HEADER_SIZE + 2] = 1;
        (file[64], file[64 + 8], file[64 + 32]) = (1, 120, 20);
        file.extend([1; 20]);
        file.extend(b"debug");
        file[SECTION_HEADERS] = file.len() as u8;
        (file[58], file[SECTION_COUNT], file[62]) = (64, 3, 2);
        file.extend([7; 3 * 64]);
        file
    }

    #[test]
    fn what_is_loaded_stays_and_nothing_else() {
        let whole = file();
        let trimmed = trimmed(whole.clone());
        assert_eq!(trimmed.len(), 140);
        assert_eq!(trimmed[64..], whole[64..140]);
        assert_eq!(trimmed[..SECTION_HEADERS], whole[..SECTION_HEADERS]);
        assert!(trimmed[SECTION_HEADERS..48].iter().all(|byte| *byte == 0));
        assert!(trimmed[SECTION_COUNT..HEADER].iter().all(|byte| *byte == 0));
        assert_eq!(super::trimmed(trimmed.clone()), trimmed);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let mut outside = file();
        outside[64 + 32 + 3] = 1;
        for file in [b"#!/bin/sh\n".to_vec(), file()[..100].to_vec(), outside] {
            assert_eq!(trimmed(file.clone()), file);
        }
    }
}
