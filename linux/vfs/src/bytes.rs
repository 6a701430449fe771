//! Queues of bytes on their way: moved in runs, and never larger than there is memory for.

use crate::errno::Errno;
use alloc::collections::VecDeque;

/// Bytes that a queue always has room for, so that whoever waits for it to be emptied goes on at last.
const LEAST: usize = 4096;

/// An empty queue. `ENOMEM`.
pub fn queue() -> Result<VecDeque<u8>, Errno> {
    let mut queue = VecDeque::new();
    queue.try_reserve_exact(LEAST).map_err(|_| Errno::ENOMEM)?;
    Ok(queue)
}

/// How many of `wanted` bytes more the queue takes: all, or what fits without memory that `may_grow` does not allow.
pub fn room(queue: &mut VecDeque<u8>, wanted: usize, may_grow: fn() -> bool) -> usize {
    let free = queue.capacity() - queue.len();
    if wanted <= free || may_grow() && queue.try_reserve(wanted).is_ok() {
        wanted
    } else {
        free
    }
}

/// Takes as many bytes as there are and fit; how many that was. An empty queue gives its memory back.
pub fn take(from: &mut VecDeque<u8>, into: &mut [u8]) -> usize {
    let count = into.len().min(from.len());
    let (first, second) = from.as_slices();
    let split = first.len().min(count);
    into[..split].copy_from_slice(&first[..split]);
    into[split..count].copy_from_slice(&second[..count - split]);
    from.drain(..count);
    if from.is_empty() && from.capacity() > 2 * LEAST {
        from.shrink_to(LEAST);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_without_memory_takes_what_it_has_room_for() {
        let mut queue = queue().unwrap();
        let free = queue.capacity();
        assert_eq!(room(&mut queue, 65_536, || false), free);
        queue.extend(core::iter::repeat_n(7, free));
        assert_eq!(room(&mut queue, 1, || false), 0);
        assert_eq!(room(&mut queue, 65_536, || true), 65_536);
        queue.extend(core::iter::repeat_n(7, 65_536));
        let mut bytes = alloc::vec![0; 100_000];
        assert_eq!(take(&mut queue, &mut bytes), free + 65_536);
        assert!(queue.capacity() < 65_536, "{}", queue.capacity());
        assert_eq!(room(&mut queue, LEAST, || false), LEAST);
    }
}
