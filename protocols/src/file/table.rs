//! A table with small stable numbers, for a server's handles: entries are found by index, free places are used again.

use alloc::vec::Vec;

/// Entries by number.
pub struct Table<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    limit: usize,
}

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
            free: Vec::new(),
            limit,
        }
    }

    /// Puts an entry in and tells its number; gives the entry back if the table is full.
    pub fn insert(&mut self, entry: T) -> Result<u32, T> {
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = Some(entry);
            return Ok(index);
        }
        if self.entries.len() >= self.limit {
            return Err(entry);
        }
        self.entries.push(Some(entry));
        Ok(self.entries.len() as u32 - 1)
    }

    /// The entry with this number.
    pub fn get(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.as_ref()
    }

    /// The entry with this number, to change.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entries.get_mut(index as usize)?.as_mut()
    }

    /// Takes an entry out.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let entry = self.entries.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
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
            .filter_map(|(index, entry)| Some((index as u32, entry.as_ref()?)))
    }
}
