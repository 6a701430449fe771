//! Walking an address space's tables: from an address to its entry, over holes, making tables on the way.

use sundog_machine::format::{ENTRIES, Entry, LEVELS, PAGE_SIZE, index, span};
use sundog_machine::{Ref, TablePage};

use crate::kernel::Kernel;
use crate::vspace::VSpace;

/// Entries of a table that is taken apart that are removed between two preemption points.
const EMPTY_STEP: u32 = 64;
/// Steps that a table costs which becomes empty.
const TABLE_STEPS: u64 = 16;

/// A range of addresses and how far a bounded walk came in it.
pub(crate) struct Range {
    /// The next address to look at.
    pub at: u64,
    /// The end.
    pub end: u64,
    /// Steps that are left: pages to look at, and holes to pass over.
    pub steps: u64,
}

/// The pages that tables need which are missing in a walk through rising addresses.
#[derive(Default)]
pub(crate) struct Need {
    /// Pages.
    pub pages: u32,
    /// For each level the last table counted: its addresses' common part, plus one.
    counted: [u64; LEVELS as usize],
}

impl Kernel {
    /// The leaf table of an address, or the level of the entry that leads to none.
    pub(crate) fn leaf_table(
        &self,
        vspace: Ref<VSpace>,
        address: u64,
    ) -> Result<Ref<TablePage>, u32> {
        let mut table = self.vspace_root(vspace);
        for level in (2..=LEVELS).rev() {
            table = self.get(table).next(index(address, level)).ok_or(level)?;
        }
        Ok(table)
    }

    /// The entry of an address; an empty one if there is no table.
    pub(crate) fn leaf_entry(&self, vspace: Ref<VSpace>, address: u64) -> Entry {
        match self.leaf_table(vspace, address) {
            Ok(leaf) => self.get(leaf).entry(index(address, 1)),
            Err(_) => Entry::EMPTY,
        }
    }

    /// The leaf table of an address, with those above it made where they are missing.
    pub(crate) fn leaf_table_made(&mut self, vspace: Ref<VSpace>, address: u64) -> Ref<TablePage> {
        let mut table = self.vspace_root(vspace);
        for level in (2..=LEVELS).rev() {
            let index = index(address, level);
            table = match self.get(table).next(index) {
                Some(next) => next,
                None => self.make_table(vspace, table, index, level - 1),
            };
        }
        table
    }

    /// Adds what the tables of an address need that are not there, the entry of level `absent` leading to none; addresses must rise from
    /// call to call.
    pub(crate) fn add_missing(address: u64, absent: u32, need: &mut Need) {
        for level in 1..absent {
            let number = address / span(level + 1) + 1;
            if need.counted[level as usize] != number {
                need.counted[level as usize] = number;
                need.pages += Kernel::table_cost(level);
            }
        }
    }

    /// The next page in the range that is mapped: its address, leaf table and index. Holes are passed over as a whole.
    pub(crate) fn next_mapped(
        &self,
        vspace: Ref<VSpace>,
        range: &mut Range,
    ) -> Option<(u64, Ref<TablePage>, usize)> {
        while range.at < range.end && range.steps > 0 {
            range.steps -= 1;
            let address = range.at;
            match self.leaf_table(vspace, address) {
                Ok(leaf) => {
                    range.at += PAGE_SIZE;
                    let index = index(address, 1);
                    if self.get(leaf).entry(index).present() {
                        return Some((address, leaf, index));
                    }
                }
                Err(level) => {
                    let next = (address / span(level) + 1) * span(level);
                    range.at = next.min(range.end);
                }
            }
        }
        None
    }

    /// Removes a mapping; tables that become empty end, which the steps that it took tell of.
    pub(crate) fn remove_page(&mut self, leaf: Ref<TablePage>, index: usize) -> u64 {
        let page = self.page_of(leaf);
        self.put(leaf, index, Entry::EMPTY);
        self.mapping_remove(page, index);
        self.must_flush(self.get(page.run).vspace.get());
        if self.count_use(page, false) > 0 {
            return 0;
        }
        self.release_tables(leaf);
        TABLE_STEPS
    }

    /// Removes mappings under a table that has some, at most so many as may pass between two preemption points; with the last
    /// one the table itself ends.
    pub(crate) fn empty_table(&mut self, table: Ref<TablePage>) {
        let mut leaf = table;
        loop {
            let crate::page_tables::Place::Table { level, uses, .. } =
                self.place(self.page_of(leaf))
            else {
                panic!("not a table");
            };
            let entries = self.get(leaf);
            let present = |index: &usize| entries.entry(*index).present();
            let Some(first) = (0..ENTRIES).find(present) else {
                panic!("an empty table is left");
            };
            if level == 1 {
                return self.empty_leaf(leaf, first, uses.min(EMPTY_STEP));
            }
            if let Some(next) = entries.next(first) {
                leaf = next;
            }
        }
    }

    fn empty_leaf(&mut self, leaf: Ref<TablePage>, first: usize, count: u32) {
        let mut index = first;
        for left in (0..count).rev() {
            self.remove_page(leaf, index);
            if left > 0 {
                let entries = self.get(leaf);
                while !entries.entry(index).present() {
                    index += 1;
                }
            }
        }
    }
}
