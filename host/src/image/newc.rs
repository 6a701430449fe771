//! Writes an archive (cpio, format "newc") of folders, files and symbolic links, all owned by root and without times.

/// What an entry is.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// A folder.
    Folder,
    /// A program or file with these permission bits and bytes.
    File(u32, &'a [u8]),
    /// A symbolic link that says this.
    Link(&'a str),
}

/// The name of the entry behind the last one.
const END: &str = "TRAILER!!!";

/// An archive that grows entry by entry.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds an entry; `name` has no slash in front, and its folder was added before.
    pub fn add(&mut self, name: &str, entry: Entry<'_>) {
        self.entries += 1;
        let (mode, links, bytes) = match entry {
            Entry::Folder => (0o040_755, 2, &[][..]),
            Entry::File(mode, bytes) => (0o100_000 | mode & 0o7777, 1, bytes),
            Entry::Link(target) => (0o120_777, 1, target.as_bytes()),
        };
        self.put(self.entries, mode, links, name, bytes);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.put(0, 0, 1, END, &[]);
        self.bytes
    }

    fn put(&mut self, inode: u32, mode: u32, links: u32, name: &str, bytes: &[u8]) {
        let header = format!(
            "070701{inode:08X}{mode:08X}{0:08X}{0:08X}{links:08X}{0:08X}{1:08X}{0:08X}{0:08X}{0:08X}{0:08X}{2:08X}{0:08X}",
            0,
            bytes.len(),
            name.len() + 1
        );
        for part in [header.as_bytes(), name.as_bytes(), &[0]] {
            self.bytes.extend_from_slice(part);
        }
        self.align();
        self.bytes.extend_from_slice(bytes);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
