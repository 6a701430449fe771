//! The free slots of a process' own CNode.

use crate::bitmap::Bitmap;
use crate::object::CNode;
use crate::{Cap, Object, Result};
use sundog_abi::{Address, Error, Rights, Word};

/// Hands out slots of a window of the own root CNode.
pub struct Slots {
    cnode: Cap<CNode>,
    first: u32,
    taken: Bitmap,
}

impl Slots {
    /// The window of `count` slots from `first` on, all of them empty, of the CNode that is the caller's root.
    ///
    /// # Errors
    /// `OutOfRange` if the window holds slot 0 or does not end within 32 bits.
    pub fn new(cnode: Cap<CNode>, first: u32, count: u32) -> Result<Slots> {
        if first == 0 || first.checked_add(count).is_none() {
            return Err(Error::OutOfRange);
        }
        Ok(Slots {
            cnode,
            first,
            taken: Bitmap::new(count),
        })
    }

    /// The CNode.
    pub fn cnode(&self) -> Cap<CNode> {
        self.cnode
    }

    /// How many slots are free.
    pub fn free(&self) -> u32 {
        self.taken.free()
    }

    /// Takes an empty slot.
    ///
    /// # Errors
    /// `NotEnoughMemory` if there is none.
    pub fn take(&mut self) -> Result<u32> {
        self.take_run(1)
    }

    /// Takes `count` empty slots in a row; returns the first.
    ///
    /// # Errors
    /// `NotEnoughMemory` if there is no such row.
    pub fn take_run(&mut self, count: u32) -> Result<u32> {
        self.taken
            .take(count)
            .map(|number| self.first + number)
            .ok_or(Error::NotEnoughMemory)
    }

    /// Gives back a slot that is empty (again, or still).
    ///
    /// # Errors
    /// `OutOfRange` if it was not taken from this window.
    pub fn give(&mut self, slot: u32) -> Result<()> {
        match slot.checked_sub(self.first) {
            Some(number) if self.taken.give(number) => Ok(()),
            _ => Err(Error::OutOfRange),
        }
    }

    /// Empties a slot and gives it back.
    ///
    /// # Errors
    /// Those of `cnode_delete`; `OutOfRange` if it was not taken from this window. The slot stays taken then.
    pub fn delete(&mut self, slot: u32) -> Result<()> {
        self.cnode.delete(slot)?;
        self.give(slot)
    }

    /// Fills a fresh slot by `make`, which is given it; the slot is given back if that fails.
    ///
    /// # Errors
    /// `NotEnoughMemory` without a slot; those of `make`.
    pub fn fill<T: Object>(&mut self, make: impl FnOnce(u32) -> Result<()>) -> Result<Cap<T>> {
        let slot = self.take()?;
        match make(slot) {
            Ok(()) => Ok(Cap::root(slot)),
            Err(error) => {
                self.give(slot)?;
                Err(error)
            }
        }
    }

    /// Copies a capability into a fresh slot.
    ///
    /// # Errors
    /// Those of `cnode_copy`; `NotEnoughMemory` without a slot.
    pub fn copy<T: Object>(&mut self, source: Cap<T>, rights: Rights) -> Result<Cap<T>> {
        let cnode = self.cnode;
        self.fill(|slot| cnode.copy(slot, source.address(), rights))
    }

    /// Copies a capability into a fresh slot and sets the badge.
    ///
    /// # Errors
    /// Those of `cnode_mint`; `NotEnoughMemory` without a slot.
    pub fn mint<T: Object>(
        &mut self,
        source: Cap<T>,
        rights: Rights,
        badge: Word,
    ) -> Result<Cap<T>> {
        let cnode = self.cnode;
        self.fill(|slot| cnode.mint(slot, source.address(), rights, badge))
    }

    /// The address that stands for the root CNode where a call wants the CNode of a destination.
    pub const ROOT: Address = Address::NULL;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Endpoint;

    #[test]
    fn slots_come_from_the_window_and_go_back() {
        let mut slots = Slots::new(Cap::root(1), 100, 3).expect("a window");
        assert_eq!((slots.take(), slots.take_run(2)), (Ok(100), Ok(101)));
        assert_eq!(slots.take(), Err(Error::NotEnoughMemory));
        assert_eq!(
            (slots.give(101), slots.give(101), slots.give(99)),
            (Ok(()), Err(Error::OutOfRange), Err(Error::OutOfRange))
        );
        assert_eq!((slots.free(), slots.take()), (1, Ok(101)));
        assert!(Slots::new(Cap::root(1), 0, 3).is_err());
        assert!(Slots::new(Cap::root(1), u32::MAX, 3).is_err());
    }

    #[test]
    fn a_slot_that_could_not_be_filled_is_free_again() {
        let mut slots = Slots::new(Cap::root(1), 5, 1).expect("a window");
        let copy = slots.copy::<Endpoint>(Cap::root(2), Rights::SEND);
        assert_eq!(copy, Err(Error::UnknownCall), "there is no kernel here");
        assert_eq!(slots.free(), 1);
    }
}
