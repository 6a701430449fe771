//! What a program allocates from: memory, slots, addresses.

use crate::mapping::Mapping;
use crate::window::Window;
use core::ptr::NonNull;
use sundog_abi::memory::PAGE_SIZE;
use sundog_abi::{Error, Protection, Rights};
use sundog_cap::object::{Frame, PageTables, VSpace};
use sundog_cap::{Cap, Pool, Result, Slots};
use sundog_ring::{HEADER_BYTES, Mapped};

/// Pages of the PageTables objects that are made when an address space asks for more: two directories and a leaf table, and one page to spare; a header comes on top.
pub const TABLE_PAGES: u64 = 6;

/// Maps `pages` pages of `frame`, beginning with its page `first`, from `address` on in any address space; makes and binds tables
/// out of `pool` as they are needed.
///
/// # Errors
/// Those of `vspace_map`; what was mapped before the error stays mapped. `NotEnoughMemory` if the pool has none for tables.
#[allow(
    clippy::too_many_arguments,
    reason = "the mapping's own five, and where tables come from"
)]
pub fn map_with_tables(
    pool: &mut Pool,
    slots: &mut Slots,
    vspace: Cap<VSpace>,
    frame: Cap<Frame>,
    address: u64,
    first: u32,
    pages: u32,
    protection: Protection,
) -> Result<()> {
    let mut done = 0;
    // The progress at which tables were last asked for; a second time without any in between is not for want of tables.
    let mut asked = None;
    loop {
        let place = address + u64::from(done) * PAGE_SIZE;
        let Err(partial) = vspace.map(frame, place, first + done, pages - done, protection) else {
            return Ok(());
        };
        done += partial.done as u32;
        if partial.error != Error::NeedTables || asked == Some(done) {
            return Err(partial.error);
        }
        asked = Some(done);
        let tables = pool.make::<PageTables>(slots, TABLE_PAGES)?;
        vspace.bind_tables(tables)?;
    }
}

/// The memory, slots and addresses of one program.
pub struct Resources {
    /// The own address space.
    pub vspace: Cap<VSpace>,
    /// Empty slots of the own CNode.
    pub slots: Slots,
    /// Untyped memory.
    pub pool: Pool,
    window: Window,
}

/// Addresses of a program that are filled with pages later, and never given back.
#[derive(Clone, Copy, Debug)]
pub struct Reserved {
    vspace: Cap<VSpace>,
    address: u64,
    pages: u32,
}

impl Reserved {
    /// Maps the first `pages` pages of `frame` from page `at` of the range on, readable and writable. The address space has tables
    /// for it already.
    ///
    /// # Errors
    /// `OutOfRange` if they do not fit; those of `vspace_map`, so `AlreadyMapped` where something is. Nothing is added then.
    pub fn map(&self, at: u32, frame: Cap<Frame>, pages: u32) -> Result<Mapping> {
        if at.checked_add(pages).is_none_or(|end| end > self.pages) {
            return Err(Error::OutOfRange);
        }
        let address = self.address + u64::from(at) * PAGE_SIZE;
        let protection = Protection::READ_WRITE;
        if let Err(partial) = self.vspace.map(frame, address, 0, pages, protection) {
            if partial.done > 0 {
                self.vspace
                    .unmap(address, partial.done)
                    .map_err(Error::from)?;
            }
            return Err(partial.error);
        }
        let base = NonNull::new(core::ptr::with_exposed_provenance_mut(address as usize))
            .ok_or(Error::OutOfRange)?;
        // SAFETY: the pages were mapped just now where nothing was, in a range of addresses that nothing else ever uses.
        Ok(unsafe { Mapping::new(base, pages, true) })
    }
}

impl Resources {
    /// Resources of which nothing is spent.
    pub fn new(vspace: Cap<VSpace>, slots: Slots, pool: Pool) -> Resources {
        Resources {
            vspace,
            slots,
            pool,
            window: Window::new(),
        }
    }

    /// Makes a frame of `pages` pages, filled with zeros.
    ///
    /// # Errors
    /// Those of `untyped_retype`.
    pub fn frame(&mut self, pages: u32) -> Result<Cap<Frame>> {
        self.pool.make(&mut self.slots, pages.into())
    }

    /// Maps pages of `frame` somewhere in this program.
    ///
    /// # Errors
    /// Those of `vspace_map`; `OutOfRange` if no addresses are left. Nothing stays mapped then.
    pub fn map(
        &mut self,
        frame: Cap<Frame>,
        first: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<Mapping> {
        let base = self.map_parts(&[(first, pages)], pages, frame, protection)?;
        // SAFETY: the pages were mapped just now in a range of addresses that nothing else uses until `unmap` gives it back.
        Ok(unsafe { Mapping::new(base, pages, protection.contains(Protection::WRITE)) })
    }

    /// Maps pages of `frame`, whose contents never change, for as long as the program runs. That they do not change is the word of
    /// whoever gave the frame: a parent, which a program trusts with all its memory anyway.
    ///
    /// # Errors
    /// Those of [`Resources::map`]; `NotAllowed` if the capability itself would allow writing.
    pub fn map_constant(&mut self, frame: Cap<Frame>, pages: u32) -> Result<&'static [u8]> {
        let description = self.slots.cnode().inspect(frame.slot())?;
        if description.rights.contains(Rights::WRITE) {
            return Err(Error::NotAllowed);
        }
        let base = self.map_parts(&[(0, pages)], pages, frame, Protection::READ)?;
        let bytes = pages as usize * PAGE_SIZE as usize;
        // SAFETY: the pages were mapped just now and are never unmapped; nobody writes them, as the text above says.
        Ok(unsafe { core::slice::from_raw_parts(base.as_ptr(), bytes) })
    }

