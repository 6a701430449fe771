//! Calls on ranges: the kernel does a bounded step and says how far it came; these loop until the range is done.

use crate::invoke;
use sundog_abi::{Address, Error, ObjectType, Protection, Slot, Word};

/// The most pages that the word of `vspace_share` can hold.
const MOST_SHARED: Word = (1 << 24) - 1;

/// A range operation that stopped: what it did before, and why it went no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partial {
    /// Pages (or objects) that are done.
    pub done: Word,
    /// What stopped it.
    pub error: Error,
}

impl From<Partial> for Error {
    fn from(partial: Partial) -> Error {
        partial.error
    }
}

/// Repeats `step(done, rest)` until `total` are done; the kernel bounds each step itself. A step that succeeds without progress counts as `InvalidArgument`, so
/// that a kernel at fault cannot hang its callers.
fn repeat(
    total: Word,
    mut step: impl FnMut(Word, Word) -> Result<Word, Error>,
) -> Result<(), Partial> {
    let mut done = 0;
    while done < total {
        match step(done, total - done) {
            Ok(0) => {
                return Err(Partial {
                    done,
                    error: Error::InvalidArgument,
                });
            }
            Ok(count) => done = done.saturating_add(count),
            Err(error) => return Err(Partial { done, error }),
        }
    }
    Ok(())
}

/// Checks that a range of pages neither wraps nor leaves the bits that the call has for it.
fn checked(address: Word, pages: Word) -> Result<(), Partial> {
    let bytes = pages.checked_mul(sundog_abi::memory::PAGE_SIZE);
    match bytes.and_then(|bytes| address.checked_add(bytes)) {
        Some(end) if end <= sundog_abi::memory::USER_END => Ok(()),
        _ => Err(Partial {
            done: 0,
            error: Error::OutOfRange,
        }),
    }
}

/// Maps `pages` pages of `frame`, beginning with its page `first`, from `address` on.
///
/// # Errors
/// Those of the table, with the number of pages that are mapped.
pub fn map(
    vspace: Address,
    frame: Address,
    address: Word,
    first: u32,
    pages: u32,
    protection: Protection,
) -> Result<(), Partial> {
    checked(address, pages.into())?;
    repeat(pages.into(), |done, count| {
        let range = (Word::from(first) + done) | count << 32;
        invoke::vspace_map(vspace, frame, address + done * 4096, range, protection)
            .map(|answer| answer.value)
    })
}

/// Removes the mappings of `pages` pages from `address` on.
///
/// # Errors
/// Those of the table, with the number of pages that were passed.
pub fn unmap(vspace: Address, address: Word, pages: Word) -> Result<(), Partial> {
    checked(address, pages)?;
    repeat(pages, |done, count| {
        invoke::vspace_unmap(vspace, address + done * 4096, count).map(|answer| answer.value)
    })
}

/// Changes the protection of `pages` pages from `address` on.
///
/// # Errors
/// Those of the table, with the number of pages that were passed.
pub fn protect(
    vspace: Address,
    address: Word,
    pages: Word,
    protection: Protection,
) -> Result<(), Partial> {
    checked(address, pages)?;
    repeat(pages, |done, count| {
        invoke::vspace_protect(vspace, address + done * 4096, count, protection)
            .map(|answer| answer.value)
    })
}

/// Maps what `source` has at `address` at the same place in `vspace`, with at most `mask`; `drop_write` takes the right to write
/// from the source's pages too.
///
/// # Errors
/// Those of the table, with the number of pages that were passed.
pub fn share(
    vspace: Address,
    source: Address,
    address: Word,
    pages: Word,
    mask: Protection,
    drop_write: bool,
) -> Result<(), Partial> {
    checked(address, pages)?;
    let mask = Word::from(mask.0) | Word::from(drop_write) << 3;
    repeat(pages, |done, count| {
        let range = (address / 4096 + done) | count.min(MOST_SHARED) << 40;
        invoke::vspace_share(vspace, source, range, mask).map(|answer| answer.value)
    })
}

/// Makes `count` objects in the slots from `first` on of the CNode at `cnode` ([`Address::NULL`]: the root).
///
/// # Errors
/// Those of the table, with the number of objects that were made.
pub fn retype(
    untyped: Address,
    kind: ObjectType,
    size: Word,
    cnode: Address,
    first: Slot,
    count: u32,
) -> Result<(), Partial> {
    if first.0.checked_add(count).is_none() {
        return Err(Partial {
            done: 0,
            error: Error::OutOfRange,
        });
    }
    repeat(count.into(), |done, step| {
        let slot = Slot(first.0 + done as u32);
        invoke::untyped_retype(untyped, kind, size, cnode, slot, step).map(|answer| answer.value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_done_in_steps_and_adds_up() {
        let mut seen = 0;
        let result = repeat(150, |done, count| {
            assert_eq!(done, seen);
            assert_eq!(count, 150 - done);
            let step = count.min(50);
            seen += step;
            Ok(step)
        });
        assert_eq!((result, seen), (Ok(()), 150));
    }

    #[test]
    fn an_error_says_how_far_it_came() {
        let result = repeat(100, |done, count| {
            if done == 64 {
                Err(Error::NeedTables)
            } else {
                Ok(count.min(64))
            }
        });
        assert_eq!(
            result,
            Err(Partial {
                done: 64,
                error: Error::NeedTables
            })
        );
    }

    #[test]
    fn no_progress_is_an_error_and_not_a_loop() {
        assert_eq!(
            repeat(1, |_, _| Ok(0)),
            Err(Partial {
                done: 0,
                error: Error::InvalidArgument
            })
        );
    }

    #[test]
    fn ranges_that_wrap_are_refused_before_the_kernel_sees_them() {
        assert_eq!(
            unmap(Address::root(2), 0x1000, Word::MAX).map_err(Error::from),
            Err(Error::OutOfRange)
        );
        assert_eq!(
            unmap(Address::root(2), sundog_abi::memory::USER_END, 1).map_err(Error::from),
            Err(Error::OutOfRange)
        );
    }
}
