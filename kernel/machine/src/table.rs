//! Page tables as objects, and the links of mapping lists, which lead to table entries or to slots.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::format::{ENTRIES, Entry};
use crate::{Ref, object};

object! {
/// A page of 512 page-table entries, which the CPU walks and changes (accessed, dirty) at any time.
pub struct TablePage = 70 {
    /// The entries.
    pub entries: [AtomicU64; 512],
}
}

const _: () = assert!(size_of::<TablePage>() == 4096 && ENTRIES == 512);

impl TablePage {
    /// Reads an entry.
    ///
    /// # Panics
    /// If `index` is not below 512.
    pub fn entry(&self, index: usize) -> Entry {
        Entry(self.entries[index].load(Ordering::Relaxed))
    }

    /// Writes an entry.
    ///
    /// # Panics
    /// If `index` is not below 512.
    pub fn set(&self, index: usize, entry: Entry) {
        self.entries[index].store(entry.0, Ordering::Relaxed);
    }

    /// The table that an entry leads to, if it is present. Only to be asked above level 1: that such an entry leads to a live table
    /// is part of invariant 1.
    ///
    /// # Panics
    /// If `index` is not below 512.
    pub fn next(&self, index: usize) -> Option<Ref<TablePage>> {
        let entry = self.entry(index);
        if !entry.present() {
            return None;
        }
        NonZeroU32::new((entry.table_address() / crate::UNIT) as u32).map(Ref::from_unit)
    }
}

const SLOT: u64 = 1 << 63;
/// Units of a page.
const PAGE: u64 = 64;

/// Where a link of a mapping list leads; kept as a word, 0 being nowhere.
pub enum MappingEnd<S> {
    /// Nowhere: nothing is mapped.
    None,
    /// To the slot through which the mappings were made.
    Slot(Ref<S>),
    /// To the record of an entry of a leaf table.
    Record(Ref<TablePage>, usize),
}

impl<S> Clone for MappingEnd<S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for MappingEnd<S> {}
impl<S> PartialEq for MappingEnd<S> {
    fn eq(&self, other: &Self) -> bool {
        self.word() == other.word()
    }
}

impl<S> MappingEnd<S> {
    /// Bits of [`MappingEnd::word`] that are always 0, for the use of whoever keeps the word.
    pub const SPARE: u64 = 0x7fff << 48;

    /// The word: page of the table * 512 + index, or the slot's unit with the highest bit set.
    pub fn word(self) -> u64 {
        match self {
            MappingEnd::None => 0,
            MappingEnd::Slot(slot) => SLOT | u64::from(slot.unit()),
            MappingEnd::Record(table, index) => {
                u64::from(table.unit()) / PAGE * ENTRIES as u64 + index as u64
            }
        }
    }

    /// The end of a word, which must be one that [`MappingEnd::word`] gave, and must have been kept no longer than what it names.
    pub fn from_word(word: u64) -> MappingEnd<S> {
        let word = word & !Self::SPARE;
        let unit = if word & SLOT != 0 {
            word as u32
        } else {
            (word / ENTRIES as u64 * PAGE) as u32
        };
        match NonZeroU32::new(unit) {
            None => MappingEnd::None,
            Some(unit) if word & SLOT != 0 => MappingEnd::Slot(Ref::from_unit(unit)),
            Some(unit) => MappingEnd::Record(Ref::from_unit(unit), word as usize % ENTRIES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_survive_their_words() {
        let end = |unit| NonZeroU32::new(unit).map(Ref::<u8>::from_unit);
        let slot = MappingEnd::Slot(end(u32::MAX).unwrap());
        assert!(MappingEnd::from_word(slot.word()) == slot);
        assert_eq!(slot.word() & MappingEnd::<u8>::SPARE, 0);
        let table = Ref::from_unit(NonZeroU32::new(u32::MAX - 63).unwrap());
        let record = MappingEnd::<u8>::Record(table, 511);
        assert!(matches!(
            MappingEnd::<u8>::from_word(record.word() | MappingEnd::<u8>::SPARE),
            MappingEnd::Record(found, 511) if found == table
        ));
        assert_eq!(record.word() & MappingEnd::<u8>::SPARE, 0);
        assert!(MappingEnd::<u8>::from_word(0) == MappingEnd::None);
    }
}
