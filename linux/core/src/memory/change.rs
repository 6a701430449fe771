//! Changes of an address space: mapping, unmapping, protection, the heap, moving.
use super::area::{Access, Area, Purpose};
use super::space::{AddressSpace, Environment};
use super::{USER_END, USER_START};
use crate::Errno;
use crate::frames::PAGE_SIZE;
use crate::machine::Protection;
use crate::page_table::Entry;

const PAGE: u64 = PAGE_SIZE as u64;

/// Rounds a length up to whole pages.
///
/// # Errors
/// `error` when it is zero or too long.
pub fn whole_pages(length: u64, error: Errno) -> Result<u64, Errno> {
    match length.checked_next_multiple_of(PAGE) {
        Some(rounded) if rounded != 0 && rounded < USER_END => Ok(rounded),
        _ => Err(error),
    }
}

/// The end of a range of whole pages that a program named.
///
/// # Errors
/// EINVAL when the start is not on a page, or the range is not the program's.
pub fn range_end(start: u64, length: u64) -> Result<u64, Errno> {
    let length = length.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
    match start.checked_add(length) {
        Some(end) if start.is_multiple_of(PAGE) && end <= USER_END => Ok(end),
        _ => Err(Errno::EINVAL),
    }
}

impl AddressSpace {
    /// Maps an area; whatever was mapped there is unmapped first. The area's reference to its file becomes the space's.
    pub fn map(&mut self, environment: &mut Environment<'_>, area: Area) {
        self.unmap(environment, area.start, area.end);
        self.insert(area);
    }

    /// Takes the pages of a range out of the table and of the machine's space.
    fn drop_pages(&mut self, environment: &mut Environment<'_>, start: u64, end: u64) {
        let mut cached = false;
        let resident = &mut self.resident;
        self.table.for_each(start / PAGE, end / PAGE, |_, entry| {
            cached |= entry.cached();
            if let Some(frame) = entry.frame() {
                environment.memory.release(frame);
                *resident -= 1;
            }
            *entry = Entry::EMPTY;
        });
        if let (true, Some(space)) = (cached, self.cache) {
            environment
                .machine
                .unmap(space, start, ((end - start) / PAGE) as usize);
        }
    }

    /// Unmaps what is mapped in a range of whole pages.
    pub fn unmap(&mut self, environment: &mut Environment<'_>, start: u64, end: u64) {
        if self.is_free(start, end) {
            return;
        }
        self.split(environment, start);
        self.split(environment, end);
        self.drop_pages(environment, start, end);
        while let Some(area) = self.first_within(start, end) {
            self.areas.remove(&area.start);
            if let Some(range) = area.backing {
                environment.files.release(range.file);
            }
        }
    }

