//! Calls on address spaces.

use sundog_abi::{Address, Error, ObjectType, Protection, Rights};
use sundog_machine::Ref;

use crate::dispatch::{Call, Values};
use crate::kernel::Outcome;
use crate::range::{Map, Share};
use crate::slot::Slot;
use crate::vspace::VSpace;

/// Bits of `vspace_share`'s range word that are the first page's number.
const FIRST_BITS: u32 = 40;
/// Bit of `vspace_share`'s mask that drops write at the source.
const DROP_WRITE: u64 = 8;

impl Call<'_> {
    fn held_as(
        &self,
        address: Address,
        kind: ObjectType,
        rights: Rights,
    ) -> Result<Ref<Slot>, Error> {
        self.kernel.look_up(
            self.kernel.thread_cspace(self.thread),
            address,
            kind,
            rights,
        )
    }

    pub fn vspace_bind_tables(&mut self, slot: Ref<Slot>, tables: Address) -> Outcome<Values> {
        let tables = self.held_as(tables, ObjectType::PageTables, Rights::USE)?;
        self.kernel
            .vspace_bind_tables(self.object(slot)?, self.object(tables)?)?;
        Ok((0, 0))
    }

    pub fn vspace_map(
        &mut self,
        slot: Ref<Slot>,
        frame: Address,
        address: u64,
        range: u64,
        protection: Protection,
    ) -> Outcome<Values> {
        let frame = self.held_as(frame, ObjectType::Frame, Rights::NONE)?;
        let what = Map {
            frame,
            address,
            first: range as u32,
            count: (range >> 32) as u32,
            protection,
        };
        let vspace = self.object::<VSpace>(slot)?;
        Ok((self.kernel.vspace_map(vspace, what)?.into(), 0))
    }

    pub fn vspace_unmap(&mut self, slot: Ref<Slot>, address: u64, pages: u64) -> Outcome<Values> {
        let vspace = self.object::<VSpace>(slot)?;
        Ok((self.kernel.vspace_unmap(vspace, address, pages)?, 0))
    }

    pub fn vspace_protect(
        &mut self,
        slot: Ref<Slot>,
        address: u64,
        pages: u64,
        protection: Protection,
    ) -> Outcome<Values> {
        let vspace = self.object::<VSpace>(slot)?;
        Ok((
            self.kernel
                .vspace_protect(vspace, address, pages, protection)?,
            0,
        ))
    }

    pub fn vspace_share(
        &mut self,
        slot: Ref<Slot>,
        source: Address,
        range: u64,
        mask: u64,
    ) -> Outcome<Values> {
        let source = self.held_as(source, ObjectType::VSpace, Rights::SHARE)?;
        let first = range & ((1 << FIRST_BITS) - 1);
        let what = Share {
            address: first
                .checked_mul(sundog_abi::memory::PAGE_SIZE)
                .ok_or(Error::OutOfRange)?,
            pages: range >> FIRST_BITS,
            mask: Protection::from_word(mask & !DROP_WRITE).ok_or(Error::InvalidArgument)?,
            drop_write: mask & DROP_WRITE != 0,
        };
        let (source, destination) = (self.object::<VSpace>(source)?, self.object::<VSpace>(slot)?);
        Ok((self.kernel.vspace_share(source, destination, what)?, 0))
    }

    pub fn vspace_look_up(&mut self, slot: Ref<Slot>, address: u64) -> Outcome<Values> {
        let vspace = self.object::<VSpace>(slot)?;
        Ok((self.kernel.vspace_look_up(vspace, address)?, 0))
    }
}
