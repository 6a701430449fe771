//! A table with small stable numbers, for a server's handles: entries are found by index, free places are used again.

use alloc::vec::Vec;

/// Entries by number.
pub struct Table<T> {
    /// An entry, or the next free place.
    entries: Vec<Result<T, Option<u32>>>,
    free: Option<u32>,
    used: usize,
    limit: usize,
}

/// Of its entries, a table that grows makes room for one part in so many more: it may be large, and so must not double.
const GROWTH_PART: usize = 8;
/// The least that it grows by.
const LEAST_GROWTH: usize = 4;

impl<T> Table<T> {
    /// Holds at most `limit` entries (and never more than 2^32 - 1).
    pub const fn new(limit: usize) -> Table<T> {
        let limit = if limit < u32::MAX as usize {
            limit
        } else {
            u32::MAX as usize
        };
        Table {
            entries: Vec::new(),
            free: None,
            used: 0,
            limit,
        }
    }

    /// Puts an entry in and tells its number; gives the entry back if the table is full, or memory for it to grow lacks.
    pub fn insert(&mut self, entry: T) -> Result<u32, T> {
        if let Some(index) = self.free
            && let Some(place) = self.entries.get_mut(index as usize)
            && let Err(next) = *place
        {
            self.free = next;
            self.used += 1;
            *place = Ok(entry);
            return Ok(index);
        }
        let count = self.entries.len();
        if count >= self.limit {
            return Err(entry);
        }
        if count == self.entries.capacity() {
            let more = (count / GROWTH_PART).max(LEAST_GROWTH);
            if self.entries.try_reserve_exact(more).is_err() {
                return Err(entry);
            }
        }
        self.entries.push(Ok(entry));
        self.used += 1;
        Ok(count as u32)
    }

    /// The entry with this number.
    pub fn get(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.as_ref().ok()
    }

    /// The entry with this number, to change.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entries.get_mut(index as usize)?.as_mut().ok()
    }

    /// Takes an entry out.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let place = self.entries.get_mut(index as usize)?;
        if place.is_err() {
            return None;
        }
        let entry = core::mem::replace(place, Err(self.free)).ok()?;
        self.free = Some(index);
        self.used -= 1;
        Some(entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.used
    }

    /// One more than the largest number that was ever given.
    pub fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index as u32, entry.as_ref().ok()?)))
    }
}
