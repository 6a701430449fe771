//! What must hold of address spaces, their tables and the lists of mappings; a part of [`crate::check`].

use std::collections::{BTreeMap, BTreeSet};

use sundog_abi::ObjectType;
use sundog_machine::format::{Cache, ENTRIES, Entry, LEVELS, PAGE_SIZE};
use sundog_machine::{Ref, TablePage, hardware};

use crate::check::Tree;
use crate::kernel::Kernel;
use crate::mapping::{End, HALF};
use crate::page_tables::{Page, PageTables, Place, RunList};
use crate::slot::{Slot, flag};
use crate::vspace::VSpace;

/// The records that are in the list of some slot: page of the leaf table and index.
type Records = BTreeSet<(u32, usize)>;

impl Kernel {
    /// Checks address spaces, tables and mappings.
    pub(crate) fn check_mappings(&self, tree: &Tree) {
        let mut records = Records::new();
        let mut vspaces: BTreeMap<u32, (Ref<VSpace>, u32)> = BTreeMap::new();
        let mut runs: BTreeMap<u32, (Ref<PageTables>, u32)> = BTreeMap::new();
        for (node, _) in tree.values() {
            let slot = self.get(*node);
            if let Some(vspace) = slot.object.get::<VSpace>() {
                vspaces.entry(vspace.unit()).or_insert((vspace, 0)).1 += 1;
            } else if let Some(run) = slot.object.get::<PageTables>() {
                runs.entry(run.unit()).or_insert((run, 0)).1 += 1;
            } else if slot.kind() == Some(ObjectType::Frame) {
                self.check_list(*node, &mut records);
            }
        }
        let mut found = BTreeSet::new();
        for (vspace, count) in vspaces.values() {
            assert_eq!(
                self.get(*vspace).count.get(),
                *count,
                "an address space counts its capabilities"
            );
            self.check_vspace(*vspace, &mut found);
        }
        let mut entries = 0;
        for (run, count) in runs.values() {
            assert_eq!(
                self.get(*run).count.get(),
                *count,
                "a run of tables counts its capabilities"
            );
            entries += self.check_run(*run, &records, &mut found);
        }
        for (run, _) in runs.values() {
            for number in 1..=self.get(*run).pages.get() {
                let page = Page { run: *run, number };
                if let Place::Table { .. } = self.place(page) {
                    let table: Ref<TablePage> = page.part();
                    assert!(found.contains(&table.unit()), "no table is lost");
                }
            }
        }
        assert_eq!(
            entries,
            records.len(),
            "each record is one of a present entry"
        );
    }

    /// Rule: a mapping list is a circle through its slot, of entries that lead into the slot's frame and allow no more than the slot does.
    fn check_list(&self, slot: Ref<Slot>, records: &mut Records) {
        let frame = self.get(slot);
        let mut here = End::Slot(slot);
        loop {
            let next = self.mapping_next(here);
            assert!(
                self.mapping_previous(next) == here,
                "a link of a mapping list has its counterpart"
            );
            let End::Record(table, index) = next else {
                assert!(
                    next == End::Slot(slot),
                    "a mapping list leads back to its slot"
                );
                return;
            };
            assert!(
                records.insert((table.unit() / 64, index)),
                "a record is in one list, once"
            );
            let page = self.page_of(table);
            assert!(
                matches!(self.place(page), Place::Table { level: 1, .. }),
                "records belong to leaf tables"
            );
            let entry = self.get(table).entry(index);
            assert!(entry.present(), "each record has its entry");
            let mapped = entry.leaf_address(1) / PAGE_SIZE;
            let first = u64::from(frame.object.number());
            assert!(
                (first..first + u64::from(frame.size.get())).contains(&mapped),
                "an entry leads into its frame"
            );
            let (flags, bits) = (entry.flags(), entry.software() & 3);
            assert_eq!(
                bits & !(frame.rights().0 >> 1),
                0,
                "an entry's rights are its capability's"
            );
            assert!(
                (!flags.write || bits & 1 != 0) && (!flags.execute || bits & 2 != 0),
                "an entry allows what its capability does"
            );
            assert!(flags.user && !flags.global, "a mapping is a user's");
            assert_eq!(
                flags.cache == Cache::Uncached,
                frame.has(flag::DEVICE),
                "registers are not cached"
            );
            here = next;
        }
    }

    /// Rule: a root's upper half is the kernel's, its tables come from its own runs, whose free pages it counts, and only guests write
    /// what they execute.
    fn check_vspace(&self, vspace: Ref<VSpace>, found: &mut BTreeSet<u32>) {
        let header = self.get(vspace);
        let root = self.vspace_root(vspace);
        let entries = self.get(root);
        for index in ENTRIES / 2..ENTRIES {
            assert_eq!(
                entries.entry(index).0,
                hardware::kernel_root_entry(self.token(), index),
                "the upper half is the kernel's"
            );
        }
        let mut free = 0;
        for list in [RunList::Available, RunList::Exhausted, RunList::Withdrawn] {
            let mut previous = None;
            let mut here = header.runs[list as usize].get();
            while let Some(run) = here {
                let member = self.get(run);
                assert_eq!(member.vspace.get(), Some(vspace), "a run knows its space");
                assert_eq!(
                    member.previous.get(),
                    previous,
                    "a list of runs has both links"
                );
                assert_eq!(member.list.get(), list as u32, "a run knows its list");
                match list {
                    RunList::Available => {
                        assert!(member.free.get() > 0, "an available run has pages")
                    }
                    RunList::Exhausted => {
                        assert_eq!(member.free.get(), 0, "an exhausted run has none")
                    }
                    RunList::Withdrawn => {}
                }
                if list != RunList::Withdrawn {
                    free += member.free.get();
                }
                previous = here;
                here = member.next.get();
            }
        }
        assert_eq!(
            header.free.get(),
            free,
            "an address space counts free pages"
        );
        for index in 0..ENTRIES / 2 {
            if let Some(table) = entries.next(index) {
                self.check_table(table, (root, index), LEVELS - 1, Some(vspace), found);
            }
        }
    }

