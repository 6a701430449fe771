//! The typed capability.

use crate::object::Object;
use core::fmt;
use core::marker::PhantomData;
use sundog_abi::Address;

/// A capability to an object of type `T`, by its address in the caller's capability space.
pub struct Cap<T> {
    address: Address,
    object: PhantomData<fn() -> T>,
}

impl<T> Cap<T> {
    /// The capability at an address. The kernel checks the type at every use.
    pub const fn at(address: Address) -> Cap<T> {
        Cap {
            address,
            object: PhantomData,
        }
    }

    /// The capability in a slot of the own root CNode.
    pub const fn root(slot: u32) -> Cap<T> {
        Cap::at(Address::root(slot))
    }

    /// Where it is.
    pub const fn address(self) -> Address {
        self.address
    }

    /// The slot, of the CNode that it lies in.
    pub const fn slot(self) -> u32 {
        self.address.index()
    }
}

impl<T> Clone for Cap<T> {
    fn clone(&self) -> Cap<T> {
        *self
    }
}

impl<T> Copy for Cap<T> {}

impl<T> PartialEq for Cap<T> {
    fn eq(&self, other: &Cap<T>) -> bool {
        self.address == other.address
    }
}

impl<T> Eq for Cap<T> {}

impl<T: Object> fmt::Debug for Cap<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}@{:#x}", T::TYPE, self.address.0)
    }
}
