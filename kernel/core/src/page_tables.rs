//! PageTables: a run of pages that the tables of one address space are made of.
//!
//! A header page stands in front of the run. It keeps for each page what it is used as and for which entry. From a table
//! the header is found by a number in spare bits of the table's first entry: how many pages the table stands behind its header. A leaf table
//! takes three pages, itself and two of records (see [`crate::mapping`]), which may come from different runs; the others take one.

use core::cell::Cell;

use sundog_abi::{Error, Rights};
use sundog_machine::format::Entry;
use sundog_machine::{Opt, Ref, TablePage, Token, object};

use crate::kernel::{Kernel, Outcome};
use crate::mapping::Records;
use crate::slot::{Slot, flag};
use crate::untyped::PAGE;
use crate::vspace::VSpace;

/// Most pages of one run.
pub const MOST_PAGES: u64 = 250;

object! {
/// The header of a run of pages.
pub struct PageTables = 38 {
    /// The address space that the run was given to.
    pub vspace: Opt<VSpace>,
    /// The run behind in that address space's list.
    pub next: Opt<PageTables>,
    /// The run before.
    pub previous: Opt<PageTables>,
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// Pages of the run, without the header.
    pub pages: Cell<u32>,
    /// Pages that are not in use.
    pub free: Cell<u32>,
    /// The number of the first of them; 0 if there is none.
    pub first_free: Cell<u32>,
    /// In which of the address space's lists it is: a [`RunList`].
    pub list: Cell<u32>,
    /// For each page in use as a table: the table above, none if it was cut off. For records: the leaf table that they belong to.
    pub parent: [Opt<TablePage>; 250],
    /// For each page: what it is used as, a `Place`.
    pub place: [Cell<u32>; 250],
    /// For each page in use as a leaf table: the records of its lower and its upper half.
    pub records: [[Opt<Records>; 2]; 250],
}
}

const _: () = assert!(size_of::<PageTables>() <= 4096);

/// The lists of runs that an address space keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum RunList {
    /// Runs with free pages.
    Available = 0,
    /// Runs without.
    Exhausted = 1,
    /// Runs whose last capability is going: their pages are not handed out any more.
    Withdrawn = 2,
}

/// What a page of a run is used as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nothing; the number of the next free page, 0 if it is the last.
    Free(u32),
    /// A table of a level: the index of the entry above that leads to it, and how many of its own entries are present.
    Table {
        /// 1 to 3.
        level: u32,
        /// Index in the table above.
        index: usize,
        /// Present entries.
        uses: u32,
    },
    /// Records of a leaf table.
    Records,
}

impl Place {
    const RECORDS: u32 = 7;
    /// The number of uses stands in the highest bits of the word.
    const ONE_USE: u32 = 1 << 12;

    fn is_table(word: u32) -> bool {
        matches!(word & 7, 1..=3)
    }

    fn word(self) -> u32 {
        match self {
            Place::Free(next) => next << 3,
            Place::Table { level, index, uses } => {
                level | (index as u32) << 3 | uses * Self::ONE_USE
            }
            Place::Records => Self::RECORDS,
        }
    }

    fn from_word(word: u32) -> Place {
        match word & 7 {
            0 => Place::Free(word >> 3),
            Self::RECORDS => Place::Records,
            level => Place::Table {
                level,
                index: (word >> 3) as usize & 511,
                uses: word / Self::ONE_USE,
            },
        }
    }
}

/// A page of a run, by its number (the first behind the header is 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// The run.
    pub run: Ref<PageTables>,
    /// The number.
    pub number: u32,
}

impl Page {
    fn index(self) -> usize {
        self.number as usize - 1
    }

    /// What is made of the page.
    pub fn part<T>(self) -> Ref<T> {
        self.run.part(self.number * PAGE)
    }
}

impl PageTables {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights::USE;

    /// Units of a run of so many pages and its header; `None` if a run cannot have that many.
    pub fn units(pages: u64) -> Option<u64> {
        (1..=MOST_PAGES)
            .contains(&pages)
            .then(|| (pages + 1) * u64::from(PAGE))
    }

    /// Makes a run out of zeroed memory.
    pub(crate) fn create(token: &mut Token, unit: u32, pages: u32) -> Ref<PageTables> {
        let run = token.create::<PageTables>(unit);
        let header = token.get(run);
        for number in 1..=pages {
            let next = if number < pages { number + 1 } else { 0 };
            header.place[number as usize - 1].set(Place::Free(next).word());
        }
        header.pages.set(pages);
        header.free.set(pages);
        header.first_free.set(1);
        run
    }
}

impl Kernel {
    /// The page that a table is made of; a root is none.
    pub fn page_of(&self, table: Ref<TablePage>) -> Page {
        let number = u32::from(self.get(table).entry(0).software() >> 2);
        Page {
            run: table.whole(number * PAGE),
            number,
        }
    }

