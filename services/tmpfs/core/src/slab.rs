//! A table with small stable numbers: entries are found by index, free places are used again.

use alloc::vec::Vec;

/// Entries by number.
pub struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    limit: usize,
}

impl<T> Slab<T> {
    /// Holds at most `limit` entries.
    pub fn new(limit: usize) -> Slab<T> {
        Slab {
            entries: Vec::new(),
            free: Vec::new(),
            limit: limit.min(u32::MAX as usize),
        }
    }

    /// Puts an entry in; gives it back if the table is full.
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

    pub fn get(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entries.get_mut(index as usize)?.as_mut()
    }

    pub fn remove(&mut self, index: u32) -> Option<T> {
        let entry = self.entries.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(entry)
    }

    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
