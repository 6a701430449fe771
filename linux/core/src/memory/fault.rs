//! Faults: finding the frame for a page, from zeros, from a file or by copying, and showing it to the machine.
use super::area::{Area, FileRange};
use super::space::{AddressSpace, Environment};
use crate::Errno;
use crate::frames::{Frame, PAGE_SIZE};
use crate::machine::Protection;
use crate::page_table::{Entry, GROUP};

/// Why an access cannot be made good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// Nothing is mapped there (SIGSEGV, SEGV_MAPERR).
    NotMapped,
    /// The area does not allow the access (SIGSEGV, SEGV_ACCERR).
    Denied,
    /// Behind the end of the file, or the file cannot be read (SIGBUS, BUS_ADRERR).
    Bus,
    /// The sandbox has no memory left.
    NoMemory,
}

impl From<FaultError> for Errno {
    fn from(error: FaultError) -> Self {
        match error {
            FaultError::NoMemory => Self::ENOMEM,
            _ => Self::EFAULT,
        }
    }
}

/// How many pages around a fault are looked at.
const AROUND: u64 = GROUP as u64;

impl AddressSpace {
    /// Makes a page accessible in the personality's own table.
    ///
    /// # Errors
    /// As [`FaultError`] says.
    pub fn fault(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        write: bool,
        execute: bool,
    ) -> Result<Frame, FaultError> {
        let area = *self.find(address).ok_or(FaultError::NotMapped)?;
        let allowed = area.access;
        if !allowed.any() || (write && !allowed.write) || (execute && !allowed.execute) {
            return Err(FaultError::Denied);
        }
        self.faults += 1;
        let page = address / PAGE_SIZE as u64;
        let old = self.table.get(page);
        let entry = match old.frame() {
            Some(frame) if write && !old.write() => {
                self.make_writable(environment, &area, frame)?
            }
            Some(_) => return old.frame().ok_or(FaultError::Bus),
            None if self.table.needs_memory(page) && !environment.machine.has_room() => {
                return Err(FaultError::NoMemory);
            }
            None => {
                let entry = bring_in(environment, &area, page, write)?;
                self.resident += 1;
                entry
            }
        };
        // The machine's view, if any, is out of date now; it is shown the new one when the guest needs it.
        let cached = old.cached() && old.frame() == entry.frame();
        if old.cached()
            && !cached
            && let Some(space) = self.cache
        {
            environment.machine.unmap(space, page * PAGE_SIZE as u64, 1);
        }
        self.table.set(page, entry.with_cached(cached));
        entry.frame().ok_or(FaultError::Bus)
    }

    /// The entry of a page that is there but may not be written yet, after it may.
    fn make_writable(
        &mut self,
        environment: &mut Environment<'_>,
        area: &Area,
        frame: Frame,
    ) -> Result<Entry, FaultError> {
        if area.shared || environment.memory.references(frame) == 1 {
            return Ok(Entry::new(frame, true));
        }
        let copy = environment
            .memory
            .allocate_copy(frame)
            .map_err(|_| FaultError::NoMemory)?;
        environment.memory.release(frame);
        Ok(Entry::new(copy, true))
    }

    /// Answers a fault of the guest: makes the page accessible and shows it, with neighbours, to the machine.
    ///
    /// # Errors
    /// As [`FaultError`] says.
    pub fn guest_fault(
        &mut self,
        environment: &mut Environment<'_>,
        address: u64,
        write: bool,
        execute: bool,
    ) -> Result<(), FaultError> {
        self.fault(environment, address, write, execute)?;
        let area = *self.find(address).ok_or(FaultError::NotMapped)?;
        let page = address / PAGE_SIZE as u64;
        let first = (page & !(AROUND - 1)).max(area.start / PAGE_SIZE as u64);
        let last = ((page | (AROUND - 1)) + 1).min(area.end / PAGE_SIZE as u64);
        if area.backing.is_some() && !write {
            self.bring_in_neighbours(environment, &area, first, last);
        }
        self.show(environment, &area, page, first, last)
    }

    /// Takes pages of the file that are in the pool already, without reading any.
    fn bring_in_neighbours(
        &mut self,
        environment: &mut Environment<'_>,
        area: &Area,
        first: u64,
        last: u64,
    ) {
        let Some(range) = area.backing else { return };
        for page in first..last {
            if self.table.get(page) == Entry::EMPTY
                && let Ok(Some(frame)) =
                    environment
                        .files
                        .page(range.file, file_index(area, range, page), false)
            {
                environment.memory.retain(frame);
                self.resident += 1;
                self.table
                    .set(page, Entry::new(frame, area.shared && area.access.write));
            }
        }
    }

