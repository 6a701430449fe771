//! Allocations whose size a program of the sandbox controls: they fail with `ENOMEM`, where the usual ones end the personality.
//!
//! The rule is: what a call allocates at once is either at most a few KiB by its nature, or made here.

use crate::errno::Errno;
use alloc::vec::Vec;

/// An empty list that takes `count` values without allocating again. `ENOMEM`.
pub fn with_capacity<T>(count: usize) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    Ok(list)
}

/// So many zero bytes. `ENOMEM`.
pub fn zeroed(count: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = with_capacity(count)?;
    bytes.resize(count, 0);
    Ok(bytes)
}

/// A copy. `ENOMEM`.
pub fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>, Errno> {
    let mut list = with_capacity(values.len())?;
    list.extend_from_slice(values);
    Ok(list)
}

/// Adds a value. `ENOMEM`, and the list is as it was.
pub fn push<T>(list: &mut Vec<T>, value: T) -> Result<(), Errno> {
    list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    list.push(value);
    Ok(())
}

/// Adds values. `ENOMEM`, and the list is as it was.
pub fn extend<T: Copy>(list: &mut Vec<T>, values: &[T]) -> Result<(), Errno> {
    list.try_reserve(values.len()).map_err(|_| Errno::ENOMEM)?;
    list.extend_from_slice(values);
    Ok(())
}

/// A list of all values. `ENOMEM`.
pub fn collect<T>(values: impl IntoIterator<Item = T>) -> Result<Vec<T>, Errno> {
    let values = values.into_iter();
    let mut list = with_capacity(values.size_hint().0)?;
    for value in values {
        push(&mut list, value)?;
    }
    Ok(list)
}

/// Whether code that cannot fail may allocate so many bytes in one piece or in several: `ENOMEM` if not. Nothing stays allocated.
pub fn ensure(bytes: usize) -> Result<(), Errno> {
    with_capacity::<u8>(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_heap_holds_is_an_error() {
        assert_eq!(with_capacity::<u64>(usize::MAX), Err(Errno::ENOMEM));
        assert_eq!(zeroed(isize::MAX as usize), Err(Errno::ENOMEM));
        assert_eq!(ensure(isize::MAX as usize), Err(Errno::ENOMEM));
        assert_eq!(zeroed(3), Ok(alloc::vec![0, 0, 0]));
        assert_eq!(collect(0..3), Ok(alloc::vec![0, 1, 2]));
    }
}
