//! Numbers of nodes for one who is shown a tree: counted in the order in which he meets them.
//!
//! A tree's own numbers would tell how much there is beside the part that is shown, and so whether it is a part at all.

use alloc::collections::BTreeMap;

/// Nodes that are counted; those that come later have numbers that are drawn.
const COUNTED: usize = 2048;
/// What drawn numbers have and counted ones have not.
const DRAWN: u64 = 1 << 63;

/// The numbers of one tree's nodes.
pub struct Numbers {
    known: BTreeMap<u64, u64>,
    key: u64,
    room: fn() -> bool,
}

impl Numbers {
    /// No numbers yet. `key` is random; `room` says whether there is memory to remember more.
    pub fn new(key: u64, room: fn() -> bool) -> Numbers {
        Numbers {
            known: BTreeMap::new(),
            key,
            room,
        }
    }

    /// The number for the node that the tree itself calls `own`, the same each time.
    pub fn of(&mut self, own: u64) -> u64 {
        if let Some(number) = self.known.get(&own) {
            return *number;
        }
        let next = self.known.len() as u64 + 1;
        if self.known.len() < COUNTED && (self.room)() {
            self.known.insert(own, next);
            return next;
        }
        drawn(own, self.key)
    }
}

/// A number that shows no order: each step can be undone, so two nodes never share more than the highest bit.
fn drawn(own: u64, key: u64) -> u64 {
    let mut mixed = own ^ key;
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb_u64] {
        mixed = (mixed ^ mixed >> 30).wrapping_mul(factor);
        mixed ^= key.rotate_left(31);
    }
    mixed ^ mixed >> 31 | DRAWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_as_they_are_met() {
        let mut numbers = Numbers::new(7, || true);
        assert_eq!([900, 17, 900, 3].map(|own| numbers.of(own)), [1, 2, 1, 3]);
    }

    #[test]
    fn what_is_too_much_to_remember_has_a_number_all_the_same() {
        let mut numbers = Numbers::new(7, || true);
        let first: alloc::vec::Vec<u64> = (0..4000).map(|own| numbers.of(own)).collect();
        let again: alloc::vec::Vec<u64> = (0..4000).map(|own| numbers.of(own)).collect();
        assert_eq!(first, again);
        assert_eq!(numbers.known.len(), COUNTED);
        let mut distinct = first.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), first.len());
        assert!(first[COUNTED..].iter().all(|number| number & DRAWN != 0));
        let mut full = Numbers::new(7, || false);
        assert_eq!(full.of(3000), first[3000]);
    }
}
