//! An address space: the areas of a program, its page table and the machine's cache of it.
use super::area::{Area, FileRange};
use super::{USER_END, USER_START};
use crate::Errno;
use crate::frames::{Frame, Memory};
use crate::machine::{Machine, SpaceId};
use crate::page_table::PageTable;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_linux_vfs::FileId;

/// The most areas of an address space: vm.max_map_count.
const MAX_AREAS: usize = 65_530;

/// What address spaces need of files.
pub trait FilePages {
    /// The frame with page `index` of the file, without a reference of the caller's; `None` for a hole (with `write` it
    /// is filled).
    ///
    /// # Errors
    /// ENODEV when the file's contents are not in the pool (use `read_at`), ENXIO behind its end, ENOMEM.
    fn page(&mut self, file: FileId, index: u64, write: bool) -> Result<Option<Frame>, Errno>;
    /// Reads at an offset; less than asked only at the end.
    ///
    /// # Errors
    /// As read.
    fn read_at(&mut self, file: FileId, offset: u64, to: &mut [u8]) -> Result<usize, Errno>;
    /// Adds a reference.
    fn retain(&mut self, file: FileId);
    /// Drops a reference.
    fn release(&mut self, file: FileId);
}

/// No files: for places where the files are busy; pages of files cannot be brought in then.
#[derive(Debug)]
pub struct NoFiles;

impl FilePages for NoFiles {
    fn page(&mut self, _: FileId, _: u64, _: bool) -> Result<Option<Frame>, Errno> {
        Err(Errno::EFAULT)
    }
    fn read_at(&mut self, _: FileId, _: u64, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EFAULT)
    }
    fn retain(&mut self, _: FileId) {}
    fn release(&mut self, _: FileId) {}
}

/// What operations on address spaces work with.
pub struct Environment<'a> {
    /// The frames.
    pub memory: &'a Memory,
    /// The machine, whose spaces are a cache.
    pub machine: &'a mut dyn Machine,
    /// The files.
    pub files: &'a mut dyn FilePages,
}

/// The address space of one or more guest threads.
#[derive(Default)]
pub struct AddressSpace {
    pub(super) areas: BTreeMap<u64, Area>,
    pub(super) table: PageTable,
    pub(super) cache: Option<SpaceId>,
    /// How many pages have a frame.
    pub resident: usize,
    /// How many faults were answered without and with reading a file.
    pub faults: u64,
    /// Where the heap starts.
    pub heap_start: u64,
    /// The end of the heap, as `brk` says it.
    pub heap_end: u64,
    /// New mappings are placed below this.
    pub mapping_top: u64,
    /// The first byte of the stack area.
    pub stack_start: u64,
    /// The arguments' strings, as /proc shows them.
    pub arguments: (u64, u64),
    /// The environment's strings.
    pub environment: (u64, u64),
    /// The auxiliary vector.
    pub auxiliary: Vec<u8>,
}

impl AddressSpace {
    /// The machine's space, made at the first need.
    ///
    /// # Errors
    /// ENOMEM when the machine has no room.
    pub fn machine_space(&mut self, machine: &mut dyn Machine) -> Result<SpaceId, Errno> {
        if let Some(space) = self.cache {
            return Ok(space);
        }
        let space = machine.create_space().map_err(|_| Errno::ENOMEM)?;
        self.cache = Some(space);
        Ok(space)
    }

    /// The area that holds an address.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<&Area> {
        self.areas
            .range(..=address)
            .next_back()
            .map(|(_, area)| area)
            .filter(|area| address < area.end)
    }

    /// All areas, ascending.
    pub fn areas(&self) -> impl Iterator<Item = &Area> {
        self.areas.values()
    }

    /// The size of all areas together, in pages.
    #[must_use]
    pub fn total_pages(&self) -> usize {
        self.areas.values().map(Area::pages).sum()
    }

    /// Whether nothing is mapped in a range.
    #[must_use]
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.areas
            .range(..end)
            .next_back()
            .is_none_or(|(_, area)| area.end <= start)
    }

    /// Finds `length` free bytes (a multiple of a page): at `hint` if that is free, else the highest below the top.
    #[must_use]
    pub fn find_free(&self, hint: u64, length: u64) -> Option<u64> {
        let hint = hint & !4095;
        if hint >= USER_START
            && hint.checked_add(length)? <= USER_END
            && self.is_free(hint, hint + length)
        {
            return Some(hint);
        }
        let mut end = self.mapping_top;
        for area in self.areas.range(..end).rev().map(|(_, area)| area) {
            let gap = end.saturating_sub(area.end);
            if area.end <= end && gap >= length {
                return Some(end - length);
            }
            end = end.min(area.start);
        }
        (end >= USER_START && end - USER_START >= length).then(|| end - length)
    }

    /// Adds an area where nothing is mapped. The area's reference to its file becomes the space's.
    pub fn insert(&mut self, mut area: Area) {
        if let Some((&start, before)) = self.areas.range(..area.start).next_back()
            && before.continues(&area)
        {
            area.start = start;
        }
        if let Some(after) = self.areas.get(&area.end).copied()
            && area.continues(&after)
        {
            self.areas.remove(&after.start);
            area.end = after.end;
        }
        self.areas.insert(area.start, area);
    }

    /// Cuts areas apart so that none reaches across `address`.
    pub(super) fn split(&mut self, environment: &mut Environment<'_>, address: u64) {
        let Some(area) = self
            .find(address)
            .copied()
            .filter(|area| area.start < address)
        else {
            return;
        };
        if let Some(FileRange { file, .. }) = area.backing {
            environment.files.retain(file);
        }
        self.areas
            .insert(area.start, area.part(area.start, address));
        self.areas.insert(address, area.part(address, area.end));
    }

    /// The first area inside a range that was split at both ends.
    pub(super) fn first_within(&self, start: u64, end: u64) -> Option<Area> {
        if start >= end {
            return None;
        }
        self.areas.range(start..end).next().map(|(_, area)| *area)
    }

    /// Whether a call may make two areas more: there are as many at most as on Linux.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn room_for_areas(&self) -> Result<(), Errno> {
        if self.areas.len() + 2 > MAX_AREAS {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    }

    /// Whether unmapping a range leaves an area on both sides of it, where one was.
    #[must_use]
    pub fn unmapping_splits(&self, start: u64, end: u64) -> bool {
        self.find(start)
            .is_some_and(|area| area.start < start && end < area.end)
    }

    /// Drops everything: pages, files and the machine's space.
    pub fn destroy(&mut self, environment: &mut Environment<'_>) {
        if let Some(space) = self.cache.take() {
            environment.machine.destroy_space(space);
        }
        self.table
            .for_each(0, crate::page_table::PAGE_LIMIT, |_, entry| {
                if let Some(frame) = entry.frame() {
                    environment.memory.release(frame);
                }
                *entry = crate::page_table::Entry::EMPTY;
            });
        self.resident = 0;
        for area in core::mem::take(&mut self.areas).into_values() {
            if let Some(range) = area.backing {
                environment.files.release(range.file);
            }
        }
    }
}
