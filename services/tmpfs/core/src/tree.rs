//! The tree: tables of nodes and handles, limits, and the life of a node.

use crate::data::Store;
use crate::directory::Directory;
use crate::inode::{Body, Index, Inode};
use crate::pages::Pages;

use alloc::boxed::Box;
use sundog_protocols::file::{FileError, Handle, Node, OpenFlags, Owner, Result, Table, Time};

/// Tells the present time.
pub trait Clock: Send {
    /// Now, UTC.
    fn now(&self) -> Time;
}

/// A clock that always tells the same time.
pub struct StoppedClock(pub Time);

impl Clock for StoppedClock {
    fn now(&self) -> Time {
        self.0
    }
}

impl<F: Fn() -> Time + Send> Clock for F {
    fn now(&self) -> Time {
        self()
    }
}

/// How much a tree may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Frames for file contents.
    pub pages: u64,
    /// Nodes and further hard links, together.
    pub nodes: usize,
    /// Handles at a time.
    pub handles: usize,
    /// Whether memory for the tree's own records may be taken; asked before each new node, name or block. Several trees may share it.
    pub room: fn() -> bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            pages: u64::MAX,
            nodes: 1 << 20,
            handles: 1 << 20,
            room: || true,
        }
    }
}

/// A node handle, or an open one with what it may do.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    pub inode: Index,
    pub open: Option<OpenFlags>,
}

/// A file system in memory. Serves one client; see [`sundog_protocols::file::FileServer`].
pub struct Tmpfs<P: Pages> {
    pub(crate) store: Store<P>,
    pub(crate) inodes: Table<Inode>,
    pub(crate) handles: Table<Reference>,
    pub(crate) limits: Limits,
    /// Hard links beyond each node's first name.
    pub(crate) extra_links: usize,
    clock: Box<dyn Clock>,
    next_id: u64,
    pub(crate) root: Index,
}

impl<P: Pages> Tmpfs<P> {
    /// An empty tree whose root has this mode and owner.
    pub fn new(
        pages: P,
        clock: Box<dyn Clock>,
        limits: Limits,
        mode: u32,
        owner: Owner,
    ) -> Tmpfs<P> {
        let mut inodes = Table::new(usize::MAX);
        let root = Inode::new(
            1,
            Body::Directory(Directory::new(0)),
            mode,
            owner,
            clock.now(),
        );
        // The first entry of an empty table without a limit: always index 0, which is the parent given above.
        let root = inodes.insert(root).unwrap_or(0);
        let store = Store {
            pages,
            used: 0,
            limit: limits.pages,
            room: limits.room,
        };
        Tmpfs {
            store,
            inodes,
            handles: Table::new(limits.handles),
            limits,
            extra_links: 0,
            clock,
            next_id: 2,
            root,
        }
    }

    /// The frames' owner.
    pub fn pages(&self) -> &P {
        &self.store.pages
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn inode(&self, index: Index) -> Result<&Inode> {
        self.inodes.get(index).ok_or(FileError::EIO)
    }

    pub(crate) fn inode_mut(&mut self, index: Index) -> Result<&mut Inode> {
        self.inodes.get_mut(index).ok_or(FileError::EIO)
    }

    pub(crate) fn reference(&self, handle: Handle) -> Result<Reference> {
        self.handles.get(handle.0).copied().ok_or(FileError::EBADF)
    }

    /// The node of an open handle that may do `needed`.
    pub(crate) fn opened(&self, handle: Handle, needed: OpenFlags) -> Result<Index> {
        let reference = self.reference(handle)?;
        match reference.open {
            Some(flags) if flags.has(needed) => Ok(reference.inode),
            _ => Err(FileError::EBADF),
        }
    }

    pub(crate) fn new_handle(&mut self, inode: Index, open: Option<OpenFlags>) -> Result<Handle> {
        let handle = self
            .handles
            .insert(Reference { inode, open })
            .map_err(|_| FileError::EMFILE)?;
        self.inode_mut(inode)?.handles += 1;
        Ok(Handle(handle))
    }

    pub(crate) fn new_node(&mut self, inode: Index) -> Result<Node> {
        let handle = self.new_handle(inode, None)?;
        Ok(Node {
            handle,
            attr: self.inode(inode)?.attr(),
        })
    }

    /// Puts a new inode into the table; it has no name yet.
    pub(crate) fn new_inode(&mut self, body: Body, mode: u32, owner: Owner) -> Result<Index> {
        self.room_for_name()?;
        let inode = Inode::new(self.next_id, body, mode, owner, self.now());
        let index = self.inodes.insert(inode).map_err(|_| FileError::ENOSPC)?;
        self.next_id += 1;
        Ok(index)
    }

    /// Whether the handles for a new node and its open file can be made, so that nothing is made that cannot be handed out.
    pub(crate) fn room_for_handles(&self) -> Result<()> {
        if self.handles.len() + 2 > self.limits.handles {
            Err(FileError::EMFILE)
        } else {
            Ok(())
        }
    }

    pub(crate) fn room_for_name(&self) -> Result<()> {
        if self.inodes.len() + self.extra_links >= self.limits.nodes {
            Err(FileError::ENOSPC)
        } else {
            self.room_for_record()
        }
    }

    /// Whether memory for a node, a name or a longer name may be taken.
    pub(crate) fn room_for_record(&self) -> Result<()> {
        if (self.limits.room)() {
            Ok(())
        } else {
            Err(FileError::ENOSPC)
        }
    }

    /// Frees a node that has neither names nor handles.
    pub(crate) fn free_if_unused(&mut self, index: Index) {
        let unused = self
            .inodes
            .get(index)
            .is_some_and(|inode| inode.links == 0 && inode.handles == 0);
        if !unused {
            return;
        }
        if let Some(Inode {
            body: Body::File(mut data),
            ..
        }) = self.inodes.remove(index)
        {
            data.clear(&mut self.store);
        }
    }
}
