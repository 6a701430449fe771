//! Things named by small numbers, which are used again.
use crate::Errno;
use alloc::vec::Vec;

/// A table of values under the lowest free numbers.
#[derive(Debug)]
pub struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Makes room for one more value.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn reserve_one(&mut self) -> Result<(), Errno> {
        if self.free.is_empty() {
            self.items.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        }
        Ok(())
    }

    /// Takes the memory for so many values at once, so that none is asked for while there are no more.
    pub fn reserve(&mut self, count: usize) {
        self.items
            .reserve_exact(count.saturating_sub(self.items.len()));
        self.free
            .reserve_exact(count.saturating_sub(self.free.len()));
    }

    /// Stores a value and returns its number.
    pub fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.items[index as usize] = Some(item);
            return index;
        }
        self.items.push(Some(item));
        (self.items.len() - 1) as u32
    }

    /// Takes a value out; its number is free then.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let item = self.items.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(item)
    }

    /// The value under a number.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)?.as_ref()
    }

    /// The value under a number, to change.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.items.get_mut(index as usize)?.as_mut()
    }

    /// The values under two numbers that differ, the second to change.
    pub fn get_two(&mut self, first: u32, second: u32) -> Option<(&T, &mut T)> {
        let items = self
            .items
            .get_disjoint_mut([first as usize, second as usize]);
        let [first, second] = items.ok()?;
        Some((first.as_ref()?, second.as_mut()?))
    }

    /// All values, to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    /// All values with their numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((index as u32, item.as_ref()?)))
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
