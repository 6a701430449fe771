//! The tree as a file server.

use crate::data::Data;
use crate::inode::{Body, Inode};
use crate::pages::{PAGE, Pages};
use crate::tree::Tmpfs;
use alloc::vec::Vec;
use sundog_protocols::file::{
    Allocate, Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags, Owner,
    RenameFlags, Result, SetAttr, SetTime, StatFs, Time, check_name,
};

/// Longest text of a symbolic link.
const MAX_TARGET: usize = 4095;
/// Linux's `TMPFS_MAGIC`.
const MAGIC: u32 = 0x0102_1994;

fn time_to_set(set: SetTime, now: Time) -> Time {
    match set {
        SetTime::Now => now,
        SetTime::At(time) => time,
    }
}

impl<P: Pages> Tmpfs<P> {
    /// A file's data and the store at once.
    fn with_data<T>(
        &mut self,
        index: u32,
        act: impl FnOnce(&mut Data, &mut crate::data::Store<P>) -> Result<T>,
    ) -> Result<T> {
        let inode = self.inodes.get_mut(index).ok_or(FileError::EIO)?;
        act(inode.data()?, &mut self.store)
    }

    fn touch(&mut self, index: u32, act: impl FnOnce(&mut Inode, Time)) {
        let now = self.now();
        if let Some(inode) = self.inodes.get_mut(index) {
            act(inode, now);
        }
    }
}

