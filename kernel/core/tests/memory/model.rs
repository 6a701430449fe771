//! The model of an address space: which address is mapped how, and through which capability.

use std::collections::{BTreeMap, BTreeSet};

use sundog_machine::format::{PAGE_SIZE, span};

use crate::caps::Name;

/// A page as it is mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The page's number in memory.
    pub page: u64,
    /// How it is mapped.
    pub protection: u8,
    /// What its capability allows.
    pub allowed: u8,
    pub device: bool,
    /// The capability through which it was mapped.
    pub owner: Name,
}

#[derive(Clone, Default, Debug)]
pub struct Space {
    pub guests: bool,
    pub pages: BTreeMap<u64, Mapping>,
}

impl Space {
    /// The largest table entry around an address under which nothing is mapped; none if there is a leaf table.
    pub fn hole(&self, address: u64) -> Option<u32> {
        (2..=4).rev().find(|level| {
            let start = address / span(*level) * span(*level);
            self.pages
                .range(start..start + span(*level))
                .next()
                .is_none()
        })
    }

    /// Pages of the tables that these addresses and the mapped ones need.
    pub fn table_pages(&self, more: &[u64]) -> u32 {
        let mut tables = BTreeSet::new();
        for address in self.pages.keys().chain(more) {
            for level in 1..=3 {
                tables.insert((level, address / span(level + 1)));
            }
        }
        tables
            .iter()
            .map(|(level, _)| if *level == 1 { 3 } else { 1 })
            .sum()
    }

    /// The mapped pages that a bounded walk through a range meets, and where it ends.
    pub fn walk(&self, address: u64, pages: u64) -> (Vec<u64>, u64) {
        let (mut at, end) = (address, address + pages * PAGE_SIZE);
        let mut met = Vec::new();
        for _ in 0..64 {
            if at >= end {
                break;
            }
            match self.hole(at) {
                Some(level) => at = ((at / span(level) + 1) * span(level)).min(end),
                None => {
                    if self.pages.contains_key(&at) {
                        met.push(at);
                    }
                    at += PAGE_SIZE;
                }
            }
        }
        (met, at)
    }
}
