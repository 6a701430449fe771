//! Making and removing names in directories.

use crate::directory::Directory;
use crate::inode::{Body, Index};
use crate::pages::Pages;
use crate::tree::Tmpfs;
use sundog_protocols::file::{FileError, Handle, Owner, Result, check_name};

/// Most names of one node.
const MAX_LINKS: u32 = 65_000;

impl<P: Pages> Tmpfs<P> {
    /// The directory behind a handle.
    pub(crate) fn dir(&self, handle: Handle) -> Result<Index> {
        let index = self.reference(handle)?.inode;
        self.inode(index)?.directory()?;
        Ok(index)
    }

    /// The node with this name.
    pub(crate) fn find(&self, dir: Index, name: &[u8]) -> Result<Option<Index>> {
        Ok(self.inode(dir)?.directory()?.find(name))
    }

    /// The directory behind `handle`, ready for the new name: it exists, and the name does not.
    pub(crate) fn place(&self, handle: Handle, name: &[u8]) -> Result<Index> {
        check_name(name)?;
        let dir = self.dir(handle)?;
        if self.find(dir, name)?.is_some() {
            return Err(FileError::EEXIST);
        }
        if self.inode(dir)?.links == 0 {
            return Err(FileError::ENOENT);
        }
        Ok(dir)
    }

    /// Makes a node with a name. A directory with the set-gid bit hands its group label, and to directories the bit, down.
    pub(crate) fn make(
        &mut self,
        at: Handle,
        name: &[u8],
        body: Body,
        mode: u32,
        owner: Owner,
    ) -> Result<Index> {
        const SET_GID: u32 = 0o2000;
        let dir = self.place(at, name)?;
        let parent = self.inode(dir)?;
        let (mut mode, mut owner) = (mode, owner);
        let is_dir = matches!(body, Body::Directory(_));
        if parent.mode & SET_GID != 0 {
            owner.gid = parent.gid;
            mode |= if is_dir { SET_GID } else { 0 };
        }
        self.room_for_handles()?;
        let index = self.new_inode(body, mode, owner)?;
        self.enter(dir, name, index)?;
        if is_dir {
            self.inode_mut(dir)?.links += 1;
        }
        Ok(index)
    }

    pub(crate) fn make_directory(
        &mut self,
        at: Handle,
        name: &[u8],
        mode: u32,
        owner: Owner,
    ) -> Result<Index> {
        let parent = self.dir(at)?;
        self.make(
            at,
            name,
            Body::Directory(Directory::new(parent)),
            mode,
            owner,
        )
    }

    /// Writes a name into a directory.
    pub(crate) fn enter(&mut self, dir: Index, name: &[u8], index: Index) -> Result<()> {
        let now = self.now();
        let parent = self.inode_mut(dir)?;
        parent.directory_mut()?.set(name, index);
        parent.touch_write(now);
        Ok(())
    }

    pub(crate) fn add_link(&mut self, node: Handle, at: Handle, name: &[u8]) -> Result<()> {
        let index = self.reference(node)?.inode;
        let dir = self.place(at, name)?;
        let inode = self.inode(index)?;
        if matches!(inode.body, Body::Directory(_)) {
            return Err(FileError::EPERM);
        }
        if inode.links == 0 {
            return Err(FileError::ENOENT);
        }
        if inode.links >= MAX_LINKS {
            return Err(FileError::EMLINK);
        }
        self.room_for_name()?;
        self.extra_links += 1;
        let now = self.now();
        let inode = self.inode_mut(index)?;
        inode.links += 1;
        inode.changed = now;
        self.enter(dir, name, index)
    }

    pub(crate) fn remove(&mut self, at: Handle, name: &[u8], directory: bool) -> Result<()> {
        check_name(name)?;
        let dir = self.dir(at)?;
        let index = self.find(dir, name)?.ok_or(FileError::ENOENT)?;
        self.removable(index, directory)?;
        let now = self.now();
        let parent = self.inode_mut(dir)?;
        parent.directory_mut()?.remove(name);
        parent.touch_write(now);
        self.drop_name(dir, index)
    }

    /// Whether the node may be removed as a directory (it must be empty) or as something else.
    pub(crate) fn removable(&self, index: Index, directory: bool) -> Result<()> {
        match (&self.inode(index)?.body, directory) {
            (Body::Directory(names), true) if names.len() != 0 => Err(FileError::ENOTEMPTY),
            (Body::Directory(_), false) => Err(FileError::EISDIR),
            (Body::Directory(_), true) => Ok(()),
            (_, true) => Err(FileError::ENOTDIR),
            (_, false) => Ok(()),
        }
    }

    /// Takes back what one name (in `dir`, already gone) counted for.
    pub(crate) fn drop_name(&mut self, dir: Index, index: Index) -> Result<()> {
        let now = self.now();
        let inode = self.inode_mut(index)?;
        inode.changed = now;
        if let Body::Directory(directory) = &mut inode.body {
            // The parent may be gone before this directory's last handle: it is a root of its own from now on.
            directory.parent = index;
            inode.links = 0;
            self.inode_mut(dir)?.links -= 1;
        } else {
            inode.links -= 1;
            if inode.links > 0 {
                self.extra_links -= 1;
            }
        }
        self.free_if_unused(index);
        Ok(())
    }
}
