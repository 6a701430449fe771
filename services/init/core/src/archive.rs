//! Looks up a file in the boot archive (cpio, format "newc").

/// Bytes of an entry's header.
const HEADER: usize = 110;
/// The name of the entry behind the last one.
const END: &[u8] = b"TRAILER!!!";

/// The archive is cut off or is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadArchive;

/// One entry, and what follows it.
struct Entry<'a> {
    name: &'a [u8],
    data: &'a [u8],
    rest: &'a [u8],
}

fn number(header: &[u8], field: usize) -> Option<usize> {
    let digits = header.get(6 + field * 8..14 + field * 8)?;
    let text = core::str::from_utf8(digits)
        .ok()
        .filter(|text| !text.starts_with('+'))?;
    usize::try_from(u32::from_str_radix(text, 16).ok()?).ok()
}

fn entry(archive: &[u8]) -> Option<Entry<'_>> {
    let header = archive.get(..HEADER)?;
    if !header.starts_with(b"070701") && !header.starts_with(b"070702") {
        return None;
    }
    let (length, name_length) = (number(header, 6)?, number(header, 11)?);
    let name_end = HEADER.checked_add(name_length)?;
    let name = archive.get(HEADER..name_end)?.strip_suffix(b"\0")?;
    let start = name_end.checked_next_multiple_of(4)?;
    let end = start.checked_add(length)?;
    let data = archive.get(start..end)?;
    // The last entry's padding may be missing.
    let rest = archive
        .get(end.checked_next_multiple_of(4)?..)
        .unwrap_or_default();
    Some(Entry { name, data, rest })
}

/// The bytes of the file with this name, without a slash or `./` in front.
///
/// # Errors
/// `BadArchive` if what comes before the file is not a whole archive.
pub fn find<'a>(archive: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, BadArchive> {
    let mut rest = archive;
    loop {
        let entry = entry(rest).ok_or(BadArchive)?;
        if entry.name == END {
            return Ok(None);
        }
        let plain = entry.name.strip_prefix(b"./").unwrap_or(entry.name);
        let plain = plain.strip_prefix(b"/").unwrap_or(plain);
        if plain == name.as_bytes() {
            return Ok(Some(entry.data));
        }
        rest = entry.rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, data) in files.iter().chain(&[("TRAILER!!!", &b""[..])]) {
            let zeros = "0".repeat(8);
            let (length, name_length) = (data.len(), name.len() + 1);
            bytes.extend_from_slice(b"070701");
            bytes.extend_from_slice(zeros.repeat(6).as_bytes());
            bytes.extend_from_slice(format!("{length:08x}").as_bytes());
            bytes.extend_from_slice(zeros.repeat(4).as_bytes());
            bytes.extend_from_slice(format!("{name_length:08X}").as_bytes());
            bytes.extend_from_slice(zeros.as_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend_from_slice(data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn files_are_found_by_their_names() {
        let bytes = archive(&[
            ("serial", b"one"),
            ("./usr/bin/x", b"two!!"),
            ("/empty", b""),
        ]);
        assert_eq!(find(&bytes, "serial"), Ok(Some(&b"one"[..])));
        assert_eq!(find(&bytes, "usr/bin/x"), Ok(Some(&b"two!!"[..])));
        assert_eq!(find(&bytes, "empty"), Ok(Some(&b""[..])));
        assert_eq!(find(&bytes, "ser"), Ok(None));
        assert_eq!(find(&bytes, "TRAILER!!!"), Ok(None));
    }

    #[test]
    fn every_cut_is_noticed_or_harmless() {
        let bytes = archive(&[("a", b"first"), ("b", b"second")]);
        for length in 0..bytes.len() {
            if let Ok(found) = find(&bytes[..length], "b") {
                assert_eq!(found, Some(&b"second"[..]), "{length}");
            }
            let missing = find(&bytes[..length], "c");
            assert!(
                missing == Err(BadArchive) || bytes.len() - length < 4,
                "{length}"
            );
        }
    }

    #[test]
    fn hostile_bytes_do_not_panic() {
        let good = archive(&[("a", b"first"), ("b", b"second")]);
        let mut state = 9_u64;
        for _ in 0..50_000 {
            let mut bytes = good.clone();
            for _ in 0..4 {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let index = (state >> 33) as usize % bytes.len();
                bytes[index] = b"0fF+-\0 \xff"[(state >> 20) as usize % 8];
            }
            let _ = find(&bytes, "b");
        }
    }
}
