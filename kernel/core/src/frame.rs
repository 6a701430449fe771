//! Frame: a run of pages. Its capability names the first page and counts the pages; there is no object in memory.

use sundog_abi::{Error, ObjectType, Rights};
use sundog_machine::Ref;

use crate::kernel::Kernel;
use crate::slot::Slot;
use crate::untyped::PAGE;

impl Kernel {
    /// Makes a Frame capability of pages that belong to an object (a message page, a state page), as a child of the object's, so
    /// that who can revoke that ends every mapping. `unit` is the first page's; `target` must be empty.
    ///
    /// # Errors
    /// `Revoked` while the object's capability is being removed or revoked.
    ///
    /// # Panics
    /// If `unit` is not at the start of a page.
    pub fn frame_child(
        &self,
        parent: Ref<Slot>,
        target: Ref<Slot>,
        unit: u32,
        pages: u32,
        rights: Rights,
    ) -> Result<(), Error> {
        assert!(unit.is_multiple_of(PAGE), "a frame starts at a page");
        self.may_derive(parent)?;
        self.fill(target, ObjectType::Frame, unit / PAGE, pages, rights);
        self.tree_insert(parent, target);
        Ok(())
    }

    /// The physical address of a frame's first byte.
    pub fn frame_address(&self, frame: Ref<Slot>) -> u64 {
        u64::from(self.get(frame).object.number()) * sundog_abi::memory::PAGE_SIZE
    }
}
