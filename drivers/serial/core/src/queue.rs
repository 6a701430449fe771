//! A bounded queue of bytes.

/// Up to `N` bytes, first in, first out.
pub struct Queue<const N: usize> {
    bytes: [u8; N],
    start: usize,
    length: usize,
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Queue<N> {
        Queue {
            bytes: [0; N],
            start: 0,
            length: 0,
        }
    }
}

impl<const N: usize> Queue<N> {
    /// Bytes in the queue.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        N - self.length
    }

    /// Adds a byte; `false` if the queue is full.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.length == N {
            return false;
        }
        self.bytes[(self.start + self.length) % N] = byte;
        self.length += 1;
        true
    }

    /// Takes the oldest byte.
    pub fn pop(&mut self) -> Option<u8> {
        if self.length == 0 {
            return None;
        }
        let byte = self.bytes[self.start];
        self.start = (self.start + 1) % N;
        self.length -= 1;
        Some(byte)
    }

    /// Adds as many bytes as fit; returns how many.
    pub fn extend(&mut self, bytes: &[u8]) -> usize {
        bytes.iter().take_while(|byte| self.push(**byte)).count()
    }

    /// Takes as many bytes as there are and fit into `into`; returns how many.
    pub fn drain(&mut self, into: &mut [u8]) -> usize {
        let mut count = 0;
        while count < into.len() {
            let Some(byte) = self.pop() else { break };
            into[count] = byte;
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order_and_none_is_lost_or_made() {
        let mut queue = Queue::<5>::default();
        let (mut put, mut taken) = (0_u8, 0_u8);
        for round in 0..100_usize {
            let bytes: std::vec::Vec<u8> = (0..round % 4)
                .map(|index| put.wrapping_add(index as u8))
                .collect();
            put = put.wrapping_add(queue.extend(&bytes) as u8);
            let mut out = [0; 2];
            let count = queue.drain(&mut out);
            for byte in &out[..count] {
                assert_eq!(*byte, taken);
                taken = taken.wrapping_add(1);
            }
            assert_eq!(usize::from(put.wrapping_sub(taken)), queue.len());
            assert_eq!(queue.room(), 5 - queue.len());
        }
        assert!(taken > 50);
    }

    #[test]
    fn a_full_queue_takes_nothing() {
        let mut queue = Queue::<2>::default();
        assert_eq!(queue.extend(b"abc"), 2);
        assert!(!queue.push(b'd'));
        assert_eq!(
            (queue.pop(), queue.pop(), queue.pop()),
            (Some(b'a'), Some(b'b'), None)
        );
    }
}
