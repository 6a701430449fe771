//! Random bytes: the cipher ChaCha20 as a generator that forgets its past.

/// "expand 32-byte k", as words.
const CONSTANT: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// Bytes of a block.
const BLOCK: usize = 64;
/// Bytes of a key.
const KEY: usize = 32;

/// A generator. After each request its key is replaced by bytes of its own output, which are never handed out.
#[derive(Clone)]
pub struct Random {
    key: [u32; 8],
}

fn quarter(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (left, right) in [(16, 12), (8, 7)] {
        state[a] = state[a].wrapping_add(state[b]);
        state[d] = (state[d] ^ state[a]).rotate_left(left);
        state[c] = state[c].wrapping_add(state[d]);
        state[b] = (state[b] ^ state[c]).rotate_left(right);
    }
}

/// The block of a key, a counter and a nonce.
fn block(key: &[u32; 8], counter: u32, nonce: [u32; 3]) -> [u8; BLOCK] {
    let mut first = [0; 16];
    first[..4].copy_from_slice(&CONSTANT);
    first[4..12].copy_from_slice(key);
    first[12] = counter;
    first[13..].copy_from_slice(&nonce);
    let mut state = first;
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut state, column, column + 4, column + 8, column + 12);
        }
        for start in 0..4 {
            let at = |row: usize| row * 4 + (start + row) % 4;
            quarter(&mut state, at(0), at(1), at(2), at(3));
        }
    }
    let mut bytes = [0; BLOCK];
    for (index, part) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        *part = state[index].wrapping_add(first[index]).to_le_bytes();
    }
    bytes
}

impl Random {
    /// A generator from a seed; whoever knows the seed knows all its bytes.
    pub fn new(seed: &[u64; 4]) -> Random {
        let mut key = [0; 8];
        for (half, word) in key.chunks_exact_mut(2).zip(seed) {
            half[0] = *word as u32;
            half[1] = (*word >> 32) as u32;
        }
        Random { key }
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        let next = block(&self.key, 0, [0; 3]);
        // The counter starts again with each key; 2^32 blocks are more than any request has.
        for (counter, part) in bytes.chunks_mut(BLOCK).enumerate() {
            part.copy_from_slice(&block(&self.key, counter as u32 + 1, [0; 3])[..part.len()]);
        }
        for (word, part) in self.key.iter_mut().zip(next[..KEY].as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*part);
        }
    }

    /// A second generator, whose bytes tell nothing of this one's.
    pub fn divide(&mut self) -> Random {
        let mut bytes = [0; KEY];
        self.fill(&mut bytes);
        let (words, _) = bytes.as_chunks::<8>();
        Random::new(&core::array::from_fn(|index| {
            u64::from_le_bytes(words[index])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block that RFC 8439 shows in its section 2.3.2.
    #[test]
    fn the_block_is_that_of_the_standard() {
        let key = core::array::from_fn(|index| {
            let first = index as u32 * 4;
            u32::from_le_bytes([first, first + 1, first + 2, first + 3].map(|byte| byte as u8))
        });
        let bytes = block(&key, 1, [0x0900_0000, 0x4a00_0000, 0]);
        assert_eq!(
            bytes[..16],
            [
                0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20,
                0x71, 0xc4
            ]
        );
        assert_eq!(bytes[60..], [0xa2, 0x50, 0x3c, 0x4e]);
    }

    #[test]
    fn requests_never_repeat() {
        let mut random = Random::new(&[1, 2, 3, 4]);
        let (mut first, mut second) = ([0; 200], [0; 200]);
        random.fill(&mut first);
        let mut other = random.divide();
        random.fill(&mut second);
        assert_ne!(first, second);
        other.fill(&mut first);
        assert_ne!(first, second);
        assert_ne!(first[..64], first[64..128]);
    }
}
