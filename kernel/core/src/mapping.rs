//! Mapping records: every mapping is in the list of the slot through which it was made.
//!
//! Beside each leaf table stand two pages with a record for each entry: the previous and the next of a circular list of which the
//! slot is a member too. So adding, removing and moving the slot are O(1), and whatever empties the slot finds all its mappings.

use core::cell::Cell;

use sundog_machine::format::ENTRIES;
use sundog_machine::{MappingEnd, Ref, TablePage, object};

use crate::kernel::{Kernel, Outcome};
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

/// Which of a member's two links.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Previous = 0,
    Next = 1,
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

    fn set(&self, place: usize, end: End) {
        let spare = self.links[place].get() & End::SPARE;
        self.links[place].set(end.word() | spare);
    }
}

impl Kernel {
    fn link(&self, member: End, direction: Direction) -> End {
        match member {
            End::None => End::None,
            End::Slot(slot) => self.slot_link(slot, direction),
            End::Record(table, index) => {
                let records = self.records_of(table, index / HALF);
                let place = direction as usize * HALF + index % HALF;
                End::from_word(self.get(records).links[place].get())
            }
        }
    }

    fn set_link(&self, member: End, direction: Direction, to: End) {
        match member {
            End::None => {}
            End::Slot(slot) => {
                // A slot alone in its list leads nowhere.
                let to = if to == member { End::None } else { to };
                let place = 2 * (direction == Direction::Previous) as usize;
                let extra = &self.get(slot).extra;
                extra[place].set(to.word() as u32);
                extra[place + 1].set((to.word() >> 32) as u32);
            }
            End::Record(table, index) => {
                let records = self.records_of(table, index / HALF);
                let place = direction as usize * HALF + index % HALF;
                self.get(records).set(place, to);
            }
        }
    }

    fn slot_link(&self, slot: Ref<Slot>, direction: Direction) -> End {
        let place = 2 * (direction == Direction::Previous) as usize;
        let extra = &self.get(slot).extra;
        let word = u64::from(extra[place].get()) | u64::from(extra[place + 1].get()) << 32;
        match End::from_word(word) {
            End::None => End::Slot(slot),
            end => end,
        }
    }

    /// The member behind `member` of a mapping list.
    pub fn mapping_next(&self, member: End) -> End {
        self.link(member, Direction::Next)
    }

    /// The member before `member` of a mapping list.
    pub fn mapping_previous(&self, member: End) -> End {
        self.link(member, Direction::Previous)
    }

    /// Puts the record of an entry behind a member of a list.
    pub(crate) fn mapping_insert(&self, member: End, table: Ref<TablePage>, index: usize) {
        let new = End::Record(table, index);
        let next = self.mapping_next(member);
        self.set_link(new, Direction::Previous, member);
        self.set_link(new, Direction::Next, next);
        self.set_link(member, Direction::Next, new);
        self.set_link(next, Direction::Previous, new);
    }

    /// Takes the record of an entry out of its list.
    pub(crate) fn mapping_remove(&self, table: Ref<TablePage>, index: usize) {
        let old = End::Record(table, index);
        let (previous, next) = (self.mapping_previous(old), self.mapping_next(old));
        self.set_link(previous, Direction::Next, next);
        self.set_link(next, Direction::Previous, previous);
        self.set_link(old, Direction::Previous, End::None);
        self.set_link(old, Direction::Next, End::None);
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
            self.set_link(first, Direction::Previous, member);
            self.set_link(last, Direction::Next, member);
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
