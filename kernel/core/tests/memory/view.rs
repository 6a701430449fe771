//! What the kernel's memory says: the real tables, walked with the format that the CPU uses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sundog_core::{End, Kernel, PageTables, VSpace};
use sundog_machine::format::{Cache, ENTRIES, PAGE_SIZE, span};
use sundog_machine::hardware::Translation;
use sundog_machine::{Ref, TablePage};

use crate::caps::{Caps, Name};
use crate::model::Mapping;

/// A mapped page and the tables on the way to it, the root first.
pub struct Found {
    pub mapping: Mapping,
    pub tables: [Ref<TablePage>; 4],
}

/// The capability of each record, by leaf table and index.
pub type Owners = HashMap<(u32, usize), Name>;

pub fn owners(
    kernel: &Kernel,
    slot: impl Fn(u32) -> Ref<sundog_core::Slot>,
    caps: &Caps,
) -> Owners {
    let mut owners = Owners::new();
    for (index, cap) in &caps.slots {
        if cap.object.0 != sundog_abi::ObjectType::Frame {
            continue;
        }
        let mut here = kernel.mapping_next(End::Slot(slot(*index)));
        while let End::Record(table, entry) = here {
            owners.insert((table.unit(), entry), cap.name);
            here = kernel.mapping_next(here);
        }
    }
    owners
}

/// All that is mapped in an address space.
pub fn space(kernel: &Kernel, vspace: Ref<VSpace>, owners: &Owners) -> BTreeMap<u64, Found> {
    let mut found = BTreeMap::new();
    let root = kernel.vspace_root(vspace);
    below(kernel, &mut vec![root], 0, owners, &mut found);
    found
}

fn below(
    kernel: &Kernel,
    path: &mut Vec<Ref<TablePage>>,
    base: u64,
    owners: &Owners,
    found: &mut BTreeMap<u64, Found>,
) {
    let table = path[path.len() - 1];
    let level = 5 - path.len() as u32;
    let entries = kernel.get(table);
    for index in 0..if level == 4 { ENTRIES / 2 } else { ENTRIES } {
        let entry = entries.entry(index);
        let address = base + index as u64 * span(level);
        if !entry.present() {
            continue;
        }
        if level > 1 {
            assert!(!entry.is_leaf(level), "no large pages");
            path.push(entries.next(index).unwrap());
            below(kernel, path, address, owners, found);
            path.pop();
            continue;
        }
        let flags = entry.flags();
        assert!(flags.user && !flags.global);
        let mapping = Mapping {
            page: entry.leaf_address(1) / PAGE_SIZE,
            protection: 1 | u8::from(flags.write) << 1 | u8::from(flags.execute) << 2,
            allowed: 1 | (flags.software as u8 & 3) << 1,
            device: flags.cache == Cache::Uncached,
            owner: *owners
                .get(&(table.unit(), index))
                .expect("a mapping belongs to a living capability"),
        };
        let tables = path.clone().try_into().unwrap();
        found.insert(address, Found { mapping, tables });
    }
}

impl Found {
    /// What a CPU remembers after using the page.
    pub fn translation(&self, address: u64) -> Translation {
        Translation {
            address,
            page: self.mapping.page,
            write: self.mapping.protection & 2 != 0,
            execute: self.mapping.protection & 4 != 0,
            tables: self.tables.map(|table| u64::from(table.unit()) / 64),
        }
    }

    /// Whether the mapping, its tables or records lie in a run.
    pub fn needs(&self, kernel: &Kernel, run: Ref<PageTables>) -> bool {
        let header = kernel.get(run);
        let pages = run.unit() / 64 + 1..=run.unit() / 64 + header.pages.get();
        let mut used: BTreeSet<u32> = self.tables.iter().map(|table| table.unit() / 64).collect();
        let leaf = kernel.page_of(self.tables[3]);
        for records in &kernel.get(leaf.run).records[leaf.number as usize - 1] {
            used.extend(records.get().map(|records| records.unit() / 64));
        }
        used.iter().any(|page| pages.contains(page))
    }
}
