//! Moving bytes out of queues in runs instead of one by one.

use alloc::collections::VecDeque;

/// Takes as many bytes as there are and fit; how many that was.
pub fn take(from: &mut VecDeque<u8>, into: &mut [u8]) -> usize {
    let count = into.len().min(from.len());
    let (first, second) = from.as_slices();
    let split = first.len().min(count);
    into[..split].copy_from_slice(&first[..split]);
    into[split..count].copy_from_slice(&second[..count - split]);
    from.drain(..count);
    count
}
