//! What a program's heap grows from: memory that it shares with other uses, with slots, addresses and tables set aside, taken a step at
//! a time.

use crate::mapping::Mapping;
use crate::resources::{Reserved, Resources};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Debug;
use sundog_abi::memory::PAGE_SIZE;
use sundog_cap::object::{Frame, Untyped};
use sundog_cap::{Cap, Result, Slots};

/// Pages of a step.
const STEP: u32 = 64;

/// The account of the memory that a heap grows from. Neither function allocates.
pub trait Account: Debug + Send {
    /// Pages that nobody has taken.
    fn left(&self) -> u32;

    /// Takes `pages` pages for the heap. Whether there are so many; `make` says whether the heap could use them, and nothing is taken
    /// if not.
    fn take(&self, pages: u32, make: &mut dyn FnMut() -> bool) -> bool;
}

/// What a heap has not grown by yet. A step allocates nothing, so it can be taken when nothing is left.
#[derive(Debug)]
pub struct Growth {
    source: Cap<Untyped>,
    account: Box<dyn Account>,
    slots: Vec<u32>,
    place: Reserved,
    pages: u32,
    taken: u32,
    /// The next step's Frame was made by an earlier try, and counted.
    made: bool,
}

impl Growth {
    /// Sets slots and addresses aside for at most `pages` pages of `source`, whose account is `account`. The address space has tables
    /// for them already.
    ///
    /// # Errors
    /// `OutOfRange` if no addresses are left, `NotEnoughMemory` if no slots are.
    pub fn new(
        resources: &mut Resources,
        source: Cap<Untyped>,
        account: Box<dyn Account>,
        pages: u32,
    ) -> Result<Growth> {
        let slots = (0..pages.div_ceil(STEP)).map(|_| resources.slots.take());
        let slots = slots.collect::<Result<_>>()?;
        let place = resources.reserve(pages)?;
        Ok(Growth {
            source,
            account,
            slots,
            place,
            pages,
            taken: 0,
            made: false,
        })
    }

    /// Bytes by which the heap may still grow, as far as nobody else took them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let pages = (self.pages - self.taken).min(self.account.left() / STEP * STEP);
        pages as usize * PAGE_SIZE as usize
    }

    /// Maps the next pages, right behind those of the last step; nothing if none are left or the kernel refuses.
    pub fn step(&mut self) -> Option<Mapping> {
        let slot = *self.slots.get((self.taken / STEP) as usize)?;
        let count = STEP.min(self.pages - self.taken);
        let source = self.source;
        let mut make = || {
            source
                .retype::<Frame>(count.into(), Slots::ROOT, slot, 1)
                .is_ok()
        };
        self.made = self.made || self.account.take(count, &mut make);
        if !self.made {
            return None;
        }
        let mapping = self.place.map(self.taken, Cap::root(slot), count).ok()?;
        self.taken += count;
        self.made = false;
        Some(mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use core::sync::atomic::{AtomicU32, Ordering};
    use sundog_cap::Pool;

    /// So many pages, which are gone when they were asked for.
    #[derive(Clone, Debug)]
    struct Left(Arc<AtomicU32>);

    impl Account for Left {
        fn left(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }

        fn take(&self, pages: u32, make: &mut dyn FnMut() -> bool) -> bool {
            let taken = self.left() >= pages && make();
            if taken {
                self.0.fetch_sub(pages, Ordering::Relaxed);
            }
            taken
        }
    }

    fn resources() -> Resources {
        let slots = Slots::new(Cap::root(1), 16, 16).expect("a window");
        Resources::new(Cap::root(2), slots, Pool::new())
    }

    #[test]
    fn what_the_kernel_refuses_is_not_taken() {
        let mut resources = resources();
        let left = Left(Arc::new(1000.into()));
        let mut new = || Growth::new(&mut resources, Cap::root(3), Box::new(left.clone()), 600);
        let mut growth = new().expect("slots");
        assert!(new().is_err(), "ten of sixteen slots are gone");
        assert_eq!(growth.bytes(), 600 * 4096);
        assert!(growth.step().is_none());
        assert_eq!((growth.bytes(), left.left()), (600 * 4096, 1000));
    }

    #[test]
    fn only_what_nobody_else_took_is_there() {
        let left = Left(Arc::new(600.into()));
        let growth = Growth::new(&mut resources(), Cap::root(3), Box::new(left.clone()), 600);
        let growth = growth.expect("slots");
        assert_eq!(growth.bytes(), 576 * 4096, "whole steps");
        left.0.store(100, Ordering::Relaxed);
        assert_eq!(growth.bytes(), 64 * 4096);
        left.0.store(63, Ordering::Relaxed);
        assert_eq!(growth.bytes(), 0);
    }
}