    /// Sets addresses aside.
    ///
    /// # Errors
    /// `OutOfRange` if no addresses are left.
    pub fn reserve(&mut self, pages: u32) -> Result<Reserved> {
        let address = self
            .window
            .take_new(pages.into())
            .ok_or(Error::OutOfRange)?;
        Ok(Reserved {
            vspace: self.vspace,
            address,
            pages,
        })
    }

    /// Maps a frame as a stack: the page in front of it stays unmapped for good.
    ///
    /// # Errors
    /// Those of [`Resources::map`].
    pub(crate) fn map_stack(&mut self, frame: Cap<Frame>, pages: u32) -> Result<Mapping> {
        self.window.take_new(1).ok_or(Error::OutOfRange)?;
        let address = self
            .window
            .take_new(pages.into())
            .ok_or(Error::OutOfRange)?;
        let base =
            self.map_parts_at(address, &[(0, pages)], pages, frame, Protection::READ_WRITE)?;
        // SAFETY: the pages were mapped just now in a range of addresses that is never given back.
        Ok(unsafe { Mapping::new(base, pages, true) })
    }

    /// Maps a frame of `pages` pages as a ring: its first page is the header, the others are the data and are mapped twice.
    ///
    /// # Errors
    /// `InvalidArgument` for less than two pages; those of [`Resources::map`].
    pub fn map_ring(&mut self, frame: Cap<Frame>, pages: u32) -> Result<Mapped> {
        if pages < 2 {
            return Err(Error::InvalidArgument);
        }
        let data = pages - 1;
        let total = pages.checked_add(data).ok_or(Error::OutOfRange)?;
        let base = self.map_parts(
            &[(0, pages), (1, data)],
            total,
            frame,
            Protection::READ_WRITE,
        )?;
        const { assert!(HEADER_BYTES == PAGE_SIZE as usize) };
        // SAFETY: header and data were mapped just now, the data twice in a row, at addresses that are never given back.
        Ok(unsafe { Mapped::new(base, data as usize * PAGE_SIZE as usize) })
    }

    /// Maps parts (first page, pages) of a frame one after the other, somewhere.
    fn map_parts(
        &mut self,
        parts: &[(u32, u32)],
        total: u32,
        frame: Cap<Frame>,
        protection: Protection,
    ) -> Result<NonNull<u8>> {
        let address = self.window.take(total.into()).ok_or(Error::OutOfRange)?;
        self.map_parts_at(address, parts, total, frame, protection)
    }

    /// Maps parts of a frame one after the other from an address of the window on, which is given back if it fails.
    fn map_parts_at(
        &mut self,
        address: u64,
        parts: &[(u32, u32)],
        total: u32,
        frame: Cap<Frame>,
        protection: Protection,
    ) -> Result<NonNull<u8>> {
        let mut place = address;
        for (first, pages) in parts {
            let (pool, slots) = (&mut self.pool, &mut self.slots);
            if let Err(error) = map_with_tables(
                pool,
                slots,
                self.vspace,
                frame,
                place,
                *first,
                *pages,
                protection,
            ) {
                self.vspace
                    .unmap(address, total.into())
                    .map_err(Error::from)?;
                self.window.give(address, total.into());
                return Err(error);
            }
            place += u64::from(*pages) * PAGE_SIZE;
        }
        NonNull::new(core::ptr::with_exposed_provenance_mut(address as usize))
            .ok_or(Error::OutOfRange)
    }

    /// Unmaps what [`Resources::map`] mapped.
    ///
    /// # Errors
    /// Those of `vspace_unmap`; the addresses are not used again then.
    pub fn unmap(&mut self, mapping: Mapping) -> Result<()> {
        let (address, pages) = (mapping.address(), mapping.pages().into());
        self.vspace.unmap(address, pages)?;
        self.window.give(address, pages);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_mapping_costs_no_addresses() {
        let slots = Slots::new(Cap::root(1), 16, 4).expect("a window");
        let mut resources = Resources::new(Cap::root(2), slots, Pool::new());
        assert_eq!(
            resources.map(Cap::root(3), 0, 2, Protection::READ).err(),
            Some(Error::UnknownCall)
        );
        assert_eq!(
            resources.map_ring(Cap::root(3), 1).err(),
            Some(Error::InvalidArgument)
        );
    }

    #[test]
    fn a_reserved_range_takes_nothing_behind_its_end() {
        let slots = Slots::new(Cap::root(1), 16, 4).expect("a window");
        let mut resources = Resources::new(Cap::root(2), slots, Pool::new());
        let reserved = resources.reserve(4).expect("addresses");
        for (at, pages) in [(0, 5), (3, 2), (4, 1), (u32::MAX, 2)] {
            assert_eq!(
                reserved.map(at, Cap::root(3), pages).err(),
                Some(Error::OutOfRange)
            );
        }
        assert_eq!(
            reserved.map(3, Cap::root(3), 1).err(),
            Some(Error::UnknownCall),
            "what fits is asked of the kernel"
        );
        let next = resources.reserve(1).expect("addresses");
        assert_eq!(next.address, reserved.address + 4 * PAGE_SIZE);
    }
}
