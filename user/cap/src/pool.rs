//! Untyped memory as a process spends it: objects, and children that can be taken back whole.

use crate::object::Untyped;
use crate::slots::Slots;
use crate::{Cap, Object, Result};
use alloc::vec::Vec;
use sundog_abi::{Error, Word};

/// A part of a [`Pool`] that is one capability: whatever is made of it goes with one revoke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Child {
    /// The memory.
    pub untyped: Cap<Untyped>,
    /// Its length.
    pub bytes: Word,
}

/// Makes objects out of a list of untyped ranges, the first with room.
#[derive(Default)]
pub struct Pool {
    ranges: Vec<Cap<Untyped>>,
    /// Children that came back; they are used again for the same length.
    spare: Vec<Child>,
}

impl Pool {
    /// A pool without memory.
    pub const fn new() -> Pool {
        Pool {
            ranges: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Adds a range.
    pub fn add(&mut self, untyped: Cap<Untyped>) {
        self.ranges.push(untyped);
    }

    /// Runs `retype` on each range until one has room.
    fn first_with_room(&self, mut retype: impl FnMut(Cap<Untyped>) -> Result<()>) -> Result<()> {
        for range in &self.ranges {
            match retype(*range) {
                Err(Error::NotEnoughMemory) => {}
                done => return done,
            }
        }
        Err(Error::NotEnoughMemory)
    }

    /// Makes an object of type `T` in a fresh slot. The meaning of `size` is that of `untyped_retype`.
    ///
    /// # Errors
    /// `NotEnoughMemory` if no range has room or no slot is free; those of `untyped_retype`.
    pub fn make<T: Object>(&mut self, slots: &mut Slots, size: Word) -> Result<Cap<T>> {
        slots.fill(|slot| {
            self.first_with_room(|range| Ok(range.retype::<T>(size, Slots::ROOT, slot, 1)?))
        })
    }

    /// Splits off `bytes` bytes, a multiple of the page size.
    ///
    /// # Errors
    /// As [`Pool::make`].
    pub fn split(&mut self, slots: &mut Slots, bytes: Word) -> Result<Child> {
        if let Some(index) = self.spare.iter().position(|child| child.bytes == bytes) {
            return Ok(self.spare.swap_remove(index));
        }
        let made = match self.make(slots, bytes) {
            Err(Error::NotEnoughMemory) if !self.spare.is_empty() => {
                self.give_up_spares(slots)?;
                self.make(slots, bytes)
            }
            made => made,
        };
        made.map(|untyped| Child { untyped, bytes })
    }

    /// Deletes children that nobody uses, so that a range of which nothing is left starts again from its beginning.
    fn give_up_spares(&mut self, slots: &mut Slots) -> Result<()> {
        for child in self.spare.drain(..) {
            slots.cnode().delete(child.untyped.slot())?;
            slots.give(child.untyped.slot())?;
        }
        for range in &self.ranges {
            // One of which something is still in use stays as it is.
            let _ = range.reset();
        }
        Ok(())
    }

    /// Takes a child back with all that was made of it, wherever the capabilities went.
    ///
    /// # Errors
    /// Those of `cnode_revoke` and `untyped_reset`; the child is not in the pool then.
    pub fn take_back(&mut self, slots: &mut Slots, child: Child) -> Result<()> {
        slots.cnode().revoke(child.untyped.slot())?;
        child.untyped.reset()?;
        self.spare.push(child);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Frame;
    use std::cell::RefCell;
    use std::vec;

    #[test]
    fn ranges_are_tried_in_their_order_until_one_has_room() {
        let mut pool = Pool::new();
        for slot in [7, 8, 9] {
            pool.add(Cap::root(slot));
        }
        let tried = RefCell::new(Vec::new());
        let room_in = |good: u32| {
            tried.borrow_mut().clear();
            pool.first_with_room(|range| {
                tried.borrow_mut().push(range.slot());
                if range.slot() == good {
                    Ok(())
                } else {
                    Err(Error::NotEnoughMemory)
                }
            })
        };
        assert_eq!(room_in(8), Ok(()));
        assert_eq!(*tried.borrow(), vec![7, 8]);
        assert_eq!(room_in(1), Err(Error::NotEnoughMemory));
        assert_eq!(*tried.borrow(), vec![7, 8, 9]);
        assert_eq!(
            pool.first_with_room(|_| Err(Error::InvalidArgument)),
            Err(Error::InvalidArgument)
        );
    }

    #[test]
    fn a_failure_leaves_no_slot_taken() {
        let mut pool = Pool::new();
        let mut slots = Slots::new(Cap::root(1), 10, 2).expect("a window");
        assert_eq!(
            pool.make::<Frame>(&mut slots, 1),
            Err(Error::NotEnoughMemory)
        );
        pool.add(Cap::root(3));
        assert_eq!(pool.split(&mut slots, 4096), Err(Error::UnknownCall));
        assert_eq!(slots.free(), 2);
    }
}
