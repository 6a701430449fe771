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
/// kind is the right one. The kind shares a word with the capability's flags and rights, so that one comparison checks all three.
#[repr(C)]
pub struct ObjectCell {
    unit: Cell<u32>,
    /// Kind in bits 0-7, flags in 8-15, rights in 16-31.
    word: Cell<u32>,
}

const FLAGS: u32 = 8;
const RIGHTS: u32 = 16;

impl ObjectCell {
    /// The kind of the object, or of what the number stands for; 0 if the cell is empty.
    #[inline(always)]
    pub fn kind(&self) -> u8 {
        self.word.get() as u8
    }

    #[inline(always)]
    fn set_kind(&self, kind: u8) {
        self.word.set(self.word.get() & !0xff | u32::from(kind));
    }

    /// Flags of the capability, for the use of whoever owns the slot.
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        (self.word.get() >> FLAGS) as u8
    }

    /// Changes the flags.
    #[inline(always)]
    pub fn set_flags(&self, flags: u8) {
        self.word
            .set(self.word.get() & !(0xff << FLAGS) | u32::from(flags) << FLAGS);
    }

    /// Rights of the capability.
    #[inline(always)]
    pub fn rights(&self) -> u16 {
        (self.word.get() >> RIGHTS) as u16
    }

    /// Changes the rights.
    #[inline(always)]
    pub fn set_rights(&self, rights: u16) {
        self.word
            .set(self.word.get() & 0xffff | u32::from(rights) << RIGHTS);
    }

    /// The object, if it is a `T`.
    #[inline(always)]
    pub fn get<T: Object>(&self) -> Option<Ref<T>> {
        self.get_with(0, 0)
    }

    /// The object, if it is a `T`, all of `rights` are there, and none of the flags `forbidden` is.
    #[inline(always)]
    pub fn get_with<T: Object>(&self, rights: u16, forbidden: u8) -> Option<Ref<T>> {
        const { assert!(T::KIND >= FIRST_OBJECT_KIND) };
        let rights = u32::from(rights) << RIGHTS;
        let mask = 0xff | u32::from(forbidden) << FLAGS | rights;
        if self.word.get() & mask != u32::from(T::KIND) | rights {
            return None;
        }
        // SAFETY: a kind from FIRST_OBJECT_KIND on is written by `set` only, with the unit of a reference, which is never 0;
        // `copy_from` copies the two together, `clear` and `set_number` write kinds below. Zeroed memory has kind 0.
        let unit = unsafe { NonZeroU32::new_unchecked(self.unit.get()) };
        Some(Ref::from_unit(unit))
    }

    /// Names an object.
    pub fn set<T: Object>(&self, object: Ref<T>) {
        const { assert!(T::KIND >= FIRST_OBJECT_KIND) };
        self.unit.set(object.unit());
        self.set_kind(T::KIND);
    }

    /// Names what the other cell names. Flags and rights stay.
    pub fn copy_from(&self, other: &ObjectCell) {
        self.unit.set(other.unit.get());
        self.set_kind(other.kind());
    }

    /// Names nothing. Flags and rights stay.
    pub fn clear(&self) {
        self.unit.set(0);
        self.set_kind(0);
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
        self.set_kind(kind);
    }

    /// The number, or the unit of the object.
    pub fn number(&self) -> u32 {
        self.unit.get()
    }
}