    /// Maps the runs of pages from `first` to before `last`, which are in one group, that the machine does not know, and the page
    /// `wanted`.
    fn show(
        &mut self,
        environment: &mut Environment<'_>,
        area: &Area,
        wanted: u64,
        first: u64,
        last: u64,
    ) -> Result<(), FaultError> {
        let space = self
            .machine_space(environment.machine)
            .map_err(|_| FaultError::NoMemory)?;
        let known = self.table.group(wanted);
        let known = |page: u64| known[page as usize % GROUP];
        let mut page = first;
        while page < last {
            let entry = known(page);
            let Some(frame) = entry.frame().filter(|_| !entry.cached() || page == wanted) else {
                page += 1;
                continue;
            };
            let mut count = 1;
            while page + count < last {
                let next = known(page + count);
                let follows = next.frame() == Some(Frame(frame.0 + count as u32))
                    && next.write() == entry.write();
                if !follows || next.cached() {
                    break;
                }
                count += 1;
            }
            let protection = Protection {
                write: entry.write(),
                execute: area.access.execute,
            };
            let address = page * PAGE_SIZE as u64;
            let machine = &mut environment.machine;
            if machine
                .map(space, address, frame.offset(), count as usize, protection)
                .is_err()
            {
                self.forget_cache(environment);
                let again = self
                    .machine_space(environment.machine)
                    .map_err(|_| FaultError::NoMemory)?;
                return environment
                    .machine
                    .map(again, address, frame.offset(), count as usize, protection)
                    .map_err(|_| FaultError::NoMemory);
            }
            for page in page..page + count {
                self.table.set(page, known(page).with_cached(true));
            }
            page += count;
        }
        Ok(())
    }

    /// Takes everything out of the machine's space, to give it room; faults bring back what is needed.
    fn forget_cache(&mut self, environment: &mut Environment<'_>) {
        if let Some(space) = self.cache {
            environment
                .machine
                .unmap(space, 0, crate::page_table::PAGE_LIMIT as usize);
        }
        self.table
            .for_each(0, crate::page_table::PAGE_LIMIT, |_, entry| {
                *entry = entry.with_cached(false)
            });
    }
}

fn file_index(area: &Area, range: FileRange, page: u64) -> u64 {
    (range.offset + (page * PAGE_SIZE as u64 - area.start)) / PAGE_SIZE as u64
}

/// The entry for a page without a frame.
fn bring_in(
    environment: &mut Environment<'_>,
    area: &Area,
    page: u64,
    write: bool,
) -> Result<Entry, FaultError> {
    let memory = environment.memory;
    let Some(range) = area.backing else {
        let frame = memory.allocate_zeroed().map_err(|_| FaultError::NoMemory)?;
        return Ok(Entry::new(frame, area.access.write));
    };
    let index = file_index(area, range, page);
    // A hole of a file that is only read stays one.
    let fill = area.shared && area.may_write;
    match environment.files.page(range.file, index, fill) {
        Ok(Some(frame)) if area.shared || !write => {
            memory.retain(frame);
            Ok(Entry::new(frame, area.shared && area.access.write))
        }
        Ok(Some(frame)) => {
            let copy = memory
                .allocate_copy(frame)
                .map_err(|_| FaultError::NoMemory)?;
            Ok(Entry::new(copy, true))
        }
        Ok(None) => {
            let frame = memory.allocate_zeroed().map_err(|_| FaultError::NoMemory)?;
            Ok(Entry::new(frame, area.access.write))
        }
        Err(Errno::ENODEV) if !area.shared || !area.access.write => {
            let mut bytes = alloc::vec![0; PAGE_SIZE];
            let offset = index * PAGE_SIZE as u64;
            let length = environment
                .files
                .read_at(range.file, offset, &mut bytes)
                .map_err(|_| FaultError::Bus)?;
            if length == 0 {
                return Err(FaultError::Bus);
            }
            let frame = memory.allocate().map_err(|_| FaultError::NoMemory)?;
            // The frame is inside the pool.
            let _ = memory.pool().write(frame.offset(), &bytes);
            Ok(Entry::new(frame, area.access.write && !area.shared))
        }
        Err(Errno::ENOMEM | Errno::ENOSPC) => Err(FaultError::NoMemory),
        Err(_) => Err(FaultError::Bus),
    }
}
