//! The token: the proof that the kernel's lock is held, and the only way to objects.

use core::num::NonZeroU32;

use crate::backing::Base;
use crate::{Backing, FIRST_OBJECT_KIND, Object, Ref, UNIT};

/// Proves that the kernel's lock is held. There is one for each held lock; a shared borrow reaches objects, an exclusive one
/// creates and destroys them, so that no reference to an object survives its end.
pub struct Token {
    backing: Backing,
}

impl Token {
    pub(crate) const fn over(backing: Backing) -> Token {
        Token { backing }
    }

    /// The memory and the hardware behind the token.
    pub fn backing(&self) -> &Backing {
        &self.backing
    }

    #[cfg(not(target_os = "none"))]
    pub(crate) fn backing_exclusive(&mut self) -> &mut Backing {
        &mut self.backing
    }

    /// The object that a reference names.
    ///
    /// Sound if invariant 1 holds: the object is alive. On the host this is checked at every access.
    ///
    /// # Panics
    /// On the host, if nothing of this type lives there.
    #[inline(always)]
    pub fn get<T: Object>(&self, reference: Ref<T>) -> &T {
        let pointer = self.backing.locate::<T>(reference.unit().into());
        // SAFETY: invariant 1 (docs/invariants.md): `reference` was made by `create` for this place and `destroy`, which needs the
        // token exclusively, was not called since. `Object` says that zeroed memory is valid and that all changes go through cells.
        unsafe { &*pointer }
    }

    /// The same way to objects for code in which each instruction counts.
    #[inline(always)]
    pub fn reach(&self) -> Reach<'_> {
        Reach {
            token: self,
            base: self.backing.base(),
        }
    }

    /// Makes an object out of zeroed memory.
    ///
    /// The caller vouches that the memory from `unit` on, as long as a `T` is, belongs to an untyped that it takes it from and to
    /// no other live object, and that it was zeroed; the bookkeeping of untyped memory (core) is what ensures it.
    ///
    /// # Panics
    /// If `unit` is 0. On the host, if the memory is not zero or something lives there.
    pub fn create<T: Object>(&mut self, unit: u32) -> Ref<T> {
        const { assert!(T::KIND >= FIRST_OBJECT_KIND && T::KIND < 255) };
        let Some(nonzero) = NonZeroU32::new(unit) else {
            panic!("an object at address 0")
        };
        self.backing
            .created(unit, size_of::<T>() as u64 / UNIT, T::KIND);
        Ref::from_unit(nonzero)
    }

    /// Ends an object. Its memory stays dirty until it is zeroed.
    pub fn destroy<T: Object>(&mut self, reference: Ref<T>) {
        self.backing
            .destroyed(reference.unit(), size_of::<T>() as u64 / UNIT, T::KIND);
    }

    /// Zeroes memory in which nothing lives.
    pub fn zero(&mut self, unit: u32, units: u32) {
        self.backing.zero(unit, units);
    }
}

/// Reaches objects while the lock is held, as [`Token::get`] does. It keeps at hand where they all lie.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    token: &'a Token,
    base: Base,
}

impl<'a> Reach<'a> {
    /// The token.
    #[inline(always)]
    pub fn token(self) -> &'a Token {
        self.token
    }

    /// The object that a reference names: [`Token::get`].
    ///
    /// # Panics
    /// On the host, if nothing of this type lives there.
    #[inline(always)]
    pub fn get<T: Object>(self, reference: Ref<T>) -> &'a T {
        self.part(reference, 0)
    }

    /// The object that lies `units` behind another one as a part of it: `get` of [`Ref::part`] in one step.
    ///
    /// # Panics
    /// On the host, if nothing of this type lives there.
    #[inline(always)]
    pub fn part<T, U: Object>(self, whole: Ref<T>, units: u32) -> &'a U {
        let unit = u64::from(whole.unit()) + u64::from(units);
        let pointer = self.token.backing.locate_from::<U>(self.base, unit);
        // SAFETY: as for `Token::get`; that the parts of a live object are alive is part of invariant 1.
        unsafe { &*pointer }
    }
}
