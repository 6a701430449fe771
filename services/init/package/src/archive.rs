//! Writes an archive (cpio, format "newc") of regular files.

use alloc::format;
use alloc::vec::Vec;

/// A file for the archive.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name, without a slash in front.
    pub name: &'a str,
    /// Its permission bits.
    pub mode: u32,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Why files cannot be put into an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveError {
    /// A name is empty, begins with a slash, has a zero byte, or is the one that ends an archive; the index of the file.
    Name(usize),
    /// A file is longer than 4 GiB; its index.
    TooLong(usize),
}

/// The name of the entry behind the last one.
const END: &str = "TRAILER!!!";
/// The kind of a regular file in its mode.
const REGULAR: u32 = 0o100_000;

fn put(into: &mut Vec<u8>, number: usize, mode: u32, name: &str, length: u32, bytes: &[u8]) {
    let name_length = name.len() + 1;
    let header = format!(
        "070701{number:08X}{mode:08X}{0:08X}{0:08X}{1:08X}{0:08X}{length:08X}{0:08X}{0:08X}{0:08X}{0:08X}{name_length:08X}{0:08X}",
        0, 1
    );
    into.extend_from_slice(header.as_bytes());
    into.extend_from_slice(name.as_bytes());
    into.push(0);
    into.resize(into.len().next_multiple_of(4), 0);
    into.extend_from_slice(bytes);
    into.resize(into.len().next_multiple_of(4), 0);
}

/// The archive of the files, in their order.
///
/// # Errors
/// Those of [`ArchiveError`].
pub fn archive(files: &[File<'_>]) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if file.name.is_empty()
            || file.name.starts_with('/')
            || file.name.contains('\0')
            || file.name == END
        {
            return Err(ArchiveError::Name(index));
        }
        let length = u32::try_from(file.bytes.len()).map_err(|_| ArchiveError::TooLong(index))?;
        put(
            &mut bytes,
            index + 1,
            REGULAR | file.mode & 0o7777,
            file.name,
            length,
            file.bytes,
        );
    }
    put(&mut bytes, 0, 0, END, 0, &[]);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sundog_init_core::find;

    #[test]
    fn init_finds_what_was_put_in() {
        let file = |name, bytes| File {
            name,
            mode: 0o755,
            bytes,
        };
        let bytes = archive(&[
            file("serial", b"abc"),
            file("etc/x", b""),
            file("n", &[7; 100]),
        ])
        .expect("an archive");
        assert_eq!(find(&bytes, "serial"), Ok(Some(&b"abc"[..])));
        assert_eq!(find(&bytes, "etc/x"), Ok(Some(&b""[..])));
        assert_eq!(find(&bytes, "n"), Ok(Some(&[7; 100][..])));
        assert_eq!(find(&bytes, "x"), Ok(None));
        assert_eq!(
            find(&archive(&[]).expect("an empty archive"), "x"),
            Ok(None)
        );
    }

    #[test]
    fn names_that_cannot_be_found_are_refused() {
        for name in ["", "/x", "a\0b", END] {
            let result = archive(&[File {
                name,
                mode: 0,
                bytes: b"",
            }]);
            assert_eq!(result, Err(ArchiveError::Name(0)), "{name:?}");
        }
    }
}
