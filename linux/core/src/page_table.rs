//! The personality's own page table of an address space: a radix tree from page numbers to frames.
use crate::frames::Frame;
use alloc::boxed::Box;

/// The first page number that is not a user's: 2^47 bytes.
pub const PAGE_LIMIT: u64 = 1 << 35;

/// What the table knows of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// No frame is there.
    pub const EMPTY: Self = Self(0);
    const FRAME: u32 = (1 << 28) - 1;
    const WRITE: u32 = 1 << 28;
    const CACHED: u32 = 1 << 29;
    const ACCESS: u32 = 1 << 30;

    /// A readable frame, which may be written through this entry or not: because the area forbids it, or because it must
    /// be copied first.
    #[must_use]
    pub fn new(frame: Frame, write: bool) -> Self {
        Self((frame.0 + 1) | Self::ACCESS | if write { Self::WRITE } else { 0 })
    }

    /// The frame, if one is there.
    #[must_use]
    pub fn frame(self) -> Option<Frame> {
        (self.0 & Self::FRAME).checked_sub(1).map(Frame)
    }

    /// Whether the area allows reading.
    #[must_use]
    pub fn access(self) -> bool {
        self.0 & Self::ACCESS != 0
    }

    /// The same with another answer to "may it be read".
    #[must_use]
    pub fn with_access(self, access: bool) -> Self {
        Self(if access {
            self.0 | Self::ACCESS
        } else {
            self.0 & !Self::ACCESS
        })
    }

    /// Whether the frame may be written as it is: the area allows it, and nobody else must keep the contents.
    #[must_use]
    pub fn write(self) -> bool {
        self.0 & Self::WRITE != 0
    }

    /// Whether the machine may have a mapping of it.
    #[must_use]
    pub fn cached(self) -> bool {
        self.0 & Self::CACHED != 0
    }

    /// The same with another answer to "may it be written".
    #[must_use]
    pub fn with_write(self, write: bool) -> Self {
        Self(if write {
            self.0 | Self::WRITE
        } else {
            self.0 & !Self::WRITE
        })
    }

    /// The same with another answer to "may the machine have it mapped".
    #[must_use]
    pub fn with_cached(self, cached: bool) -> Self {
        Self(if cached {
            self.0 | Self::CACHED
        } else {
            self.0 & !Self::CACHED
        })
    }
}

struct Leaf {
    entries: [Entry; 512],
    used: u16,
}

struct Directory<T> {
    children: [Option<Box<T>>; 512],
}

impl<T> Directory<T> {
    fn new() -> Box<Self> {
        Box::new(Self {
            children: [const { None }; 512],
        })
    }
}

type Middle = Directory<Leaf>;
type Upper = Directory<Middle>;

/// A page table. It holds frame numbers only; references to frames are its owner's business.
#[derive(Default)]
pub struct PageTable {
    root: Option<Box<Directory<Upper>>>,
}

fn indices(page: u64) -> [usize; 4] {
    [27, 18, 9, 0].map(|shift| (page >> shift) as usize & 511)
}

impl PageTable {
    /// Looks a page up.
    #[must_use]
    pub fn get(&self, page: u64) -> Entry {
        let [a, b, c, d] = indices(page);
        let root = self.root.as_ref();
        let leaf = root
            .and_then(|root| root.children[a].as_ref())
            .and_then(|upper| upper.children[b].as_ref())
            .and_then(|middle| middle.children[c].as_ref());
        match leaf {
            Some(leaf) if page < PAGE_LIMIT => leaf.entries[d],
            _ => Entry::EMPTY,
        }
    }

    /// Whether setting something for a page takes memory.
    #[must_use]
    pub fn needs_memory(&self, page: u64) -> bool {
        let [a, b, c, _] = indices(page);
        let root = self.root.as_ref();
        let middle = root
            .and_then(|root| root.children[a].as_ref())
            .and_then(|upper| upper.children[b].as_ref());
        middle.is_none_or(|middle| middle.children[c].is_none())
    }