    /// What a page is used as.
    pub fn place(&self, page: Page) -> Place {
        Place::from_word(self.get(page.run).place[page.index()].get())
    }

    fn set_place(&self, page: Page, place: Place) {
        self.get(page.run).place[page.index()].set(place.word());
    }

    /// The table above the one in the page, or the table that its records belong to.
    pub fn page_parent(&self, page: Page) -> Option<Ref<TablePage>> {
        self.get(page.run).parent[page.index()].get()
    }

    pub(crate) fn set_page_parent(&self, page: Page, parent: Option<Ref<TablePage>>) {
        self.get(page.run).parent[page.index()].set(parent);
    }

    /// The records of one half of the leaf table in a page.
    pub(crate) fn records_of(&self, page: Page, half: usize) -> Ref<Records> {
        match self.get(page.run).records[page.index()][half].get() {
            Some(records) => records,
            None => panic!("a leaf table without records"),
        }
    }

    /// Writes an entry, but keeps the number that stands in its spare bits.
    pub(crate) fn put(&self, table: Ref<TablePage>, index: usize, entry: Entry) {
        let table = self.get(table);
        let number = table.entry(index).software() & !3;
        table.set(index, entry.with_software(entry.software() & 3 | number));
    }

    /// Counts present entries of the table in a page up or down, and gives how many there are now.
    pub(crate) fn count_use(&self, page: Page, more: bool) -> u32 {
        let place = &self.get(page.run).place[page.index()];
        let word = place.get();
        assert!(Place::is_table(word), "not a table");
        let word = if more {
            word + Place::ONE_USE
        } else {
            word - Place::ONE_USE
        };
        place.set(word);
        word / Place::ONE_USE
    }

    /// Gives an address space the pages of a run.
    ///
    /// # Errors
    /// `Busy` if they were given away before.
    pub fn vspace_bind_tables(
        &self,
        vspace: Ref<VSpace>,
        run: Ref<PageTables>,
    ) -> Result<(), Error> {
        let header = self.get(run);
        if !header.vspace.is_none() {
            return Err(Error::Busy);
        }
        header.vspace.set(Some(vspace));
        let free = &self.get(vspace).free;
        free.set(free.get() + header.free.get());
        let list = if header.free.get() == 0 {
            RunList::Exhausted
        } else {
            RunList::Available
        };
        self.run_insert(run, vspace, list);
        Ok(())
    }

    fn run_insert(&self, run: Ref<PageTables>, vspace: Ref<VSpace>, list: RunList) {
        let header = self.get(run);
        let head = &self.get(vspace).runs[list as usize];
        let first = head.get();
        header.list.set(list as u32);
        header.previous.set(None);
        header.next.set(first);
        if let Some(first) = first {
            self.get(first).previous.set(Some(run));
        }
        head.set(Some(run));
    }

    fn run_remove(&self, run: Ref<PageTables>, vspace: Ref<VSpace>) {
        let header = self.get(run);
        let (previous, next) = (header.previous.take(), header.next.take());
        match previous {
            Some(previous) => self.get(previous).next.set(next),
            None => self.get(vspace).runs[header.list.get() as usize].set(next),
        }
        if let Some(next) = next {
            self.get(next).previous.set(previous);
        }
    }

    fn is_withdrawn(&self, run: Ref<PageTables>) -> bool {
        self.get(run).list.get() == RunList::Withdrawn as u32
    }

    /// Takes a run's free pages out of its address space's count and keeps new ones out.
    fn run_withdraw(&self, run: Ref<PageTables>) {
        if self.is_withdrawn(run) {
            return;
        }
        let header = self.get(run);
        if let Some(vspace) = header.vspace.get() {
            let free = &self.get(vspace).free;
            free.set(free.get() - header.free.get());
            self.run_remove(run, vspace);
            self.run_insert(run, vspace, RunList::Withdrawn);
        }
        header.list.set(RunList::Withdrawn as u32);
    }

    /// Ends the bond of a run and its address space.
    pub(crate) fn run_unbind(&self, run: Ref<PageTables>) {
        let header = self.get(run);
        if let Some(vspace) = header.vspace.get() {
            if !self.is_withdrawn(run) {
                let free = &self.get(vspace).free;
                free.set(free.get() - header.free.get());
            }
            self.run_remove(run, vspace);
            header.vspace.set(None);
        }
    }

    /// Takes a free page of an address space for a new use. Decoding has made sure that there is one.
    fn take_page(&self, vspace: Ref<VSpace>, place: Place) -> Page {
        let space = self.get(vspace);
        let Some(run) = space.runs[RunList::Available as usize].get() else {
            panic!("decoding counted the free pages")
        };
        let header = self.get(run);
        let page = Page {
            run,
            number: header.first_free.get(),
        };
        let Place::Free(next) = self.place(page) else {
            panic!("a page in use is in the list of free ones");
        };
        header.first_free.set(next);
        header.free.set(header.free.get() - 1);
        space.free.set(space.free.get() - 1);
        if next == 0 {
            self.run_remove(run, vspace);
            self.run_insert(run, vspace, RunList::Exhausted);
        }
        self.set_place(page, place);
        page
    }

