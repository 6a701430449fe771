//! Areas: runs of pages of an address space that are alike in protection and in where their contents come from.
use sundog_linux_vfs::FileId;

/// What a program may do with an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Access {
    /// PROT_READ; on this architecture everything that is accessible at all can be read.
    pub read: bool,
    /// PROT_WRITE.
    pub write: bool,
    /// PROT_EXEC.
    pub execute: bool,
}

impl Access {
    /// From the bits of mmap and mprotect.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self {
            read: bits & 1 != 0,
            write: bits & 2 != 0,
            execute: bits & 4 != 0,
        }
    }

    /// Whether any access is allowed.
    #[must_use]
    pub fn any(self) -> bool {
        self.read || self.write || self.execute
    }
}

/// What an area is for, as /proc/PID/maps shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Mapped by the program.
    Mapping,
    /// The heap of `brk`.
    Heap,
    /// The first thread's stack.
    Stack,
}

/// Where contents come from: a file from an offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRange {
    /// The file; the area holds a reference to it.
    pub file: FileId,
    /// The offset in the file of the area's first byte.
    pub offset: u64,
}

/// A run of pages that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// The first byte.
    pub start: u64,
    /// The byte behind the last.
    pub end: u64,
    /// What the program may do.
    pub access: Access,
    /// Writes go to the file and are seen by all who map it.
    pub shared: bool,
    /// A shared mapping of a file that was not opened for writing cannot become writable.
    pub may_write: bool,
    /// The file, or nothing for anonymous memory.
    pub backing: Option<FileRange>,
    /// What it is for.
    pub purpose: Purpose,
}

impl Area {
    /// How many pages.
    #[must_use]
    pub fn pages(&self) -> usize {
        ((self.end - self.start) / 4096) as usize
    }

    /// The part from `start` to before `end`, which must lie inside.
    #[must_use]
    pub fn part(&self, start: u64, end: u64) -> Self {
        let backing = self.backing.map(|range| FileRange {
            file: range.file,
            offset: range.offset + (start - self.start),
        });
        Self {
            start,
            end,
            backing,
            ..*self
        }
    }

    /// Whether `next` only continues this one, so that one area serves both.
    #[must_use]
    pub fn continues(&self, next: &Self) -> bool {
        self.end == next.start
            && self.backing.is_none()
            && next.backing.is_none()
            && (self.access, self.shared, self.purpose) == (next.access, next.shared, next.purpose)
    }
}