    /// Forgets the contents of a range, as MADV_DONTNEED does.
    ///
    /// # Errors
    /// ENOMEM when a part is not mapped; the mapped parts are done then.
    pub fn discard(
        &mut self,
        environment: &mut Environment<'_>,
        start: u64,
        end: u64,
    ) -> Result<(), Errno> {
        let covered = self.is_covered(start, end);
        self.drop_pages(environment, start, end);
        if covered { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Whether every page of a range is in an area.
    #[must_use]
    pub fn is_covered(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            match self.find(at) {
                Some(area) => at = area.end,
                None => return false,
            }
        }
        true
    }

    /// Changes what a program may do in a range.
    ///
    /// # Errors
    /// ENOMEM when a part is not mapped, EACCES when a shared file was not opened for writing; nothing is changed then.
    pub fn protect(
        &mut self,
        environment: &mut Environment<'_>,
        start: u64,
        end: u64,
        access: Access,
    ) -> Result<(), Errno> {
        if !self.is_covered(start, end) {
            return Err(Errno::ENOMEM);
        }
        self.split(environment, start);
        self.split(environment, end);
        if access.write
            && self
                .areas
                .range(start..end)
                .any(|(_, area)| !area.may_write)
        {
            return Err(Errno::EACCES);
        }
        let mut at = start;
        while let Some(area) = self.first_within(at, end) {
            at = area.end;
            self.areas.remove(&area.start);
            let changed = Area { access, ..area };
            if area.access != access {
                self.reprotect(environment, &changed);
            }
            self.insert(changed);
        }
        Ok(())
    }

    /// Brings the table and the machine in line with an area's new protection.
    fn reprotect(&mut self, environment: &mut Environment<'_>, area: &Area) {
        let memory = environment.memory;
        let space = self.cache;
        let mut run: Option<(u64, u64, Protection)> = None;
        let machine = &mut environment.machine;
        let any = area.access.any();
        let mut flush = |run: &mut Option<(u64, u64, Protection)>| {
            if let (Some((start, end, protection)), Some(space)) = (run.take(), space) {
                if any {
                    machine.protect(space, start * PAGE, (end - start) as usize, protection);
                } else {
                    machine.unmap(space, start * PAGE, (end - start) as usize);
                }
            }
        };
        self.table
            .for_each(area.start / PAGE, area.end / PAGE, |page, entry| {
                let Some(frame) = entry.frame() else { return };
                let write = area.access.write && (area.shared || memory.references(frame) == 1);
                *entry = entry.with_access(any).with_write(write);
                if !entry.cached() {
                    return;
                }
                *entry = entry.with_cached(any);
                let protection = Protection {
                    write,
                    execute: area.access.execute,
                };
                match &mut run {
                    Some((_, end, same)) if *end == page && *same == protection => *end = page + 1,
                    _ => {
                        flush(&mut run);
                        run = Some((page, page + 1, protection));
                    }
                }
            });
        flush(&mut run);
    }

    /// Moves the end of the heap; the result is the end as it is afterwards, moved or not, as `brk` answers.
    pub fn set_heap_end(&mut self, environment: &mut Environment<'_>, end: u64, limit: u64) -> u64 {
        if end < self.heap_start || end - self.heap_start > limit || end > USER_END - PAGE {
            return self.heap_end;
        }
        let old = self.heap_end.next_multiple_of(PAGE);
        let new = end.next_multiple_of(PAGE);
        if new > old {
            let pages = ((new - old) / PAGE) as usize;
            if !self.is_free(old, new + PAGE) || !environment.memory.can_promise(pages) {
                return self.heap_end;
            }
            self.insert(Area {
                start: old,
                end: new,
                access: Access {
                    read: true,
                    write: true,
                    execute: false,
                },
                shared: false,
                may_write: true,
                backing: None,
                purpose: Purpose::Heap,
            });
        } else if new < old {
            self.unmap(environment, new, old);
        }
        self.heap_end = end;
        end
    }

    /// Moves an area's part with its pages to a free place, for mremap; the part is unmapped where it was.
    pub fn relocate(&mut self, environment: &mut Environment<'_>, start: u64, end: u64, to: u64) {
        self.split(environment, start);
        self.split(environment, end);
        let mut cached = false;
        let mut first = start / PAGE;
        // What is mapped moves table by table, so that little is held in between.
        while let Some(page) = self.table.next(first, end / PAGE) {
            first = (page | 511) + 1;
            let mut moved = alloc::vec::Vec::with_capacity(512);
            self.table
                .for_each(page, first.min(end / PAGE), |page, entry| {
                    cached |= entry.cached();
                    moved.push((page, entry.with_cached(false)));
                    *entry = Entry::EMPTY;
                });
            for (page, entry) in moved {
                self.table.set(page - start / PAGE + to / PAGE, entry);
            }
        }
        if let (true, Some(space)) = (cached, self.cache) {
            environment
                .machine
                .unmap(space, start, ((end - start) / PAGE) as usize);
        }
        let mut at = start;
        while let Some(area) = self.first_within(at, end) {
            at = area.end;
            self.areas.remove(&area.start);
            self.insert(Area {
                start: area.start - start + to,
                end: area.end - start + to,
                ..area
            });
        }
    }

    /// Where a mapping may go: at `address` exactly if `fixed`, else wherever there is room.
    ///
    /// # Errors
    /// EINVAL or EPERM for a fixed address that is not the program's, ENOMEM when there is no room.
    pub fn place(&self, address: u64, length: u64, fixed: bool) -> Result<u64, Errno> {
        if !fixed {
            return self.find_free(address, length).ok_or(Errno::ENOMEM);
        }
        let end = range_end(address, length).map_err(|_| {
            if address.is_multiple_of(PAGE) {
                Errno::ENOMEM
            } else {
                Errno::EINVAL
            }
        })?;
        if address < USER_START || end > USER_END {
            return Err(Errno::EPERM);
        }
        Ok(address)
    }

    /// Takes pages of a file that no longer belong to it out of the table, so that touching them faults anew.
    pub fn cut_file(
        &mut self,
        environment: &mut Environment<'_>,
        same: &dyn Fn(sundog_linux_vfs::FileId) -> bool,
        first: u64,
    ) {
        let cut: alloc::vec::Vec<(u64, u64)> = self
            .areas
            .values()
            .filter_map(|area| {
                let range = area
                    .backing
                    .filter(|range| area.shared && same(range.file))?;
                let skip = (first * PAGE).saturating_sub(range.offset);
                Some((area.start.saturating_add(skip), area.end)).filter(|(start, end)| start < end)
            })
            .collect();
        for (start, end) in cut {
            self.drop_pages(environment, start, end);
        }
    }
}

impl AddressSpace {
    /// Makes an area longer, into free room behind it.
    pub fn extend(&mut self, environment: &mut Environment<'_>, area: &Area, start: u64, end: u64) {
        let backing = area.backing.map(|range| {
            environment.files.retain(range.file);
            super::FileRange {
                file: range.file,
                offset: range.offset + (start - area.start),
            }
        });
        self.map(
            environment,
            Area {
                start,
                end,
                backing,
                ..*area
            },
        );
    }

    /// Whether a page has a frame.
    #[must_use]
    pub fn is_resident(&self, page: u64) -> bool {
        self.table.get(page).frame().is_some()
    }
}
