//! Copies between the kernel and the memory of the thread that is current, which may fail at any byte.

use crate::entry_format::is_user_range;

unsafe extern "C" {
    fn copy_user(destination: u64, source: u64, bytes: u64) -> u64;
}

/// User memory could not be accessed: the address is not a user's, or nothing fitting is mapped there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFault;

/// Copies from user memory at `source` under the page tables in use.
///
/// # Errors
/// [`UserFault`] if not every byte can be read; how much of `destination` was then written is not said.
#[inline]
pub fn copy_from_user(destination: &mut [u8], source: u64) -> Result<(), UserFault> {
    let length = destination.len() as u64;
    if !is_user_range(source, length) {
        return Err(UserFault);
    }
    // SAFETY: the destination is exclusively borrowed; faults in the source's range end the copy.
    match unsafe { copy_user(destination.as_mut_ptr() as u64, source, length) } {
        0 => Ok(()),
        _ => Err(UserFault),
    }
}

/// Copies to user memory at `destination` under the page tables in use.
///
/// # Errors
/// [`UserFault`] if not every byte can be written; how much was written is then not said.
#[inline]
pub fn copy_to_user(destination: u64, source: &[u8]) -> Result<(), UserFault> {
    let length = source.len() as u64;
    if !is_user_range(destination, length) {
        return Err(UserFault);
    }
    // SAFETY: the range is user space, where no memory that Rust knows of is mapped; faults there end the copy.
    match unsafe { copy_user(destination, source.as_ptr() as u64, length) } {
        0 => Ok(()),
        _ => Err(UserFault),
    }
}
