//! Map, unmap, protect, share, look up: operations on ranges of an address space. Each does a bounded part and says how far it came.

use sundog_abi::memory::{RANGE_STEP, USER_END};
use sundog_abi::{Error, ObjectType, Protection, Rights};
use sundog_machine::format::{self, Cache, Entry, Flags, PAGE_SIZE, index};
use sundog_machine::{Ref, TablePage};

use crate::kernel::Kernel;
use crate::mapping::End;
use crate::slot::{Slot, flag};
use crate::vspace::VSpace;
use crate::walk::{Need, Range};

/// What `vspace_map` maps.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    /// The slot that holds the Frame; the mappings end with it.
    pub frame: Ref<Slot>,
    /// Where the first page goes.
    pub address: u64,
    /// The first page, counted from the start of the frame.
    pub first: u32,
    /// Pages.
    pub count: u32,
    /// How.
    pub protection: Protection,
}

/// What `vspace_share` shares.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// The first address, the same in both spaces.
    pub address: u64,
    /// Pages.
    pub pages: u64,
    /// The most that is allowed at the destination.
    pub mask: Protection,
    /// Whether writing ends at the source, for pages that are shared.
    pub drop_write: bool,
}

/// How an entry is mapped.
fn protection(entry: Entry) -> Protection {
    let flags = entry.flags();
    let mut bits = Protection::READ.0;
    if flags.write {
        bits |= Protection::WRITE.0;
    }
    if flags.execute {
        bits |= Protection::EXECUTE.0;
    }
    Protection(bits)
}

/// What the capability allows through which an entry was mapped. Reading always.
fn allowed(entry: Entry) -> Protection {
    Protection((entry.software() as u8 & 3) << 1 | Protection::READ.0)
}

/// An entry for a page, with what the capability allows in the kernel's own bits.
fn leaf(address: u64, cache: Cache, protection: Protection, allowed: Protection) -> Entry {
    Entry::leaf(
        address,
        1,
        Flags {
            write: protection.contains(Protection::WRITE),
            user: true,
            execute: protection.contains(Protection::EXECUTE),
            global: false,
            cache,
            software: u16::from(allowed.0 >> 1 & 3),
        },
    )
}

/// Checks that a range of pages lies in user memory, and gives its end.
fn user_range(address: u64, pages: u64) -> Result<u64, Error> {
    let end = pages
        .checked_mul(PAGE_SIZE)
        .and_then(|length| address.checked_add(length))
        .ok_or(Error::OutOfRange)?;
    if end > USER_END || !address.is_multiple_of(PAGE_SIZE) {
        return Err(Error::OutOfRange);
    }
    Ok(end)
}

impl Kernel {
    /// Refuses what cannot be mapped: pages that nobody can read, and, but for guests, writing and executing at once.
    fn check_protection(&self, vspace: Ref<VSpace>, protection: Protection) -> Result<(), Error> {
        if !protection.contains(Protection::READ) {
            return Err(Error::InvalidArgument);
        }
        if protection.contains(Protection(6)) && !self.get(vspace).guests.get() {
            return Err(Error::NotAllowed);
        }
        Ok(())
    }

    /// Maps pages of a frame and gives how many: at most [`RANGE_STEP`], and none from the first address on where something is mapped.
    ///
    /// # Errors
    /// As the table says, and `InvalidArgument` for pages that cannot be read; nothing was mapped then.
    pub fn vspace_map(&mut self, vspace: Ref<VSpace>, what: Map) -> Result<u32, Error> {
        let frame = self.get(what.frame);
        if frame.kind() != Some(ObjectType::Frame) {
            return Err(Error::WrongType);
        }
        if frame.has(flag::MARKED | flag::DYING) {
            return Err(Error::Revoked);
        }
        user_range(what.address, u64::from(what.count))?;
        let stop = what.first.checked_add(what.count);
        if stop.is_none_or(|stop| stop > frame.size.get()) {
            return Err(Error::OutOfRange);
        }
        let rights = Protection(frame.rights().0 as u8 & 7);
        self.check_protection(vspace, what.protection)?;
        if !rights.contains(what.protection) {
            return Err(Error::MissingRights);
        }
        let cache = if frame.has(flag::DEVICE) {
            Cache::Uncached
        } else {
            Cache::WriteBack
        };
        let physical = (u64::from(frame.object.number()) + u64::from(what.first)) * PAGE_SIZE;
        let (count, mut table) =
            self.mappable(vspace, what.address, what.count.min(RANGE_STEP as u32))?;
        for page in 0..u64::from(count) {
            let entry = leaf(physical + page * PAGE_SIZE, cache, what.protection, rights);
            let at = what.address + page * PAGE_SIZE;
            let here = match table {
                Some(table) if page == 0 || index(at, 1) != 0 => table,
                _ => self.leaf_table_made(vspace, at),
            };
            self.add_page(here, index(at, 1), entry, End::Slot(what.frame));
            table = Some(here);
        }
        Ok(count)
    }

