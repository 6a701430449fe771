//! Addresses at which a program maps memory for itself.

use alloc::vec::Vec;
use sundog_abi::memory::PAGE_SIZE;

/// Where the window begins: above everything that has a fixed place.
const START: u64 = 0x1_0000_0000;
/// Where it ends: 256 GiB further.
const END: u64 = 0x41_0000_0000;

/// Hands out ranges of addresses: first fit in what came back, else from the end.
pub(crate) struct Window {
    next: u64,
    /// Ranges that came back (address, pages), sorted, never touching each other.
    holes: Vec<(u64, u64)>,
}

impl Window {
    /// Nothing is handed out.
    pub(crate) const fn new() -> Window {
        Window {
            next: START,
            holes: Vec::new(),
        }
    }

    /// Takes `pages` pages of addresses.
    pub(crate) fn take(&mut self, pages: u64) -> Option<u64> {
        if pages == 0 {
            return None;
        }
        if let Some(index) = self.holes.iter().position(|hole| hole.1 >= pages) {
            let (address, room) = self.holes[index];
            if room == pages {
                self.holes.remove(index);
            } else {
                self.holes[index] = (address + pages * PAGE_SIZE, room - pages);
            }
            return Some(address);
        }
        self.take_new(pages)
    }

    /// Takes addresses that were never handed out: two such ranges in a row lie next to each other.
    pub(crate) fn take_new(&mut self, pages: u64) -> Option<u64> {
        let end = pages
            .checked_mul(PAGE_SIZE)
            .and_then(|bytes| self.next.checked_add(bytes))?;
        if end > END {
            return None;
        }
        Some(core::mem::replace(&mut self.next, end))
    }

    /// Gives a range back that was taken and not given back since.
    pub(crate) fn give(&mut self, address: u64, pages: u64) {
        let end = |hole: (u64, u64)| hole.0 + hole.1 * PAGE_SIZE;
        let mut index = self.holes.partition_point(|hole| hole.0 < address);
        self.holes.insert(index, (address, pages));
        if index > 0 && end(self.holes[index - 1]) == address {
            index -= 1;
            self.holes[index].1 += pages;
            self.holes.remove(index + 1);
        }
        if self
            .holes
            .get(index + 1)
            .is_some_and(|hole| hole.0 == end(self.holes[index]))
        {
            self.holes[index].1 += self.holes[index + 1].1;
            self.holes.remove(index + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn what_comes_back_is_joined_and_used_again() {
        let mut window = Window::new();
        let ranges: Vec<u64> = (0..4).map(|_| window.take(2).expect("room")).collect();
        assert_eq!(ranges, [0, 1, 2, 3].map(|index| START + index * 8192));
        for index in [0, 2, 1] {
            window.give(ranges[index], 2);
        }
        assert_eq!(window.holes, vec![(START, 6)]);
        assert_eq!(window.take(5), Some(START));
        assert_eq!(window.take(2), Some(START + 4 * 8192));
        assert_eq!(window.take(1), Some(START + 5 * 4096));
        assert!(window.holes.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut window = Window::new();
        assert_eq!(
            (window.take(0), window.take(u64::MAX), window.take(1 << 40)),
            (None, None, None)
        );
        assert_eq!(window.take(1), Some(START));
    }

    #[test]
    fn ranges_never_overlap() {
        let mut window = Window::new();
        let mut held: Vec<(u64, u64)> = Vec::new();
        let mut state = 11_u64;
        for _ in 0..5_000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            if state >> 63 == 0 && !held.is_empty() {
                let (address, pages) = held.swap_remove((state >> 20) as usize % held.len());
                window.give(address, pages);
            } else {
                let pages = (state >> 40) % 7 + 1;
                let address = window.take(pages).expect("room");
                assert!(
                    held.iter()
                        .all(|(other, length)| address + pages * 4096 <= *other
                            || other + length * 4096 <= address)
                );
                held.push((address, pages));
            }
        }
    }
}
