//! The layout of the package: a header page, init's segments by pages, manifest, archive.

use alloc::vec;
use alloc::vec::Vec;
use sundog_abi::ABI_VERSION;
use sundog_abi::boot::package as layout;
use sundog_abi::memory::PAGE_SIZE;
use sundog_spawn::{Image, ImageError};

/// Why there is no package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackageError {
    /// Init's image cannot be started.
    Image(ImageError),
    /// Init has more segments than the kernel reads.
    Segments,
}

impl From<ImageError> for PackageError {
    fn from(error: ImageError) -> PackageError {
        PackageError::Image(error)
    }
}

fn set(bytes: &mut [u8], index: usize, value: u64) {
    bytes[index * 8..index * 8 + 8].copy_from_slice(&value.to_le_bytes());
}

/// Adds a part at the next multiple of `alignment`; returns where.
fn add(bytes: &mut Vec<u8>, part: &[u8], alignment: usize) -> u64 {
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
    let start = bytes.len() as u64;
    bytes.extend_from_slice(part);
    start
}

/// The package of init's ELF image, an encoded manifest and an archive.
///
/// # Errors
/// Those of [`PackageError`].
pub fn package(init: &[u8], manifest: &[u8], archive: &[u8]) -> Result<Vec<u8>, PackageError> {
    const PAGE: usize = PAGE_SIZE as usize;
    let image = Image::parse(init)?;
    if image.segments.len() > layout::MAX_SEGMENTS {
        return Err(PackageError::Segments);
    }
    let mut bytes = vec![0; PAGE];
    for (index, segment) in image.segments.iter().enumerate() {
        // The file's bytes begin somewhere in the first page; what is in front of them is zero.
        let mut part = vec![0; segment.offset];
        part.extend_from_slice(&init[segment.file.clone()]);
        let start = add(&mut bytes, &part, PAGE);
        let words = [
            segment.address,
            start,
            part.len() as u64,
            segment.pages.into(),
            segment.protection.0.into(),
        ];
        for (word, value) in words.into_iter().enumerate() {
            set(
                &mut bytes,
                layout::SEGMENT_TABLE + index * layout::SEGMENT_WORDS + word,
                value,
            );
        }
    }
    let manifest_start = add(&mut bytes, manifest, PAGE);
    let archive_start = add(&mut bytes, archive, PAGE);
    bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
    let total = bytes.len() as u64;
    for (index, value) in [
        (layout::MAGIC_WORD, layout::MAGIC),
        (layout::ABI_VERSION, ABI_VERSION),
        (layout::ENTRY, image.entry),
        (layout::SEGMENTS, image.segments.len() as u64),
        (layout::BYTES, total),
        (layout::MANIFEST, manifest_start),
        (layout::MANIFEST + 1, manifest.len() as u64),
        (layout::ARCHIVE, archive_start),
        (layout::ARCHIVE + 1, archive.len() as u64),
    ] {
        set(&mut bytes, index, value);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sundog_rt::Package;

    fn word(bytes: &[u8], index: usize) -> u64 {
        u64::from_le_bytes(bytes[index * 8..index * 8 + 8].try_into().expect("a word"))
    }

    /// An image with one segment of code that begins in the middle of a page.
    fn init() -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, b"\x7fELF\x02\x01\x01\0");
        put(16, &2_u16.to_le_bytes());
        put(18, &62_u16.to_le_bytes());
        put(20, &1_u32.to_le_bytes());
        put(24, &0x20_1100_u64.to_le_bytes());
        put(32, &64_u64.to_le_bytes());
        put(52, &64_u16.to_le_bytes());
        put(54, &56_u16.to_le_bytes());
        put(56, &2_u16.to_le_bytes());
        let headers = [
            (1_u32, 5_u32, 0x100_u64, 0x20_1100_u64, 0x40_u64, 0x2000_u64),
            (4, 4, 0x180, 0, 28, 28),
        ];
        for (index, (kind, flags, offset, address, file, memory)) in headers.into_iter().enumerate()
        {
            let at = 64 + index * 56;
            put(at, &kind.to_le_bytes());
            put(at + 4, &flags.to_le_bytes());
            for (word, value) in [offset, address, address, file, memory, 4096]
                .into_iter()
                .enumerate()
            {
                put(at + 8 + word * 8, &value.to_le_bytes());
            }
        }
        put(0x100, &[0x90; 0x40]);
        for (index, number) in [7_u32, 8, 1].into_iter().enumerate() {
            put(0x180 + index * 4, &number.to_le_bytes());
        }
        put(0x18c, b"Sundog\0\0");
        put(0x194, &ABI_VERSION.to_le_bytes());
        bytes
    }

    #[test]
    fn init_reads_what_the_host_wrote() {
        let bytes = package(&init(), b"manifest", b"archive").expect("a package");
        let read = Package::decode(&bytes).expect("a package");
        assert_eq!(
            (read.manifest, read.archive),
            (&b"manifest"[..], &b"archive"[..])
        );
        assert_eq!(word(&bytes, layout::BYTES), bytes.len() as u64);
        assert!(bytes.len().is_multiple_of(4096));
    }

    #[test]
    fn segments_lie_page_by_page_as_they_are_mapped() {
        let bytes = package(&init(), b"", b"").expect("a package");
        let segment: Vec<u64> = (0..5)
            .map(|index| word(&bytes, layout::SEGMENT_TABLE + index))
            .collect();
        assert_eq!(
            (word(&bytes, layout::SEGMENTS), word(&bytes, layout::ENTRY)),
            (1, 0x20_1100)
        );
        assert_eq!(segment, [0x20_1000, 4096, 0x140, 3, 5]);
        assert_eq!(bytes[4096..4096 + 0x100], [0; 0x100]);
        assert_eq!(bytes[4096 + 0x100..4096 + 0x140], [0x90; 0x40]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert_eq!(
            package(b"text", b"", b""),
            Err(PackageError::Image(ImageError::NotElf))
        );
    }
}
