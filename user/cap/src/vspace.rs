//! Address spaces.

use crate::object::{Frame, PageTables, VSpace};
use crate::{Cap, Result};
use sundog_abi::{Protection, Word};
use sundog_sys::{self as sys, Partial};

impl Cap<VSpace> {
    /// Gives the address space the pages of a PageTables object.
    ///
    /// # Errors
    /// Those of `vspace_bind_tables`.
    pub fn bind_tables(self, tables: Cap<PageTables>) -> Result<()> {
        sys::vspace_bind_tables(self.address(), tables.address()).map(drop)
    }

    /// Maps `pages` pages of `frame`, beginning with its page `first`, from `address` on.
    ///
    /// # Errors
    /// Those of `vspace_map`, with the number of pages that are mapped.
    pub fn map(
        self,
        frame: Cap<Frame>,
        address: Word,
        first: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<(), Partial> {
        sys::map(
            self.address(),
            frame.address(),
            address,
            first,
            pages,
            protection,
        )
    }

    /// Removes mappings; passes over holes.
    ///
    /// # Errors
    /// Those of `vspace_unmap`.
    pub fn unmap(self, address: Word, pages: Word) -> Result<(), Partial> {
        sys::unmap(self.address(), address, pages)
    }

    /// Changes the protection of mapped pages; passes over holes.
    ///
    /// # Errors
    /// Those of `vspace_protect`.
    pub fn protect(
        self,
        address: Word,
        pages: Word,
        protection: Protection,
    ) -> Result<(), Partial> {
        sys::protect(self.address(), address, pages, protection)
    }

    /// Maps what `source` has from `address` on at the same place here, with at most `mask`.
    ///
    /// # Errors
    /// Those of `vspace_share`.
    pub fn share(
        self,
        source: Cap<VSpace>,
        address: Word,
        pages: Word,
        mask: Protection,
        drop_write: bool,
    ) -> Result<(), Partial> {
        sys::share(
            self.address(),
            source.address(),
            address,
            pages,
            mask,
            drop_write,
        )
    }

    /// How the page at `address` is mapped; `None` if it is not.
    ///
    /// # Errors
    /// Those of `vspace_look_up`.
    pub fn look_up(self, address: Word) -> Result<Option<Protection>> {
        let answer = sys::vspace_look_up(self.address(), address)?;
        Ok((answer.value & 8 != 0).then_some(Protection(answer.value as u8 & 7)))
    }
}
