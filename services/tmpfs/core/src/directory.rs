//! A directory's names: found by name, listed in the order they were made.

use crate::inode::Index;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

/// An entry: where it is in the listing, and its node.
#[derive(Clone, Copy)]
pub struct Entry {
    pub cookie: u64,
    pub inode: Index,
}

/// Names of a directory.
pub struct Directory {
    names: BTreeMap<Arc<[u8]>, Entry>,
    order: BTreeMap<u64, Arc<[u8]>>,
    next: u64,
    /// The directory that holds it (itself for the root).
    pub parent: Index,
}

impl Directory {
    pub fn new(parent: Index) -> Directory {
        Directory {
            names: BTreeMap::new(),
            order: BTreeMap::new(),
            next: 0,
            parent,
        }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn find(&self, name: &[u8]) -> Option<Index> {
        self.names.get(name).map(|entry| entry.inode)
    }

    /// Adds a name, or lets an existing one stand for another node.
    pub fn set(&mut self, name: &[u8], inode: Index) {
        if let Some(entry) = self.names.get_mut(name) {
            entry.inode = inode;
            return;
        }
        let name: Arc<[u8]> = Arc::from(name);
        self.order.insert(self.next, name.clone());
        self.names.insert(
            name,
            Entry {
                cookie: self.next,
                inode,
            },
        );
        self.next += 1;
    }

    pub fn remove(&mut self, name: &[u8]) {
        if let Some(entry) = self.names.remove(name) {
            self.order.remove(&entry.cookie);
        }
    }

    /// Entries from `cookie` on: (where to go on, name, node).
    pub fn list(&self, cookie: u64) -> impl Iterator<Item = (u64, &[u8], Index)> {
        self.order
            .range(cookie..)
            .filter_map(|(at, name)| Some((at + 1, &name[..], self.names.get(name)?.inode)))
    }
}
