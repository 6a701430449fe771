//! Names that have been looked up: a tree of entries, each with the handle that its server gave for it.
//!
//! An entry stays while something refers to it (working folders, open files, mounts, its own children) and as long after that as
//! there is room, so that the next look-up is free. Only trees that nobody else changes are answered from here.

use crate::proc::ProcNode;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_protocols::file::{Handle, Kind, Table};

/// Number of an entry.
pub type DentryId = u32;

/// Number of a server in the `Vfs`.
pub type ServerId = u32;

/// What an entry stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// A node of a server.
    Node {
        /// Whose.
        server: ServerId,
        /// Its handle.
        handle: Handle,
        /// Its number.
        id: u64,
        /// Its kind.
        kind: Kind,
    },
    /// A directory that exists only because something is mounted on it or below it.
    Phantom,
    /// A node of /proc.
    Proc(ProcNode),
}

/// One name.
pub struct Dentry {
    pub refs: u32,
    pub parent: Option<DentryId>,
    pub name: Box<[u8]>,
    pub children: BTreeMap<Box<[u8]>, DentryId>,
    pub body: Body,
    /// Its name is gone; it lives on for those who have it.
    pub deleted: bool,
}

/// All names.
pub struct Dentries {
    pub(crate) table: Table<Dentry>,
    /// Above this many, unused ones are dropped.
    limit: usize,
    /// Whether there is memory for unused ones.
    pub(crate) room: fn() -> bool,
    cursor: u32,
}

impl Dentries {
    pub fn new(limit: usize) -> Dentries {
        Dentries {
            table: Table::new(usize::MAX),
            limit,
            room: || true,
            cursor: 0,
        }
    }

    /// An entry. All numbers in use come from this table and are counted, so a missing one is answered like a lost name.
    pub fn get(&self, id: DentryId) -> Option<&Dentry> {
        self.table.get(id)
    }

    pub fn body(&self, id: DentryId) -> Body {
        self.table
            .get(id)
            .map_or(Body::Phantom, |dentry| dentry.body)
    }

    /// A root: an entry without parent or name.
    pub fn add_root(&mut self, body: Body) -> DentryId {
        self.insert(None, Box::default(), body)
    }

    /// A child. There must be none with this name.
    pub fn add(&mut self, parent: DentryId, name: &[u8], body: Body) -> DentryId {
        let id = self.insert(Some(parent), name.into(), body);
        if let Some(above) = self.table.get_mut(parent) {
            above.children.insert(name.into(), id);
            above.refs += 1;
        }
        id
    }

    fn insert(&mut self, parent: Option<DentryId>, name: Box<[u8]>, body: Body) -> DentryId {
        let dentry = Dentry {
            refs: 0,
            parent,
            name,
            children: BTreeMap::new(),
            body,
            deleted: false,
        };
        // 2^32 entries cannot fit into memory.
        self.table.insert(dentry).unwrap_or(u32::MAX)
    }

    pub fn child(&self, parent: DentryId, name: &[u8]) -> Option<DentryId> {
        self.table.get(parent)?.children.get(name).copied()
    }

    pub fn hold(&mut self, id: DentryId) {
        if let Some(dentry) = self.table.get_mut(id) {
            dentry.refs += 1;
        }
    }

    /// Gives a reference up; returns what its server should be told to forget.
    #[must_use]
    pub fn release(&mut self, id: DentryId) -> Vec<Body> {
        if let Some(dentry) = self.table.get_mut(id) {
            dentry.refs = dentry.refs.saturating_sub(1);
        }
        self.drop_if_dead(id)
    }

    /// Removes an entry (and then its parents) that is deleted and unused.
    fn drop_if_dead(&mut self, id: DentryId) -> Vec<Body> {
        let mut forgotten = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at {
            at = None;
            if self
                .table
                .get(id)
                .is_some_and(|dentry| dentry.deleted && dentry.refs == 0)
            {
                at = self.remove(id, &mut forgotten);
            }
        }
        forgotten
    }

    fn remove(&mut self, id: DentryId, forgotten: &mut Vec<Body>) -> Option<DentryId> {
        let dentry = self.table.remove(id)?;
        forgotten.push(dentry.body);
        let parent = dentry.parent?;
        let above = self.table.get_mut(parent)?;
        above.refs = above.refs.saturating_sub(1);
        if above.children.get(&dentry.name) == Some(&id) {
            above.children.remove(&dentry.name);
        }
        Some(parent)
    }

    /// The name is gone: it will not be found any more.
    #[must_use]
    pub fn delete(&mut self, id: DentryId) -> Vec<Body> {
        self.unhash(id);
        if let Some(dentry) = self.table.get_mut(id) {
            dentry.deleted = true;
        }
        self.drop_if_dead(id)
    }

    fn unhash(&mut self, id: DentryId) {
        let Some(dentry) = self.table.get(id) else {
            return;
        };
        let (parent, name) = (dentry.parent, dentry.name.clone());
        if let Some(above) = parent.and_then(|parent| self.table.get_mut(parent))
            && above.children.get(&name) == Some(&id)
        {
            above.children.remove(&name);
        }
    }

    /// Gives an entry another parent and name. The name must be free.
    #[must_use]
    pub fn rename(&mut self, id: DentryId, parent: DentryId, name: &[u8]) -> Vec<Body> {
        self.unhash(id);
        let Some(dentry) = self.table.get_mut(id) else {
            return Vec::new();
        };
        let old = dentry.parent.replace(parent);
        dentry.name = name.into();
        if let Some(above) = self.table.get_mut(parent) {
            above.children.insert(name.into(), id);
            above.refs += 1;
        }
        old.map_or_else(Vec::new, |old| self.release(old))
    }

    /// Drops unused entries while there are too many, or too many for the memory that is left, a bounded number at a time. No look-up may be under way.
    #[must_use]
    pub fn trim(&mut self) -> Vec<Body> {
        const STEPS: usize = 64;
        const FEW_PART: usize = 16;
        let mut forgotten = Vec::new();
        // Without memory, a few are enough.
        let few = self.limit / FEW_PART;
        let len = self.table.len();
        if len <= few || len <= self.limit && (self.room)() {
            return forgotten;
        }
        for _ in 0..STEPS {
            let id = self.cursor;
            self.cursor = if self.cursor as usize >= self.table.capacity() {
                0
            } else {
                self.cursor + 1
            };
            let unused = |dentry: &Dentry| dentry.refs == 0 && dentry.parent.is_some();
            if self.table.get(id).is_some_and(unused) {
                self.remove(id, &mut forgotten);
            }
        }
        forgotten
    }

    /// Whether `inner` is `outer` or below it.
    pub fn lies_within(&self, inner: DentryId, outer: DentryId) -> bool {
        let mut at = Some(inner);
        while let Some(id) = at {
            if id == outer {
                return true;
            }
            at = self.table.get(id).and_then(|dentry| dentry.parent);
        }
        false
    }
}
