//! The objects that a CPU finds without being told: the system, and its own state.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};

use sundog_arch_x86_64::per_cpu;

use crate::{FIRST_OBJECT_KIND, Object, Ref, Token};

static UNIT: AtomicU32 = AtomicU32::new(0);
static KIND: AtomicU32 = AtomicU32::new(0);

/// Names the system, once, at boot.
pub fn set_root<T: Object>(_token: &Token, root: Ref<T>) {
    KIND.store(T::KIND.into(), Ordering::Relaxed);
    UNIT.store(root.unit(), Ordering::Release);
}

/// The system, if it was named and is a `T`.
pub fn root<T: Object>() -> Option<Ref<T>> {
    let unit = NonZeroU32::new(UNIT.load(Ordering::Acquire))?;
    (KIND.load(Ordering::Relaxed) == u32::from(T::KIND)).then(|| Ref::from_unit(unit))
}

/// Names the object that a CPU finds without being told: its own state. False if there is no such CPU.
pub fn set_own<T: Object>(_token: &Token, cpu: usize, own: Ref<T>) -> bool {
    const { assert!(T::KIND >= FIRST_OBJECT_KIND) };
    per_cpu::set_slot(cpu, usize::from(T::KIND) << 32 | own.unit() as usize)
}

/// This CPU's object, if it was named and is a `T`.
#[inline(always)]
pub fn own<T: Object>(_token: &Token) -> Option<Ref<T>> {
    let word = per_cpu::slot();
    if word >> 32 != usize::from(T::KIND) {
        return None;
    }
    // SAFETY: words with a kind are written by `set_own` only, with the unit of a reference, which is never 0.
    let unit = unsafe { NonZeroU32::new_unchecked(word as u32) };
    Some(Ref::from_unit(unit))
}
