//! The one object that every CPU finds without being told: the system.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::{Object, Ref, Token};

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
