//! The personality's own page table of an address space: from page numbers to frames.
use crate::frames::Frame;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;

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

/// Pages of a leaf.
const LEAF: usize = 512;
/// Pages of a group: so many, from a multiple of that number on, are looked up at once.
pub const GROUP: usize = 16;

struct Leaf {
    entries: [Entry; LEAF],
    /// How many of them are not empty.
    used: u16,
}

/// A page table. It holds frame numbers only; references to frames are its owner's business.
#[derive(Default)]
pub struct PageTable {
    /// The leaves that are not empty, by the number of their first page divided by a leaf's pages. A program has few: what it uses
    /// lies together in a handful of places.
    leaves: BTreeMap<u32, Box<Leaf>>,
}

/// The number of a page's leaf, and the page's place in it. The page is a user's.
fn place(page: u64) -> (u32, usize) {
    ((page / LEAF as u64) as u32, page as usize % LEAF)
}

impl PageTable {
    /// Looks a page up.
    #[must_use]
    pub fn get(&self, page: u64) -> Entry {
        if page >= PAGE_LIMIT {
            return Entry::EMPTY;
        }
        let (number, index) = place(page);
        let leaf = self.leaves.get(&number);
        leaf.map_or(Entry::EMPTY, |leaf| leaf.entries[index])
    }

    /// Looks up all pages of the group that a page is in.
    #[must_use]
    pub fn group(&self, page: u64) -> [Entry; GROUP] {
        const NONE: [Entry; GROUP] = [Entry::EMPTY; GROUP];
        if page >= PAGE_LIMIT {
            return NONE;
        }
        let (number, index) = place(page);
        let leaf = self.leaves.get(&number);
        leaf.map_or(NONE, |leaf| leaf.entries.as_chunks().0[index / GROUP])
    }

    /// The number of the leaf that a page is in.
    #[must_use]
    pub fn leaf_of(page: u64) -> u32 {
        place(page).0
    }

    /// Whether setting something for a page takes memory.
    #[must_use]
    pub fn needs_memory(&self, page: u64) -> bool {
        page < PAGE_LIMIT && !self.leaves.contains_key(&place(page).0)
    }

    /// Sets what is known of a page and returns what was; pages beyond the user's are left alone.
    pub fn set(&mut self, page: u64, entry: Entry) -> Entry {
        if page >= PAGE_LIMIT {
            return Entry::EMPTY;
        }
        let (number, index) = place(page);
        if entry == Entry::EMPTY && !self.leaves.contains_key(&number) {
            return Entry::EMPTY;
        }
        let leaf = self.leaves.entry(number).or_insert_with(|| {
            Box::new(Leaf {
                entries: [Entry::EMPTY; LEAF],
                used: 0,
            })
        });
        let old = core::mem::replace(&mut leaf.entries[index], entry);
        leaf.used += u16::from(entry != Entry::EMPTY);
        leaf.used -= u16::from(old != Entry::EMPTY);
        if leaf.used == 0 {
            self.leaves.remove(&number);
        }
        old
    }

    /// The first page from `start` to before `end` of which something is known.
    #[must_use]
    pub fn next(&self, start: u64, end: u64) -> Option<u64> {
        let end = end.min(PAGE_LIMIT);
        if start >= end {
            return None;
        }
        let mut leaves = self.leaves.range(place(start).0..=place(end - 1).0);
        leaves.find_map(|(number, leaf)| {
            let first = u64::from(*number) * LEAF as u64;
            let mut pages = start.max(first)..end.min(first + LEAF as u64);
            pages.find(|page| leaf.entries[place(*page).1] != Entry::EMPTY)
        })
    }

    /// Calls `f` for each page from `start` to before `end` that has a frame; what it leaves in the entry stays.
    pub fn for_each(&mut self, start: u64, end: u64, mut f: impl FnMut(u64, &mut Entry)) {
        let end = end.min(PAGE_LIMIT);
        if start >= end {
            return;
        }
        let leaves = place(start).0..=place(end - 1).0;
        let emptied = self.leaves.extract_if(leaves, |number, leaf| {
            let first = u64::from(*number) * LEAF as u64;
            let from = start.saturating_sub(first) as usize;
            let until = (end - first).min(LEAF as u64) as usize;
            let mut left = leaf.used;
            for index in from..until {
                // Most leaves are used at their start only.
                if left == 0 {
                    break;
                }
                let entry = &mut leaf.entries[index];
                if *entry != Entry::EMPTY {
                    left -= 1;
                    f(first + index as u64, entry);
                    leaf.used -= u16::from(*entry == Entry::EMPTY);
                }
            }
            leaf.used == 0
        });
        emptied.for_each(drop);
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
        assert_eq!(table.leaves.len(), 1, "empty leaves are gone");
    }

    #[test]
    fn a_group_is_what_its_pages_are() {
        let mut table = PageTable::default();
        for page in [0, 15, 16, 510, 511, 512, PAGE_LIMIT - 1] {
            table.set(page, Entry::new(Frame(page as u32 & 1023), false));
        }
        for page in [0, 15, 16, 500, 511, 512, 5000, PAGE_LIMIT - 9, PAGE_LIMIT] {
            let first = page & !15;
            let entries: Vec<Entry> = (first..first + 16).map(|page| table.get(page)).collect();
            assert_eq!(table.group(page), *entries, "{page}");
        }
    }

    #[test]
    fn a_range_within_a_leaf_leaves_the_rest_of_it_alone() {
        let mut table = PageTable::default();
        for page in 1000..1040 {
            table.set(page, Entry::new(Frame(page as u32), true));
        }
        let mut seen = Vec::new();
        table.for_each(1020, 1030, |page, entry| {
            seen.push(page);
            *entry = Entry::EMPTY;
        });
        assert_eq!(seen, (1020..1030).collect::<Vec<_>>());
        for page in 990..1050 {
            let there = (1000..1020).contains(&page) || (1030..1040).contains(&page);
            assert_eq!(table.get(page).frame().is_some(), there, "{page}");
        }
        table.for_each(1030, 1030, |_, _| panic!("an empty range"));
        assert_eq!(table.set(1035, Entry::EMPTY).frame(), Some(Frame(1035)));
        assert_eq!(table.set(1035, Entry::EMPTY), Entry::EMPTY);
        table.for_each(0, PAGE_LIMIT, |_, entry| *entry = Entry::EMPTY);
        assert!(table.leaves.is_empty());
    }
}
