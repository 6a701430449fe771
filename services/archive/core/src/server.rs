//! The archive as a file server: everything can be read, nothing changed.

use crate::entry::ArchiveError;
use crate::index::{Node as Indexed, build};
use alloc::vec::Vec;
use sundog_protocols::file::{
    Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags, Owner,
    RenameFlags, Result, SetAttr, StatFs, Table, check_name,
};

/// Handles at a time.
const MAX_HANDLES: usize = 1 << 20;
/// Linux's `RAMFS_MAGIC`, which its own boot archives have.
const MAGIC: u32 = 0x8584_58f6;

/// A mounted archive over bytes that somebody keeps, such as `&'static [u8]`.
pub struct Archive<B> {
    bytes: B,
    nodes: Vec<Indexed>,
    handles: Table<(u32, bool)>,
}

impl<B: AsRef<[u8]> + Send> Archive<B> {
    /// Reads the whole archive and builds its index. The bytes must not change afterwards.
    pub fn new(bytes: B) -> core::result::Result<Archive<B>, ArchiveError> {
        let nodes = build(bytes.as_ref())?;
        Ok(Archive {
            bytes,
            nodes,
            handles: Table::new(MAX_HANDLES),
        })
    }

    fn lookup(&self, handle: Handle) -> Result<(u32, bool)> {
        self.handles.get(handle.0).copied().ok_or(FileError::EBADF)
    }

    fn node(&self, index: u32) -> Result<&Indexed> {
        self.nodes.get(index as usize).ok_or(FileError::EIO)
    }

    fn opened(&self, handle: Handle) -> Result<&Indexed> {
        match self.lookup(handle)? {
            (index, true) => self.node(index),
            _ => Err(FileError::EBADF),
        }
    }

    /// Bytes of a range; empty if the bytes shrank behind our back.
    fn slice(&self, range: core::ops::Range<usize>) -> &[u8] {
        self.bytes.as_ref().get(range).unwrap_or(&[])
    }

    fn hand_out(&mut self, index: u32) -> Result<Node> {
        let attr = self.node(index)?.attr;
        let handle = self
            .handles
            .insert((index, false))
            .map_err(|_| FileError::EMFILE)?;
        Ok(Node {
            handle: Handle(handle),
            attr,
        })
    }

    /// The answer to every change: the right error if the arguments are wrong, else that the tree is read only.
    fn refuse<T>(&self, dir: Handle, name: &[u8], must_be_new: bool) -> Result<T> {
        check_name(name)?;
        let (index, _) = self.lookup(dir)?;
        let found = self.find(index, name)?;
        Err(if must_be_new && found.is_some() {
            FileError::EEXIST
        } else {
            FileError::EROFS
        })
    }

    fn find(&self, dir: u32, name: &[u8]) -> Result<Option<u32>> {
        let node = self.node(dir)?;
        if node.attr.kind != Kind::Directory {
            return Err(FileError::ENOTDIR);
        }
        let position = node
            .names
            .binary_search_by(|(range, _)| self.slice(range.clone()).cmp(name));
        Ok(position.ok().map(|position| node.names[position].1))
    }
}

impl<B: AsRef<[u8]> + Send> FileServer for Archive<B> {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        if tree.is_empty() {
            self.hand_out(0)
        } else {
            Err(FileError::ENOENT)
        }
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        check_name(name)?;
        let (dir, _) = self.lookup(dir)?;
        let index = self.find(dir, name)?.ok_or(FileError::ENOENT)?;
        self.hand_out(index)
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle> {
        let (index, _) = self.lookup(node)?;
        let writes = flags.has(OpenFlags::WRITE) || flags.has(OpenFlags::TRUNCATE);
        match self.node(index)?.attr.kind {
            Kind::Directory if writes => return Err(FileError::EISDIR),
            Kind::Regular if writes => return Err(FileError::EROFS),
            Kind::Directory | Kind::Regular => {}
            _ => return Err(FileError::EOPNOTSUPP),
        }
        self.handles
            .insert((index, true))
            .map(Handle)
            .map_err(|_| FileError::EMFILE)
    }

    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        _: OpenFlags,
        _: u32,
        _: Owner,
    ) -> Result<Created> {
        self.refuse(dir, name, true)
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        let node = self.opened(file)?;
        if node.attr.kind != Kind::Regular {
            return Err(FileError::EISDIR);
        }
        let data = self.slice(node.data.clone());
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| data.get(offset..))
            .unwrap_or(&[]);
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, file: Handle, _: u64, _: &[u8]) -> Result<usize> {
        self.lookup(file)?;
        Err(FileError::EBADF)
    }

    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        let (index, _) = self.lookup(node)?;
        Ok(self.node(index)?.attr)
    }

    fn setattr(&mut self, node: Handle, _: &SetAttr) -> Result<()> {
        self.lookup(node)?;
        Err(FileError::EROFS)
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let node = self.opened(dir)?;
        if node.attr.kind != Kind::Directory {
            return Err(FileError::ENOTDIR);
        }
        let from = usize::try_from(cookie).unwrap_or(usize::MAX);
        for (position, (name, index)) in node.names.iter().enumerate().skip(from) {
            let child = &self.node(*index)?.attr;
            let name = self.slice(name.clone());
            if !entry(DirEntry {
                id: child.id,
                next: position as u64 + 1,
                kind: child.kind,
                name,
            }) {
                break;
            }
        }
        Ok(())
    }

    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        let (index, _) = self.lookup(node)?;
        let node = self.node(index)?;
        if node.attr.kind != Kind::Symlink {
            return Err(FileError::EINVAL);
        }
        Ok(self.slice(node.data.clone()).to_vec())
    }

    fn symlink(&mut self, dir: Handle, name: &[u8], _: &[u8], _: Owner) -> Result<Node> {
        self.refuse(dir, name, true)
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], _: u32, _: Owner) -> Result<Node> {
        self.refuse(dir, name, true)
    }

    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        _: Kind,
        _: u32,
        _: u64,
        _: Owner,
    ) -> Result<Node> {
        self.refuse(dir, name, true)
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()> {
        self.lookup(node)?;
        self.refuse(dir, name, true)
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], _: bool) -> Result<()> {
        self.refuse(dir, name, false)
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        _: RenameFlags,
    ) -> Result<()> {
        self.lookup(to)?;
        check_name(new)?;
        self.refuse(from, name, false)
    }

    fn fsync(&mut self, file: Handle, _: bool) -> Result<()> {
        self.opened(file).map(|_| ())
    }

    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        self.lookup(node)?;
        // As for Linux's own boot archive, which has no size either.
        Ok(StatFs {
            magic: MAGIC,
            block_size: 4096,
            blocks: 0,
            free: 0,
            nodes: 0,
            free_nodes: 0,
        })
    }

    fn clunk(&mut self, handle: Handle) {
        self.handles.remove(handle.0);
    }

    fn private(&self) -> bool {
        true
    }
}