    /// Rule: a table is where its header says, at one place, and counts its entries.
    fn check_table(
        &self,
        table: Ref<TablePage>,
        (above, at): (Ref<TablePage>, usize),
        expected: u32,
        vspace: Option<Ref<VSpace>>,
        found: &mut BTreeSet<u32>,
    ) {
        let page = self.page_of(table);
        let Place::Table { level, index, .. } = self.place(page) else {
            panic!("an entry leads to a table");
        };
        assert_eq!((level, index), (expected, at), "a table knows its place");
        assert_eq!(
            self.page_parent(page),
            Some(above),
            "a table knows the one above"
        );
        if vspace.is_some() {
            assert_eq!(
                self.get(page.run).vspace.get(),
                vspace,
                "tables come from own runs"
            );
        }
        self.check_below(table, level, vspace, found);
    }

    fn check_below(
        &self,
        table: Ref<TablePage>,
        level: u32,
        vspace: Option<Ref<VSpace>>,
        found: &mut BTreeSet<u32>,
    ) {
        assert!(found.insert(table.unit()), "a table is at one place");
        let entries = self.get(table);
        for index in 0..ENTRIES {
            let entry = entries.entry(index);
            if !entry.present() {
                continue;
            }
            if level > 1 {
                if let Some(next) = entries.next(index) {
                    self.check_table(next, (table, index), level - 1, vspace, found);
                }
            } else if let Some(vspace) = vspace {
                let flags = entry.flags();
                assert!(
                    !(flags.write && flags.execute) || self.get(vspace).guests.get(),
                    "only guests write what they execute"
                );
            }
        }
    }

    /// Rule: each page of a run is what its header says, and the free ones are in one list. Gives the present entries of its leaf tables.
    fn check_run(
        &self,
        run: Ref<PageTables>,
        records: &Records,
        found: &mut BTreeSet<u32>,
    ) -> usize {
        let header = self.get(run);
        let mut free = BTreeSet::new();
        let mut number = header.first_free.get();
        while number != 0 {
            assert!(free.insert(number), "a free page is in the list once");
            let Place::Free(next) = self.place(Page { run, number }) else {
                panic!("a page in the list is free");
            };
            number = next;
        }
        assert_eq!(
            header.free.get(),
            free.len() as u32,
            "a run counts its free pages"
        );
        let mut leaves = 0;
        for number in 1..=header.pages.get() {
            let page = Page { run, number };
            match self.place(page) {
                Place::Free(_) => {
                    assert!(free.contains(&number), "a free page is in the list");
                    let unit = page.part::<TablePage>().unit();
                    assert!(
                        (unit..unit + 64).all(|unit| !self.token().backing().is_alive(unit)),
                        "nothing lives in a free page"
                    );
                }
                Place::Records => self.check_twin(page),
                Place::Table { level, uses, .. } => {
                    leaves += self.check_page(page, level, uses, records, found);
                }
            }
        }
        leaves
    }

    fn check_twin(&self, page: Page) {
        let leaf = self.page_parent(page).expect("records have a table");
        let twins = [0, 1].map(|half| self.records_of(self.page_of(leaf), half));
        assert!(twins.contains(&page.part()), "the table knows its records");
        assert_eq!(
            self.get(page.part::<crate::Records>()).number(),
            page.number,
            "records know where they are"
        );
    }

    fn check_page(
        &self,
        page: Page,
        level: u32,
        uses: u32,
        records: &Records,
        found: &mut BTreeSet<u32>,
    ) -> usize {
        let table: Ref<TablePage> = page.part();
        assert_eq!(self.page_of(table), page, "a table knows its run");
        if self.page_parent(page).is_none() {
            // Cut off by the end of a run.
            self.check_below(table, level, None, found);
        }
        let entries = self.get(table);
        let present = |index: &usize| entries.entry(*index).present();
        let count = (0..ENTRIES).filter(present).count();
        assert_eq!(uses as usize, count, "a table counts its entries");
        assert!(uses > 0, "an empty table is given back");
        if level > 1 {
            return 0;
        }
        let twins = [0, 1].map(|half| self.get(self.records_of(self.page_of(table), half)));
        for index in 0..ENTRIES {
            if present(&index) {
                assert!(
                    records.contains(&(table.unit() / 64, index)),
                    "each entry has its record"
                );
            } else {
                let rest = entries.entry(index).0;
                let number = if index == 0 { page.number << 2 } else { 0 };
                assert_eq!(
                    rest,
                    Entry::EMPTY.with_software(number as u16).0,
                    "an entry that maps nothing is empty"
                );
                assert!(
                    twins[index / HALF].is_empty(index % HALF),
                    "a record without an entry is in no list"
                );
            }
        }
        count
    }
}