    /// How many of the pages from an address on can be mapped, and the leaf table of the first one, if there is one.
    fn mappable(
        &self,
        vspace: Ref<VSpace>,
        address: u64,
        count: u32,
    ) -> Result<(u32, Option<Ref<TablePage>>), Error> {
        let first = self.leaf_table(vspace, address);
        let mut table = first;
        let mut need = Need::default();
        let mut free = 0;
        while free < count {
            let at = address + u64::from(free) * PAGE_SIZE;
            if free > 0 && index(at, 1) == 0 {
                table = self.leaf_table(vspace, at);
            }
            match table {
                Ok(leaf) if self.get(leaf).entry(index(at, 1)).present() => break,
                Ok(_) => {}
                Err(absent) => Self::add_missing(at, absent, &mut need),
            }
            free += 1;
        }
        if free == 0 && count > 0 {
            return Err(Error::AlreadyMapped);
        }
        self.check_need(vspace, &need)?;
        Ok((free, first.ok()))
    }

    fn check_need(&self, vspace: Ref<VSpace>, need: &Need) -> Result<(), Error> {
        if need.pages > self.get(vspace).free.get() {
            Err(Error::NeedTables)
        } else {
            Ok(())
        }
    }

    /// Writes an entry where nothing is mapped, and puts its record behind a member of a list.
    fn add_page(&self, leaf: Ref<TablePage>, index: usize, entry: Entry, member: End) {
        let page = self.page_of(leaf);
        self.mapping_insert(member, page, index);
        self.count_use(page, true);
        self.put(leaf, index, entry);
    }

    /// Removes the mappings in a range and gives how many pages it looked at.
    ///
    /// # Errors
    /// `OutOfRange` if the range is not of whole pages or leaves user memory.
    pub fn vspace_unmap(
        &mut self,
        vspace: Ref<VSpace>,
        address: u64,
        pages: u64,
    ) -> Result<u64, Error> {
        let mut range = Range {
            at: address,
            end: user_range(address, pages)?,
            steps: RANGE_STEP,
        };
        while let Some((_, leaf, index)) = self.next_mapped(vspace, &mut range) {
            let cost = self.remove_page(leaf, index);
            range.steps = range.steps.saturating_sub(cost);
        }
        Ok((range.at - address) / PAGE_SIZE)
    }

    /// Changes how the pages in a range are mapped and gives how many pages it looked at. A translation that allows less than the
    /// entry may stay with a CPU: it looks again before it faults.
    ///
    /// # Errors
    /// `OutOfRange`, `InvalidArgument` for pages that cannot be read, `NotAllowed`; `MissingRights` if the capability of the first page does not allow it.
    pub fn vspace_protect(
        &self,
        vspace: Ref<VSpace>,
        address: u64,
        pages: u64,
        wanted: Protection,
    ) -> Result<u64, Error> {
        let mut range = Range {
            at: address,
            end: user_range(address, pages)?,
            steps: RANGE_STEP,
        };
        self.check_protection(vspace, wanted)?;
        while let Some((at, table, index)) = self.next_mapped(vspace, &mut range) {
            let entry = self.get(table).entry(index);
            if !allowed(entry).contains(wanted) {
                if at == address {
                    return Err(Error::MissingRights);
                }
                range.at = at;
                break;
            }
            self.change_page(vspace, table, index, wanted);
        }
        Ok((range.at - address) / PAGE_SIZE)
    }

