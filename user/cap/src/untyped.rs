//! Memory of which objects are made.

use crate::object::Untyped;
use crate::{Cap, Object, Result};
use sundog_abi::{Address, Slot, Word};
use sundog_sys::{self as sys, Partial};

impl Cap<Untyped> {
    /// Makes `count` objects of type `T` in the slots from `first` on of `cnode` ([`Address::NULL`]: the root).
    ///
    /// # Errors
    /// Those of `untyped_retype`, with the number of objects that were made.
    pub fn retype<T: Object>(
        self,
        size: Word,
        cnode: Address,
        first: u32,
        count: u32,
    ) -> Result<(), Partial> {
        sys::retype(self.address(), T::TYPE, size, cnode, Slot(first), count)
    }

    /// Makes the whole range free again.
    ///
    /// # Errors
    /// `HasChildren` as long as something derived is left.
    pub fn reset(self) -> Result<()> {
        sys::untyped_reset(self.address()).map(drop)
    }
}
