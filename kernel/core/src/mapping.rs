//! Mapping records: every mapping is in the list of the slot through which it was made.
//!
//! Beside each leaf table stand two pages with a record for each entry: the previous and the next of a circular list of which the
//! slot is a member too. So adding, removing and moving the slot are O(1), and whatever empties the slot finds all its mappings.

use core::cell::Cell;

use sundog_machine::format::ENTRIES;
use sundog_machine::{MappingEnd, Ref, TablePage, object};

use crate::kernel::{Kernel, Outcome};
use crate::page_tables::Page;
use crate::slot::{Slot, flag};

/// Entries whose records are in one page.
pub(crate) const HALF: usize = ENTRIES / 2;
/// Where the number of the page in its run stands in the first link.
const NUMBER: u32 = 48;

/// A link of a mapping list.
pub type End = MappingEnd<Slot>;

object! {
/// The records of half a leaf table: the previous of each entry, then the next of each.
pub struct Records = 71 {
    /// The links, as words of [`End`]; spare bits of the first one hold the page's number in its run.
    pub links: [Cell<u64>; 512],
}
}

const _: () = assert!(size_of::<Records>() == 4096);

/// A member's two links, as words of [`End`].
struct Links<'a> {
    previous: &'a Cell<u64>,
    next: &'a Cell<u64>,
}

/// Changes a link, but keeps the spare bits.
fn set(link: &Cell<u64>, word: u64) {
    link.set(word | link.get() & End::SPARE);
}

impl Records {
    /// How many pages the records stand behind the header of their run.
    pub fn number(&self) -> u32 {
        (self.links[0].get() >> NUMBER) as u32 & 0xff
    }

    pub(crate) fn set_number(&self, number: u32) {
        self.links[0].set(u64::from(number) << NUMBER);
    }

    /// Whether the record of an entry (counted from the start of its half) is in no list.
    #[cfg(not(target_os = "none"))]
    pub(crate) fn is_empty(&self, entry: usize) -> bool {
        (0..2).all(|direction| {
            let word = self.links[direction * HALF + entry].get();
            End::from_word(word) == End::None
        })
    }

    fn links(&self, entry: usize) -> Links<'_> {
        Links {
            previous: &self.links[entry % HALF],
            next: &self.links[HALF + entry % HALF],
        }
    }
}

impl Kernel {
    fn record_links(&self, table: Ref<TablePage>, index: usize) -> Links<'_> {
        let records = self.records_of(self.page_of(table), index / HALF);
        self.get(records).links(index)
    }

    fn slot_links(&self, slot: Ref<Slot>) -> Links<'_> {
        let [next, previous] = &self.get(slot).extra;
        Links { previous, next }
    }

    /// The links of a member, which a link led to.
    fn links(&self, member: End) -> Links<'_> {
        match member {
            End::Slot(slot) => self.slot_links(slot),
            End::Record(table, index) => self.record_links(table, index),
            End::None => panic!("a mapping list that is no circle"),
        }
    }

    /// The same if the records of half of the leaf table in `page` are at hand.
    fn links_beside<'a>(
        &'a self,
        (page, half, records): (Page, usize, &'a Records),
        member: End,
    ) -> Links<'a> {
        match member {
            End::Record(table, index) if table == page.part() && index / HALF == half => {
                records.links(index)
            }
            member => self.links(member),
        }
    }

    /// Where a link of `member` leads: a slot that is alone in its list has none and leads to itself.
    fn linked(member: End, link: &Cell<u64>) -> End {
        match End::from_word(link.get()) {
            End::None => member,
            end => end,
        }
    }

    /// The member behind `member` of a mapping list.
    pub fn mapping_next(&self, member: End) -> End {
        Self::linked(member, self.links(member).next)
    }

    /// The member before `member` of a mapping list.
    pub fn mapping_previous(&self, member: End) -> End {
        Self::linked(member, self.links(member).previous)
    }

    /// Puts the record of an entry, of the leaf table in `page`, behind a member of a list.
    pub(crate) fn mapping_insert(&self, member: End, page: Page, index: usize) {
        let new = End::Record(page.part(), index);
        let records = self.get(self.records_of(page, index / HALF));
        let here = (page, index / HALF, records);
        let links = records.links(index);
        let before = self.links_beside(here, member);
        let next = Self::linked(member, before.next);
        set(links.previous, member.word());
        set(links.next, next.word());
        set(self.links_beside(here, next).previous, new.word());
        set(before.next, new.word());
    }

    /// Takes the record of an entry, of the leaf table in `page`, out of its list.
    pub(crate) fn mapping_remove(&self, page: Page, index: usize) {
        let records = self.get(self.records_of(page, index / HALF));
        let here = (page, index / HALF, records);
        let links = records.links(index);
        let (previous, next) = (
            End::from_word(links.previous.get()),
            End::from_word(links.next.get()),
        );
        // A slot that stays behind alone leads nowhere.
        let alone = previous == next && matches!(next, End::Slot(_));
        let word = |end: End| if alone { 0 } else { end.word() };
        set(self.links_beside(here, previous).next, word(next));
        set(self.links_beside(here, next).previous, word(previous));
        set(links.previous, 0);
        set(links.next, 0);
    }

    /// Lets a mapping list know that its capability, links included, was moved to another slot.
    pub(crate) fn mappings_moved(&self, old: Ref<Slot>, new: Ref<Slot>) {
        if self.get(new).kind() != Some(sundog_abi::ObjectType::Frame) {
            return;
        }
        debug_assert!(old != new, "a slot is not moved to itself");
        let member = End::Slot(new);
        let (first, last) = (self.mapping_next(member), self.mapping_previous(member));
        if first != member {
            set(self.links(first).previous, member.word());
            set(self.links(last).next, member.word());
        }
    }

    /// Removes all mappings that were made through a slot, which is about to be emptied.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on. Nothing more can be mapped through the slot meanwhile.
    pub(crate) fn frame_lost(&mut self, slot: Ref<Slot>) -> Outcome {
        while let End::Record(table, index) = self.mapping_next(End::Slot(slot)) {
            self.get(slot).set(flag::DYING);
            self.remove_page(table, index);
            self.preemption_point()?;
        }
        self.finish_flush();
        Ok(())
    }
}
