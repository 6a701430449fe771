//! What a program's heap grows from: memory set aside for it, with slots, addresses and tables, taken a step at a time.

use crate::mapping::Mapping;
use crate::resources::{Reserved, Resources};
use alloc::vec::Vec;
use sundog_abi::Error;
use sundog_cap::object::{Frame, Untyped};
use sundog_cap::{Cap, Result, Slots};

/// Pages of a step.
const STEP: u32 = 256;

/// Memory that a heap has not taken yet. A step allocates nothing, so it can be taken when nothing is left.
#[derive(Debug)]
pub struct Growth {
    source: Cap<Untyped>,
    slots: Vec<u32>,
    place: Reserved,
    pages: u32,
    taken: u32,
}

impl Growth {
    /// Sets slots and addresses aside for `pages` pages of `source`, which is for nothing else. The address space has tables for
    /// them already.
    ///
    /// # Errors
    /// `OutOfRange` if no addresses are left, `NotEnoughMemory` if no slots are.
    pub fn new(resources: &mut Resources, source: Cap<Untyped>, pages: u32) -> Result<Growth> {
        let slots = (0..pages.div_ceil(STEP)).map(|_| resources.slots.take());
        let slots = slots.collect::<Result<_>>()?;
        let place = resources.reserve(pages)?;
        Ok(Growth {
            source,
            slots,
            place,
            pages,
            taken: 0,
        })
    }

    /// Bytes that are left.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.pages - self.taken) as usize * sundog_abi::memory::PAGE_SIZE as usize
    }

    /// Maps the next pages, right behind those of the last step; nothing if none are left or the kernel refuses.
    pub fn step(&mut self) -> Option<Mapping> {
        let slot = *self.slots.get((self.taken / STEP) as usize)?;
        let count = STEP.min(self.pages - self.taken);
        let made = self
            .source
            .retype::<Frame>(count.into(), Slots::ROOT, slot, 1);
        match made.map_err(Error::from) {
            // An earlier try made it and could not map it.
            Ok(()) | Err(Error::SlotOccupied) => {}
            Err(_) => return None,
        }
        let mapping = self.place.map(self.taken, Cap::root(slot), count).ok()?;
        self.taken += count;
        Some(mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sundog_cap::Pool;

    #[test]
    fn what_the_kernel_refuses_is_not_taken() {
        let slots = Slots::new(Cap::root(1), 16, 4).expect("a window");
        let mut resources = Resources::new(Cap::root(2), slots, Pool::new());
        let mut growth = Growth::new(&mut resources, Cap::root(3), 600).expect("slots");
        assert_eq!(growth.bytes(), 600 * 4096);
        assert!(growth.step().is_none());
        assert_eq!(growth.bytes(), 600 * 4096);
        assert!(
            Growth::new(&mut resources, Cap::root(3), 600).is_err(),
            "three of four slots are gone"
        );
    }
}