    /// Gives back a page in which nothing lives any more and that no CPU remembers.
    fn give_page(&mut self, page: Page) {
        self.token.zero(page.part::<TablePage>().unit(), PAGE);
        let header = self.get(page.run);
        self.set_place(page, Place::Free(header.first_free.get()));
        self.set_page_parent(page, None);
        header.first_free.set(page.number);
        header.free.set(header.free.get() + 1);
        if let Some(vspace) = header.vspace.get()
            && !self.is_withdrawn(page.run)
        {
            let free = &self.get(vspace).free;
            free.set(free.get() + 1);
            if header.free.get() == 1 {
                self.run_remove(page.run, vspace);
                self.run_insert(page.run, vspace, RunList::Available);
            }
        }
    }

    /// Pages that a new table of a level takes.
    pub(crate) const fn table_cost(level: u32) -> u32 {
        if level == 1 { 3 } else { 1 }
    }

    /// Makes an empty table of `level` (1 to 3) and lets entry `index` of `above` lead to it.
    pub(crate) fn make_table(
        &mut self,
        vspace: Ref<VSpace>,
        above: Ref<TablePage>,
        index: usize,
        level: u32,
    ) -> Ref<TablePage> {
        let uses = 0;
        let page = self.take_page(vspace, Place::Table { level, index, uses });
        let table: Ref<TablePage> = self.token.create(page.part::<TablePage>().unit());
        let number = page.number as u16;
        self.get(table)
            .set(0, Entry::EMPTY.with_software(number << 2));
        self.set_page_parent(page, Some(above));
        if level == 1 {
            for half in 0..2 {
                let twin = self.take_page(vspace, Place::Records);
                let records: Ref<Records> = self.token.create(twin.part::<Records>().unit());
                self.get(records).set_number(twin.number);
                self.set_page_parent(twin, Some(table));
                self.get(page.run).records[page.index()][half].set(Some(records));
            }
        }
        self.put(above, index, Entry::table(table.address(), true));
        if level < 3 {
            self.count_use(self.page_of(above), true);
        }
        table
    }

    /// Ends tables that became empty: the one given, and those above that lose their last entry by it.
    pub(crate) fn release_tables(&mut self, table: Ref<TablePage>) {
        let mut emptied = [None; 3];
        let mut here = Some(table);
        for place in &mut emptied {
            *place = here;
            here = here.and_then(|table| self.cut_off(table));
        }
        self.finish_flush();
        for table in emptied.into_iter().flatten() {
            self.end_table(table);
        }
    }

    /// Removes the entry that leads to a table, and gives the table above if that was its last one.
    fn cut_off(&self, table: Ref<TablePage>) -> Option<Ref<TablePage>> {
        let page = self.page_of(table);
        let above = self.page_parent(page)?;
        let Place::Table { level, index, .. } = self.place(page) else {
            panic!("not a table");
        };
        self.put(above, index, Entry::EMPTY);
        self.set_page_parent(page, None);
        self.must_flush(self.get(page.run).vspace.get());
        (level < 3 && self.count_use(self.page_of(above), false) == 0).then_some(above)
    }

    /// Gives back the pages of an empty table that nothing leads to.
    fn end_table(&mut self, table: Ref<TablePage>) {
        let page = self.page_of(table);
        for half in 0..2 {
            let twin = self.get(page.run).records[page.index()][half].take();
            if let Some(records) = twin {
                let number = self.get(records).number();
                self.token.destroy(records);
                let run = records.whole(number * PAGE);
                self.give_page(Page { run, number });
            }
        }
        self.token.destroy(table);
        self.give_page(page);
    }

    /// Ends a run whose last capability, in `slot`, goes: first all mappings in and under its tables.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on.
    pub(crate) fn page_tables_lost(&mut self, slot: Ref<Slot>, run: Ref<PageTables>) -> Outcome {
        self.get(slot).set(flag::DYING);
        self.run_withdraw(run);
        for number in 1..=self.get(run).pages.get() {
            self.empty_page(Page { run, number })?;
        }
        self.finish_flush();
        self.run_unbind(run);
        self.token.destroy(run);
        Ok(())
    }

    /// Makes a page of a withdrawn run free. Its table is cut off first, so that nothing more is mapped in it meanwhile.
    fn empty_page(&mut self, page: Page) -> Outcome {
        loop {
            let table = match self.place(page) {
                Place::Free(_) => return Ok(()),
                Place::Table { .. } => page.part(),
                Place::Records => match self.page_parent(page) {
                    Some(leaf) => leaf,
                    None => panic!("records without a table"),
                },
            };
            if let Some(above) = self.cut_off(table) {
                self.release_tables(above);
            }
            self.empty_table(table);
            self.preemption_point()?;
        }
    }
}