impl<P: Pages> FileServer for Tmpfs<P> {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        if !tree.is_empty() {
            return Err(FileError::ENOENT);
        }
        self.new_node(self.root)
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        check_name(name)?;
        let dir = self.dir(dir)?;
        let index = self.find(dir, name)?.ok_or(FileError::ENOENT)?;
        self.new_node(index)
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle> {
        let index = self.reference(node)?.inode;
        match self.inode(index)?.body {
            Body::Directory(_) if flags.has(OpenFlags::WRITE) || flags.has(OpenFlags::TRUNCATE) => {
                return Err(FileError::EISDIR);
            }
            Body::Directory(_) | Body::File(_) => {}
            _ => return Err(FileError::EOPNOTSUPP),
        }
        let truncate = flags.has(OpenFlags::TRUNCATE);
        if truncate && !flags.has(OpenFlags::WRITE) {
            return Err(FileError::EINVAL);
        }
        let handle = self.new_handle(index, Some(flags))?;
        if truncate {
            self.with_data(index, |data, store| data.resize(store, 0))?;
            self.touch(index, Inode::touch_write);
        }
        Ok(handle)
    }

    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        flags: OpenFlags,
        mode: u32,
        owner: Owner,
    ) -> Result<Created> {
        let index = self.make(dir, name, Body::File(Data::default()), mode, owner)?;
        let node = self.new_node(index)?;
        let open = self.new_handle(index, Some(flags))?;
        Ok(Created { node, open })
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        let index = self.opened(file, OpenFlags::READ)?;
        let count = self.with_data(index, |data, store| Ok(data.read(store, offset, into)))?;
        self.touch(index, Inode::touch_read);
        Ok(count)
    }

    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> Result<usize> {
        let index = self.opened(file, OpenFlags::WRITE)?;
        let append = self
            .reference(file)?
            .open
            .is_some_and(|flags| flags.has(OpenFlags::APPEND));
        let count = self.with_data(index, |data, store| {
            let offset = if append { data.size() } else { offset };
            data.write(store, offset, from)
        })?;
        self.touch(index, Inode::touch_write);
        Ok(count)
    }

    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        Ok(self.inode(self.reference(node)?.inode)?.attr())
    }

    fn setattr(&mut self, node: Handle, set: &SetAttr) -> Result<()> {
        let index = self.reference(node)?.inode;
        if let Some(size) = set.size {
            self.with_data(index, |data, store| data.resize(store, size))?;
        }
        let now = self.now();
        let inode = self.inode_mut(index)?;
        if set.size.is_some() {
            inode.modified = now;
        }
        inode.mode = set.mode.map_or(inode.mode, |mode| mode & 0o7777);
        inode.uid = set.uid.unwrap_or(inode.uid);
        inode.gid = set.gid.unwrap_or(inode.gid);
        inode.accessed = set
            .accessed
            .map_or(inode.accessed, |time| time_to_set(time, now));
        inode.modified = set
            .modified
            .map_or(inode.modified, |time| time_to_set(time, now));
        inode.changed = now;
        Ok(())
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let index = self.opened(dir, OpenFlags::default())?;
        for (next, name, child) in self.inode(index)?.directory()?.list(cookie) {
            let child = self.inode(child)?;
            if !entry(DirEntry {
                id: child.id,
                next,
                kind: child.kind(),
                name,
            }) {
                break;
            }
        }
        self.touch(index, Inode::touch_read);
        Ok(())
    }

    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        match &self.inode(self.reference(node)?.inode)?.body {
            Body::Symlink(text) => Ok(text.to_vec()),
            _ => Err(FileError::EINVAL),
        }
    }

    fn symlink(&mut self, dir: Handle, name: &[u8], target: &[u8], owner: Owner) -> Result<Node> {
        if target.is_empty() {
            return Err(FileError::ENOENT);
        }
        if target.len() > MAX_TARGET {
            return Err(FileError::ENAMETOOLONG);
        }
        let index = self.make(dir, name, Body::Symlink(target.into()), 0o777, owner)?;
        self.new_node(index)
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, owner: Owner) -> Result<Node> {
        let index = self.make_directory(dir, name, mode, owner)?;
        self.new_node(index)
    }

    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: u64,
        owner: Owner,
    ) -> Result<Node> {
        let body = match kind {
            Kind::Directory | Kind::Symlink => return Err(FileError::EINVAL),
            Kind::Regular => Body::File(Data::default()),
            Kind::CharDevice | Kind::BlockDevice => Body::Special(kind, device),
            Kind::Fifo | Kind::Socket => Body::Special(kind, 0),
        };
        let index = self.make(dir, name, body, mode, owner)?;
        self.new_node(index)
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()> {
        self.add_link(node, dir, name)
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> Result<()> {
        self.remove(dir, name, directory)
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> Result<()> {
        self.move_name((from, name), (to, new), flags)
    }

    fn fsync(&mut self, file: Handle, _data_only: bool) -> Result<()> {
        self.opened(file, OpenFlags::default()).map(|_| ())
    }

    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        self.reference(node)?;
        let unlimited = self.store.limit == u64::MAX;
        let nodes = self.limits.nodes as u64;
        Ok(StatFs {
            magic: MAGIC,
            block_size: PAGE as u32,
            blocks: if unlimited { 0 } else { self.store.limit },
            free: if unlimited {
                0
            } else {
                self.store.limit - self.store.used
            },
            nodes,
            free_nodes: nodes.saturating_sub((self.inodes.len() + self.extra_links) as u64),
        })
    }

    fn clunk(&mut self, handle: Handle) {
        let Some(reference) = self.handles.remove(handle.0) else {
            return;
        };
        if let Some(inode) = self.inodes.get_mut(reference.inode) {
            inode.handles -= 1;
            self.free_if_unused(reference.inode);
        }
    }

    fn allocate(&mut self, file: Handle, how: Allocate, offset: u64, length: u64) -> Result<()> {
        let index = self.opened(file, OpenFlags::WRITE)?;
        let end = offset
            .checked_add(length)
            .filter(|&end| end <= crate::data::MAX_SIZE)
            .ok_or(FileError::EFBIG)?;
        self.with_data(index, |data, store| {
            match how {
                Allocate::Extend | Allocate::KeepSize => data.reserve(store, offset, length)?,
                Allocate::PunchHole | Allocate::ZeroRange => data.punch(store, offset, length),
            }
            if matches!(how, Allocate::Extend | Allocate::ZeroRange) && end > data.size() {
                data.grow(end);
            }
            Ok(())
        })?;
        self.touch(index, Inode::touch_write);
        Ok(())
    }

    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> Result<u64> {
        let index = self.opened(file, OpenFlags::default())?;
        self.with_data(index, |data, _| data.seek(offset, hole))
    }

    fn page(&mut self, file: Handle, index: u64, write: bool) -> Result<Option<u64>> {
        let flags = if write {
            OpenFlags::WRITE
        } else {
            OpenFlags::READ
        };
        let inode = self.opened(file, flags)?;
        self.with_data(inode, |data, store| {
            if index >= data.size().div_ceil(PAGE as u64) {
                return Err(FileError::ENXIO);
            }
            // A hole gets its block when it is mapped, also for reading (as on Linux): what is written to the file later
            // must show in the mapping.
            data.block(store, index).map(Some)
        })
    }

    fn private(&self) -> bool {
        true
    }
}
