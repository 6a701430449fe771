//! References to kernel objects: 32-bit names for 64-byte units of memory.

use core::cell::Cell;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU32;

/// Bytes of a unit: objects start at multiples of it, and a [`Ref`] counts in it.
pub const UNIT: u64 = 64;

/// Names a live object of type `T`.
///
/// Copying one is free; reaching the object takes a [`crate::Token`]. Only this crate makes them, when memory is retyped, and
/// invariant 1 (`docs/invariants.md`) says that none outlives its object.
pub struct Ref<T> {
    unit: NonZeroU32,
    of: PhantomData<fn() -> T>,
}

impl<T> Ref<T> {
    pub(crate) const fn from_unit(unit: NonZeroU32) -> Self {
        Ref {
            unit,
            of: PhantomData,
        }
    }

    /// The unit that the object starts at.
    pub const fn unit(self) -> u32 {
        self.unit.get()
    }

    /// The physical address that the object starts at.
    pub const fn address(self) -> u64 {
        self.unit.get() as u64 * UNIT
    }

    /// The object of type `U` that was created `units` behind this one, as part of the same retype (a CNode's slots, a thread's
    /// message page). That it exists is part of invariant 1.
    ///
    /// # Panics
    /// If the name would leave the range of units.
    pub fn part<U>(self, units: u32) -> Ref<U> {
        match self.unit.checked_add(units) {
            Some(unit) => Ref::from_unit(unit),
            None => panic!("a part lies outside of memory"),
        }
    }

    /// The object of type `U` of which this one is a part: the way back from [`Ref::part`].
    ///
    /// # Panics
    /// If the name would leave the range of units.
    pub fn whole<U>(self, units: u32) -> Ref<U> {
        match self.unit.get().checked_sub(units).and_then(NonZeroU32::new) {
            Some(unit) => Ref::from_unit(unit),
            None => panic!("a whole lies outside of memory"),
        }
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.unit == other.unit
    }
}
impl<T> Eq for Ref<T> {}
impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.unit.hash(state);
    }
}
impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.unit)
    }
}

/// A field of an object that names another one, or none. Zero means none, so zeroed memory is valid.
#[repr(transparent)]
pub struct Opt<T> {
    unit: Cell<u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Opt<T> {
    /// What the field names.
    pub fn get(&self) -> Option<Ref<T>> {
        NonZeroU32::new(self.unit.get()).map(Ref::from_unit)
    }

    /// Changes what the field names.
    pub fn set(&self, value: Option<Ref<T>>) {
        self.unit.set(value.map_or(0, Ref::unit));
    }

    /// Whether the field names nothing.
    pub fn is_none(&self) -> bool {
        self.unit.get() == 0
    }

    /// Takes what the field names and leaves nothing.
    pub fn take(&self) -> Option<Ref<T>> {
        let value = self.get();
        self.unit.set(0);
        value
    }
}