    fn change_page(
        &self,
        vspace: Ref<VSpace>,
        table: Ref<TablePage>,
        index: usize,
        wanted: Protection,
    ) {
        let entry = self.get(table).entry(index);
        let cache = entry.flags().cache;
        let changed = leaf(entry.leaf_address(1), cache, wanted, allowed(entry));
        self.put(table, index, changed);
        if !wanted.contains(protection(entry)) {
            self.must_flush(Some(vspace));
        }
    }

    /// Maps what the source has in a range at the same addresses of the destination, and gives how many pages it looked at. A new mapping ends
    /// with the slot through which the source's was made.
    ///
    /// # Errors
    /// `OutOfRange`, `InvalidArgument` for a mask without reading, `NeedTables`; `AlreadyMapped` and `NotAllowed` about the first page.
    pub fn vspace_share(
        &mut self,
        source: Ref<VSpace>,
        destination: Ref<VSpace>,
        what: Share,
    ) -> Result<u64, Error> {
        let end = user_range(what.address, what.pages)?;
        if !what.mask.contains(Protection::READ) {
            return Err(Error::InvalidArgument);
        }
        let start = || Range {
            at: what.address,
            end,
            steps: RANGE_STEP,
        };
        // First what is to be done, then the same walk again, which does it.
        let (mut range, mut need) = (start(), Need::default());
        let mut stop = None;
        while let Some((at, table, index)) = self.next_mapped(source, &mut range) {
            let wanted = protection(self.get(table).entry(index)).0 & what.mask.0;
            let check = if self.leaf_entry(destination, at).present() {
                Err(Error::AlreadyMapped)
            } else {
                self.check_protection(destination, Protection(wanted))
            };
            if let Err(error) = check {
                if at == what.address {
                    return Err(error);
                }
                stop = Some(at);
                break;
            }
            if let Err(absent) = self.leaf_table(destination, at) {
                Self::add_missing(at, absent, &mut need);
            }
        }
        self.check_need(destination, &need)?;
        let mut range = start();
        range.end = stop.unwrap_or(end);
        while let Some((at, table, index)) = self.next_mapped(source, &mut range) {
            self.share_page(source, (table, index), destination, at, what);
        }
        Ok((range.at - what.address) / PAGE_SIZE)
    }

    fn share_page(
        &mut self,
        source: Ref<VSpace>,
        (table, index): (Ref<TablePage>, usize),
        destination: Ref<VSpace>,
        at: u64,
        what: Share,
    ) {
        let entry = self.get(table).entry(index);
        let (has, most) = (protection(entry), allowed(entry));
        if what.drop_write && has.contains(Protection::WRITE) {
            self.change_page(
                source,
                table,
                index,
                Protection(has.0 & !Protection::WRITE.0),
            );
        }
        let new = leaf(
            entry.leaf_address(1),
            entry.flags().cache,
            Protection(has.0 & what.mask.0),
            Protection(most.0 & what.mask.0),
        );
        let leaf = self.leaf_table_made(destination, at);
        self.add_page(leaf, format::index(at, 1), new, End::Record(table, index));
    }

    /// How the page at an address is mapped: its protection plus 8, or 0.
    ///
    /// # Errors
    /// `OutOfRange` if the address is not a user's.
    pub fn vspace_look_up(&self, vspace: Ref<VSpace>, address: u64) -> Result<u64, Error> {
        if address >= USER_END {
            return Err(Error::OutOfRange);
        }
        let entry = self.leaf_entry(vspace, address);
        Ok(if entry.present() {
            u64::from(protection(entry).0) + 8
        } else {
            0
        })
    }
}

// The rights of a Frame are its protections, bit for bit.
const _: () = assert!(
    Rights::READ.0 == Protection::READ.0 as u16
        && Rights::WRITE.0 == Protection::WRITE.0 as u16
        && Rights::EXECUTE.0 == Protection::EXECUTE.0 as u16
);
