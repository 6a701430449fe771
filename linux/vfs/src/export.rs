//! A folder of the namespace as a file tree for somebody else: nothing above it can be reached, and perhaps nothing changed.

use crate::constants::{O_DIRECTORY, O_RDONLY};
use crate::context::{Context, FileId};
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::outcome::Stop;
use crate::vfs::Vfs;
use alloc::vec::Vec;
use sundog_protocols::file::{
    Allocate, Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags, Owner,
    RenameFlags, Result, SetAttr, StatFs,
};

/// A folder that is shown to somebody else. It is found once; a later change of the namespace does not move it. What is mounted
/// below it is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    file: FileId,
    server: ServerId,
    root: Handle,
    read_only: bool,
}

/// An exported folder for the time of a request.
pub struct Exported<'a> {
    files: &'a mut dyn FileServer,
    root: Handle,
    read_only: bool,
}

impl Vfs {
    /// Exports a folder that the caller can search, read only if asked or if its mount is. The export keeps the folder until
    /// [`Vfs::end_export`]. `ENOTDIR`, `EOPNOTSUPP` for /proc, and what opening says.
    pub fn export(
        &mut self,
        cx: &Context<'_>,
        path: &[u8],
        read_only: bool,
    ) -> core::result::Result<Export, Errno> {
        let flags = O_RDONLY | O_DIRECTORY;
        let opened = self.open_file(cx, crate::constants::AT_FDCWD, path, flags, 0);
        let file = opened.map_err(|stop| match stop {
            Stop::Errno(error) => error,
            _ => Errno::EAGAIN,
        })?;
        let place = self.file(file)?.place;
        let body = place.map(|place| (place, self.dentries.body(place.dentry)));
        let Some((place, Body::Node { server, handle, .. })) = body else {
            self.release_file(file);
            return Err(Errno::EOPNOTSUPP);
        };
        let read_only = read_only || self.mounts.flags(place.mount).read_only;
        if !read_only {
            // Names can change behind this namespace's back from now on.
            self.written.insert(server);
        }
        Ok(Export {
            file,
            server,
            root: handle,
            read_only,
        })
    }

    /// An export, to serve a request.
    pub fn exported(&mut self, export: &Export) -> core::result::Result<Exported<'_>, Errno> {
        Ok(Exported {
            files: self.server(export.server)?,
            root: export.root,
            read_only: export.read_only,
        })
    }

    /// Gives an export up.
    pub fn end_export(&mut self, export: &Export) {
        self.release_file(export.file);
    }
}

impl Exported<'_> {
    fn change(&mut self) -> Result<&mut dyn FileServer> {
        if self.read_only {
            return Err(FileError::EROFS);
        }
        Ok(self.files)
    }
}

impl FileServer for Exported<'_> {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        if !tree.is_empty() {
            return Err(FileError::ENOENT);
        }
        Ok(Node {
            handle: self.root,
            attr: self.files.getattr(self.root)?,
        })
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        self.files.walk(dir, name)
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle> {
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
    ) -> Result<Created> {
        self.change()?.create(dir, name, flags, mode, owner)
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        self.files.read(file, offset, into)
    }

    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> Result<usize> {
        self.change()?.write(file, offset, from)
    }

    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        self.files.getattr(node)
    }

    fn setattr(&mut self, node: Handle, set: &SetAttr) -> Result<()> {
        self.change()?.setattr(node, set)
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        self.files.readdir(dir, cookie, entry)
    }

    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        self.files.readlink(node)
    }

    fn symlink(&mut self, dir: Handle, name: &[u8], target: &[u8], owner: Owner) -> Result<Node> {
        self.change()?.symlink(dir, name, target, owner)
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, owner: Owner) -> Result<Node> {
        self.change()?.mkdir(dir, name, mode, owner)
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
        self.change()?.mknod(dir, name, kind, mode, device, owner)
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()> {
        self.change()?.link(node, dir, name)
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> Result<()> {
        self.change()?.unlink(dir, name, directory)
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> Result<()> {
        self.change()?.rename(from, name, to, new, flags)
    }

    fn fsync(&mut self, file: Handle, data_only: bool) -> Result<()> {
        self.files.fsync(file, data_only)
    }

    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        self.files.statfs(node)
    }

    fn clunk(&mut self, handle: Handle) {
        // The root is the export's own.
        if handle != self.root {
            self.files.clunk(handle);
        }
    }

    fn allocate(&mut self, file: Handle, how: Allocate, offset: u64, length: u64) -> Result<()> {
        self.change()?.allocate(file, how, offset, length)
    }

    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> Result<u64> {
        self.files.seek(file, offset, hole)
    }
}
