//! A set of small numbers, of which free ones are handed out.

use alloc::vec;
use alloc::vec::Vec;

/// Which of `count` numbers are taken.
pub(crate) struct Bitmap {
    words: Vec<u64>,
    count: u32,
}

impl Bitmap {
    /// Numbers 0 to `count` - 1, all free.
    pub(crate) fn new(count: u32) -> Bitmap {
        Bitmap {
            words: vec![0; count.div_ceil(64) as usize],
            count,
        }
    }

    fn is_taken(&self, number: u32) -> bool {
        self.words[number as usize / 64] >> (number % 64) & 1 != 0
    }

    /// Takes the first `run` free numbers in a row.
    pub(crate) fn take(&mut self, run: u32) -> Option<u32> {
        let mut first = 0;
        let mut number = 0;
        while run != 0 && number < self.count {
            if number % 64 == 0 && self.words[number as usize / 64] == u64::MAX {
                number += 64;
                first = number;
                continue;
            }
            if self.is_taken(number) {
                first = number + 1;
            } else if number - first + 1 == run {
                for taken in first..=number {
                    self.words[taken as usize / 64] |= 1 << (taken % 64);
                }
                return Some(first);
            }
            number += 1;
        }
        None
    }

    /// Gives a number back. `false` if it was not taken.
    pub(crate) fn give(&mut self, number: u32) -> bool {
        if number >= self.count || !self.is_taken(number) {
            return false;
        }
        self.words[number as usize / 64] &= !(1 << (number % 64));
        true
    }

    /// How many numbers are free.
    pub(crate) fn free(&self) -> u32 {
        self.count - self.words.iter().map(|word| word.count_ones()).sum::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn runs_are_found_between_taken_numbers() {
        let mut map = Bitmap::new(130);
        assert_eq!(map.take(64), Some(0));
        assert_eq!(map.take(1), Some(64));
        assert_eq!(map.take(65), Some(65));
        assert_eq!(map.take(1), None);
        assert!(map.give(70) && map.give(71) && map.give(73));
        assert_eq!(map.take(3), None);
        assert_eq!(map.take(2), Some(70));
        assert_eq!(map.take(1), Some(73));
        assert_eq!(map.free(), 0);
        assert_eq!(map.take(0), None);
    }

    #[test]
    fn giving_twice_or_outside_is_noticed() {
        let mut map = Bitmap::new(3);
        assert!(!map.give(0) && !map.give(3) && !map.give(u32::MAX));
        map.take(1);
        assert!(map.give(0));
        assert!(!map.give(0));
    }

    #[test]
    fn no_number_is_handed_out_twice() {
        let mut map = Bitmap::new(200);
        let mut taken = BTreeSet::new();
        let mut state = 5_u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let run = (state >> 60) as u32 % 5 + 1;
            if state >> 32 & 1 == 0 {
                if let Some(first) = map.take(run) {
                    for number in first..first + run {
                        assert!(number < 200 && taken.insert(number));
                    }
                }
            } else {
                let number = (state >> 40) as u32 % 200;
                assert_eq!(map.give(number), taken.remove(&number));
            }
            assert_eq!(map.free() as usize, 200 - taken.len());
        }
    }
}
