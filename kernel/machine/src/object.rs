//! What a kernel object is, and the cell in a slot that names one of any type.

use core::cell::Cell;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::{Link, Opt, Ref};

/// Kinds below are of capabilities without an object in memory; no [`Object`] has one.
pub const FIRST_OBJECT_KIND: u8 = 32;

/// A type whose values live in object memory.
///
/// # Safety
/// All-zero bytes must be a valid value; every field must be a `Cell`, an atomic or padding (shared references are handed out while
/// the object changes); the size must be a multiple of 8 and the alignment at most 64; dropping must do nothing.
pub unsafe trait Object: Sized {
    /// A number that differs between types, from [`FIRST_OBJECT_KIND`] to 254.
    const KIND: u8;
}

/// A type that may be a field of an object.
///
/// # Safety
/// All-zero bytes must be a valid value, a shared reference must allow changes (cells, atomics), dropping must do nothing.
pub unsafe trait Field {}

macro_rules! fields {
    ($($type:ty),*) => {
        $(
            // SAFETY: a cell or atomic of integers (possibly named otherwise): zero is valid, changes go through it, no drop.
            unsafe impl Field for $type {}
        )*
    };
}
fields!(
    Cell<u8>,
    Cell<u16>,
    Cell<u32>,
    Cell<u64>,
    Cell<bool>,
    AtomicU32,
    AtomicU64,
    ObjectCell
);
// SAFETY: a structure of cells of integers.
unsafe impl Field for crate::Registers {}
// SAFETY: a transparent cell of an integer.
unsafe impl<T> Field for Opt<T> {}
// SAFETY: a transparent cell of an integer.
unsafe impl<T> Field for Link<T> {}
// SAFETY: each element is a field.
unsafe impl<F: Field, const N: usize> Field for [F; N] {}

/// Declares a struct that is an [`Object`]: the fields' types are checked, so that the declaration needs no unsafe code of its own.
#[macro_export]
macro_rules! object {
    ($(#[$meta:meta])* pub struct $name:ident = $kind:literal {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[repr(C, align(64))]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        const _: () = {
            const fn is_field<F: $crate::Field>() {}
            $(is_field::<$type>();)*
            assert!(align_of::<$name>() == 64);
        };

        // SAFETY: every field is a `Field`, as was just checked, so zeroed memory is valid, changes go through cells and nothing is
        // dropped; the alignment is 64, so the size is a multiple of it.
        unsafe impl $crate::Object for $name {
            const KIND: u8 = $kind;
        }
    };
}

/// The field of a slot that names the object of its capability: a kind and a unit, so that a typed [`Ref`] comes out only if the
/// kind is the right one.
#[repr(C)]
pub struct ObjectCell {
    unit: Cell<u32>,
    kind: Cell<u8>,
}

impl ObjectCell {
    /// The kind of the object, or of what the number stands for; 0 if the cell is empty.
    pub fn kind(&self) -> u8 {
        self.kind.get()
    }

    /// The object, if it is a `T`.
    pub fn get<T: Object>(&self) -> Option<Ref<T>> {
        if self.kind.get() != T::KIND {
            return None;
        }
        NonZeroU32::new(self.unit.get()).map(Ref::from_unit)
    }

    /// Names an object.
    pub fn set<T: Object>(&self, object: Ref<T>) {
        self.unit.set(object.unit());
        self.kind.set(T::KIND);
    }

    /// Names what the other cell names.
    pub fn copy_from(&self, other: &ObjectCell) {
        self.unit.set(other.unit.get());
        self.kind.set(other.kind.get());
    }

    /// Names nothing.
    pub fn clear(&self) {
        self.unit.set(0);
        self.kind.set(0);
    }

    /// Holds a plain number for capabilities without an object (the first unit of memory, a line, a port).
    ///
    /// # Panics
    /// If `kind` is at or above [`FIRST_OBJECT_KIND`]: such a number could become a reference.
    pub fn set_number(&self, kind: u8, number: u32) {
        assert!(
            kind < FIRST_OBJECT_KIND,
            "a number in the place of a reference"
        );
        self.unit.set(number);
        self.kind.set(kind);
    }

    /// The number, or the unit of the object.
    pub fn number(&self) -> u32 {
        self.unit.get()
    }
}