    /// Sets what is known of a page and returns what was; pages beyond the user's are left alone.
    pub fn set(&mut self, page: u64, entry: Entry) -> Entry {
        if page >= PAGE_LIMIT {
            return Entry::EMPTY;
        }
        let [a, b, c, d] = indices(page);
        if entry == Entry::EMPTY && self.get(page) == Entry::EMPTY {
            return Entry::EMPTY;
        }
        let root = self.root.get_or_insert_with(Directory::new);
        let upper = root.children[a].get_or_insert_with(Directory::new);
        let middle = upper.children[b].get_or_insert_with(Directory::new);
        let leaf = middle.children[c].get_or_insert_with(|| {
            Box::new(Leaf {
                entries: [Entry::EMPTY; 512],
                used: 0,
            })
        });
        let old = core::mem::replace(&mut leaf.entries[d], entry);
        leaf.used += u16::from(entry != Entry::EMPTY);
        leaf.used -= u16::from(old != Entry::EMPTY);
        if leaf.used == 0 {
            middle.children[c] = None;
        }
        old
    }

    /// The first page from `start` to before `end` of which something is known.
    #[must_use]
    pub fn next(&self, start: u64, end: u64) -> Option<u64> {
        let root = self.root.as_ref()?;
        let end = end.min(PAGE_LIMIT);
        let mut page = start;
        while page < end {
            let [a, b, c, _] = indices(page);
            let Some(upper) = &root.children[a] else {
                page = ((page >> 27) + 1) << 27;
                continue;
            };
            let Some(middle) = &upper.children[b] else {
                page = ((page >> 18) + 1) << 18;
                continue;
            };
            let next = ((page >> 9) + 1) << 9;
            if let Some(leaf) = &middle.children[c] {
                let known = |page: &u64| leaf.entries[*page as usize & 511] != Entry::EMPTY;
                if let Some(page) = (page..next.min(end)).find(known) {
                    return Some(page);
                }
            }
            page = next;
        }
        None
    }

    /// Calls `f` for each page from `start` to before `end` that has a frame; what it leaves in the entry stays.
    pub fn for_each(&mut self, start: u64, end: u64, mut f: impl FnMut(u64, &mut Entry)) {
        let Some(root) = &mut self.root else { return };
        let end = end.min(PAGE_LIMIT);
        let mut page = start;
        while page < end {
            let [a, b, c, _] = indices(page);
            let Some(upper) = &mut root.children[a] else {
                page = ((page >> 27) + 1) << 27;
                continue;
            };
            let Some(middle) = &mut upper.children[b] else {
                page = ((page >> 18) + 1) << 18;
                continue;
            };
            let next = ((page >> 9) + 1) << 9;
            let slot = &mut middle.children[c];
            if let Some(leaf) = slot {
                for page in page..next.min(end) {
                    let entry = &mut leaf.entries[page as usize & 511];
                    if *entry != Entry::EMPTY {
                        f(page, entry);
                        leaf.used -= u16::from(*entry == Entry::EMPTY);
                    }
                }
                if leaf.used == 0 {
                    *slot = None;
                }
            }
            page = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn entries_keep_frame_and_flags_apart() {
        let entry = Entry::new(Frame((1 << 28) - 2), true).with_cached(true);
        assert_eq!(entry.frame(), Some(Frame((1 << 28) - 2)));
        assert!(entry.write() && entry.cached());
        assert!(!entry.with_write(false).write() && entry.with_write(false).cached());
        assert_eq!(Entry::EMPTY.frame(), None);
    }

    #[test]
    fn pages_are_found_where_they_were_set_and_ranges_skip_holes() {
        let mut table = PageTable::default();
        let pages = [0, 1, 511, 512, 1 << 20, (1 << 27) + 3, PAGE_LIMIT - 1];
        for (number, page) in pages.iter().enumerate() {
            assert_eq!(
                table.set(*page, Entry::new(Frame(number as u32), false)),
                Entry::EMPTY
            );
        }
        for (number, page) in pages.iter().enumerate() {
            assert_eq!(table.get(*page).frame(), Some(Frame(number as u32)));
        }
        assert_eq!(table.get(2), Entry::EMPTY);
        assert_eq!(table.get(PAGE_LIMIT + 1), Entry::EMPTY);
        let found = core::iter::successors(table.next(0, PAGE_LIMIT), |page| {
            table.next(page + 1, PAGE_LIMIT)
        });
        assert_eq!(found.collect::<Vec<_>>(), pages);
        assert_eq!(table.next(2, 511), None);
        assert!(table.needs_memory(1 << 19) && !table.needs_memory(5));
        let mut seen = Vec::new();
        table.for_each(1, PAGE_LIMIT, |page, entry| {
            seen.push(page);
            *entry = Entry::EMPTY;
        });
        assert_eq!(seen, pages[1..]);
        assert_eq!(table.get(512), Entry::EMPTY);
        assert!(table.get(0).frame().is_some());
    }
}
