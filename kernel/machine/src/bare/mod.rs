//! The bare machine: physical memory behind the direct map.

mod fpu;
pub mod hardware;
mod lock;
mod mailbox;
mod root;

pub use lock::{lock, try_lock, unlock};
pub use root::{own, root, set_own, set_root};

use core::arch::asm;

use crate::{Object, Token, UNIT};

/// Where physical address 0 lies in the kernel's half (`docs/design/memory.md`).
const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;

impl Token {
    /// The token of physical memory.
    ///
    /// # Safety
    /// The caller must hold the kernel's lock, and no other token may exist while this one does.
    pub const unsafe fn locked() -> Token {
        Token::over(Backing(()))
    }
}

/// Where physical address 0 lies, in a register: the compiler, which does not know it, adds it within the address of each access.
#[derive(Clone, Copy)]
pub(crate) struct Base(u64);

/// Physical memory. Nothing is kept about it: on the bare machine invariant 1 is relied upon, not checked.
pub struct Backing(());

impl Backing {
    #[inline(always)]
    pub(crate) fn locate<T: Object>(&self, unit: u64) -> *const T {
        core::ptr::with_exposed_provenance((DIRECT_MAP + unit * UNIT) as usize)
    }

    #[inline(always)]
    pub(crate) fn base(&self) -> Base {
        let mut base = DIRECT_MAP;
        // SAFETY: no instruction.
        unsafe {
            asm!("/* {0} */", inout(reg) base, options(pure, nomem, nostack, preserves_flags))
        };
        Base(base)
    }

    #[inline(always)]
    pub(crate) fn locate_from<T: Object>(&self, base: Base, unit: u64) -> *const T {
        core::ptr::with_exposed_provenance(base.0.wrapping_add(unit * UNIT) as usize)
    }

    pub(crate) fn created(&mut self, _unit: u32, _length: u64, _kind: u8) {}

    pub(crate) fn destroyed(&mut self, _unit: u32, _length: u64, _kind: u8) {}

    pub(crate) fn zero(&mut self, unit: u32, units: u32) {
        let start: *mut u64 =
            core::ptr::with_exposed_provenance_mut((DIRECT_MAP + u64::from(unit) * UNIT) as usize);
        let words = units as usize * (UNIT as usize / 8);
        // SAFETY: the memory belongs to an untyped and nothing lives in it (the callers' duty, checked on the host); the direct map
        // covers all memory that untyped capabilities are made of; eight-byte stores because `rep stosq` is one instruction a word.
        unsafe { sundog_arch_x86_64::memory::zero_words(start, words) };
    }
}
