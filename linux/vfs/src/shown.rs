//! A file tree, or a part of one, as somebody is shown it: nothing above the part, perhaps nothing changed, and nodes with numbers
//! that say nothing of the rest.

use crate::numbers::Numbers;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::DerefMut;
use sundog_protocols::file::{
    self, Allocate, Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags,
    Owner, RenameFlags, SetAttr, StatFs,
};

/// A tree of `F`, whose nodes are numbered by `N`.
pub struct Shown<F, N> {
    files: F,
    numbers: N,
    /// The folder or file that is the root; nothing if it is the whole tree, which nobody else has then.
    root: Option<Handle>,
    read_only: bool,
}

impl Shown<Box<dyn FileServer>, Box<Numbers>> {
    /// The whole of a tree that nobody else has.
    pub fn whole(files: Box<dyn FileServer>, numbers: Numbers) -> Self {
        Shown {
            files,
            numbers: Box::new(numbers),
            root: None,
            read_only: false,
        }
    }
}

impl<F, N> Shown<F, N> {
    /// What lies at and below `root`.
    pub(crate) fn part(files: F, numbers: N, root: Handle, read_only: bool) -> Self {
        Shown {
            files,
            numbers,
            root: Some(root),
            read_only,
        }
    }
}

impl<F, N> Shown<F, N>
where
    F: DerefMut,
    F::Target: FileServer,
    N: DerefMut<Target = Numbers>,
{
    fn change(&mut self) -> file::Result<&mut F::Target> {
        if self.read_only {
            return Err(FileError::EROFS);
        }
        Ok(&mut self.files)
    }

    fn numbered(&mut self, node: Node) -> Node {
        let id = self.numbers.of(node.attr.id);
        Node {
            attr: Attr { id, ..node.attr },
            ..node
        }
    }
}

impl<F, N> FileServer for Shown<F, N>
where
    F: DerefMut + Send,
    F::Target: FileServer,
    N: DerefMut<Target = Numbers> + Send,
{
    fn attach(&mut self, tree: &[u8]) -> file::Result<Node> {
        let Some(root) = self.root else {
            let node = self.files.attach(tree)?;
            return Ok(self.numbered(node));
        };
        if !tree.is_empty() {
            return Err(FileError::ENOENT);
        }
        Ok(Node {
            handle: root,
            attr: self.getattr(root)?,
        })
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> file::Result<Node> {
        let node = self.files.walk(dir, name)?;
        Ok(self.numbered(node))
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> file::Result<Handle> {
        if flags.has(OpenFlags::WRITE) || flags.has(OpenFlags::TRUNCATE) {
            return self.change()?.open(node, flags);
        }
        self.files.open(node, flags)
    }

    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        flags: OpenFlags,
        mode: u32,
        owner: Owner,
    ) -> file::Result<Created> {
        let made = self.change()?.create(dir, name, flags, mode, owner)?;
        Ok(Created {
            node: self.numbered(made.node),
            ..made
        })
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> file::Result<usize> {
        self.files.read(file, offset, into)
    }

    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> file::Result<usize> {
        self.change()?.write(file, offset, from)
    }

    fn getattr(&mut self, node: Handle) -> file::Result<Attr> {
        let attr = self.files.getattr(node)?;
        let id = self.numbers.of(attr.id);
        Ok(Attr { id, ..attr })
    }

    fn setattr(&mut self, node: Handle, set: &SetAttr) -> file::Result<()> {
        self.change()?.setattr(node, set)
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> file::Result<()> {
        let numbers = &mut *self.numbers;
        self.files.readdir(dir, cookie, &mut |found| {
            entry(DirEntry {
                id: numbers.of(found.id),
                ..found
            })
        })
    }

    fn readlink(&mut self, node: Handle) -> file::Result<Vec<u8>> {
        self.files.readlink(node)
    }

    fn symlink(
        &mut self,
        dir: Handle,
        name: &[u8],
        target: &[u8],
        owner: Owner,
    ) -> file::Result<Node> {
        let node = self.change()?.symlink(dir, name, target, owner)?;
        Ok(self.numbered(node))
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, owner: Owner) -> file::Result<Node> {
        let node = self.change()?.mkdir(dir, name, mode, owner)?;
        Ok(self.numbered(node))
    }

    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: u64,
        owner: Owner,
    ) -> file::Result<Node> {
        let node = self.change()?.mknod(dir, name, kind, mode, device, owner)?;
        Ok(self.numbered(node))
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> file::Result<()> {
        self.change()?.link(node, dir, name)
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> file::Result<()> {
        self.change()?.unlink(dir, name, directory)
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> file::Result<()> {
        self.change()?.rename(from, name, to, new, flags)
    }

    fn fsync(&mut self, file: Handle, data_only: bool) -> file::Result<()> {
        self.files.fsync(file, data_only)
    }

    fn statfs(&mut self, node: Handle) -> file::Result<StatFs> {
        let all = self.files.statfs(node)?;
        if !self.read_only {
            return Ok(all);
        }
        // How much there is beside the part that is shown is nobody's business who can add nothing.
        Ok(StatFs {
            blocks: 0,
            free: 0,
            nodes: 0,
            free_nodes: 0,
            ..all
        })
    }

    fn clunk(&mut self, handle: Handle) {
        // The root of a part is not the client's own.
        if Some(handle) != self.root {
            self.files.clunk(handle);
        }
    }

    fn allocate(
        &mut self,
        file: Handle,
        how: Allocate,
        offset: u64,
        length: u64,
    ) -> file::Result<()> {
        self.change()?.allocate(file, how, offset, length)
    }

    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> file::Result<u64> {
        self.files.seek(file, offset, hole)
    }

    fn page(&mut self, file: Handle, index: u64, write: bool) -> file::Result<Option<u64>> {
        match self.root {
            Some(_) => Err(FileError::ENODEV),
            None => self.files.page(file, index, write),
        }
    }

    fn private(&self) -> bool {
        self.root.is_none() && self.files.private()
    }
}
