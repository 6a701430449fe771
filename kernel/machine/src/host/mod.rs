//! The machine as a library on the host: an arena for memory, a record of what the hardware was told.
//!
//! Tests, Miri and the model checker run the shipped core on it. Every access is checked against a table of which object starts
//! at which unit, so a reference that outlived its object is found at its first use.

pub mod hardware;

use core::cell::UnsafeCell;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use crate::{Object, Token, UNIT};
use hardware::Hardware;

const INSIDE: u8 = 255;

#[repr(C, align(64))]
struct Unit(UnsafeCell<[u64; 8]>);

impl Token {
    /// The token of a memory of its own.
    pub fn host(backing: Backing) -> Token {
        Token::over(backing)
    }

    /// The memory, for tests that look at all of it.
    pub fn backing_mut(&mut self) -> &mut Backing {
        self.backing_exclusive()
    }
}

impl Clone for Token {
    /// A second world in the same state.
    fn clone(&self) -> Token {
        Token::over(self.backing().clone())
    }
}

/// The arena knows where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Base(());

/// An arena of units, what lives where, and the pretended hardware.
pub struct Backing {
    units: Box<[Unit]>,
    kinds: Vec<u8>,
    /// What the hardware was told.
    pub hardware: Hardware,
}

impl Backing {
    /// An arena of `units` units, filled with dirt, as memory is after a reset. Unit 0 is never used.
    pub fn new(units: u32, cpus: usize) -> Backing {
        let dirty = || Unit(UnsafeCell::new([0xd1d1_d1d1_d1d1_d1d1; 8]));
        Backing {
            units: (0..units).map(|_| dirty()).collect(),
            kinds: vec![0; units as usize],
            hardware: Hardware::new(cpus),
        }
    }

    pub(crate) fn locate<T: Object>(&self, unit: u64) -> *const T {
        let kind = self.kinds.get(unit as usize).copied().unwrap_or(0);
        assert!(
            kind == T::KIND,
            "stale reference: unit {unit} holds kind {kind}, wanted {}",
            T::KIND
        );
        // The pointer is taken from the whole arena, so that it may reach all units of the object.
        self.units.as_ptr().wrapping_add(unit as usize).cast()
    }

    pub(crate) fn base(&self) -> Base {
        Base(())
    }

    pub(crate) fn locate_from<T: Object>(&self, base: Base, unit: u64) -> *const T {
        let Base(()) = base;
        self.locate(unit)
    }

    pub(crate) fn created(&mut self, unit: u32, length: u64, kind: u8) {
        let range = unit as usize..unit as usize + (length as usize).max(1);
        for place in range.clone() {
            assert!(self.kinds[place] == 0, "unit {place} is alive already");
            assert!(
                self.units[place].0.get_mut().iter().all(|word| *word == 0),
                "unit {place} is not zero"
            );
        }
        self.kinds[range.clone()].fill(INSIDE);
        self.kinds[range.start] = kind;
    }

    pub(crate) fn destroyed(&mut self, unit: u32, length: u64, kind: u8) {
        assert!(
            self.kinds[unit as usize] == kind,
            "destroying what is not there"
        );
        let range = unit as usize..unit as usize + (length as usize).max(1);
        self.kinds[range.clone()].fill(0);
        for place in range {
            *self.units[place].0.get_mut() = [0xdead_dead_dead_dead; 8];
        }
    }

    pub(crate) fn zero(&mut self, unit: u32, units: u32) {
        self.hardware.assert_forgotten(unit, units);
        for place in unit as usize..(unit + units) as usize {
            assert!(
                self.kinds[place] == 0,
                "zeroing unit {place}, which is alive"
            );
            *self.units[place].0.get_mut() = [0; 8];
        }
    }

    /// Whether an object of any kind covers the unit.
    pub fn is_alive(&self, unit: u32) -> bool {
        self.kinds[unit as usize] != 0
    }

    /// Units of the arena.
    pub fn units(&self) -> u32 {
        self.units.len() as u32
    }

    /// The whole state as words, to compare and hash worlds.
    pub fn words(&mut self) -> impl Iterator<Item = u64> + '_ {
        self.units.iter_mut().flat_map(|unit| *unit.0.get_mut())
    }
}

impl Clone for Backing {
    fn clone(&self) -> Backing {
        let units = self
            .units
            .iter()
            .map(|unit| {
                // SAFETY: a `Backing` is not `Sync` (it holds cells), and `&self` is the only borrow in use by this thread's
                // call, which makes no write while the words are read.
                Unit(UnsafeCell::new(unsafe { *unit.0.get() }))
            })
            .collect();
        Backing {
            units,
            kinds: self.kinds.clone(),
            hardware: self.hardware.clone(),
        }
    }
}

const _: () = assert!(size_of::<Unit>() as u64 == UNIT);
