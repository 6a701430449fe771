//! The operations of the file protocol on the host's files.
use super::{Entry, Tree, attr, component, error, host_error};
use crate::listing::Listing;
use rustix::fs::{
    AtFlags, FallocateFlags, FileType, Mode, OFlags, RenameFlags as HostRename, SeekFrom,
    fallocate, fcntl_setfl, fdatasync, fstatfs, fsync, ftruncate, mkdirat, mknodat, renameat_with,
    seek, symlinkat, unlinkat,
};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};
use std::os::fd::{AsFd, OwnedFd};
use sundog_host_sys::calls::Access;
use sundog_protocols::file::{
    Allocate, Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags, Owner,
    RenameFlags, Result, SetAttr, StatFs,
};

/// The longest text of a symbolic link.
const MOST_TEXT: usize = 4096;

/// Offsets of the host have a sign.
fn within_reach(offset: u64) -> Result<()> {
    i64::try_from(offset)
        .map(drop)
        .map_err(|_| FileError::EINVAL)
}

impl Tree {
    /// A handle for a file or folder that was opened.
    fn opened(
        &mut self,
        node: Handle,
        flags: OpenFlags,
        open: impl FnOnce(&Tree, &Entry) -> Result<OwnedFd>,
    ) -> Result<Handle> {
        let taken = self.take_handle()?;
        let entry = self.entry(node)?;
        let (kind, device) = (entry.kind, entry.device);
        let descriptor = open(self, entry)?;
        let listing = (kind == Kind::Directory).then(|| Listing::new(&self.shared.places));
        self.insert(Entry {
            descriptor,
            kind,
            device,
            open: Some(flags),
            listing,
            _taken: taken,
        })
    }

    fn set_size(&self, node: Handle, size: u64) -> Result<()> {
        match self.entry(node)?.kind {
            Kind::Regular => self.with_writable(node, |file| ftruncate(file, size)),
            Kind::Directory => Err(FileError::EISDIR),
            _ => Err(FileError::EINVAL),
        }
    }
}

impl FileServer for Tree {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        if !tree.is_empty() {
            return Err(FileError::ENOENT);
        }
        let taken = self.take_handle()?;
        let root = self.root_copy()?;
        self.node(root, taken)
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        let taken = self.take_handle()?;
        self.down(dir, name, taken)
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle> {
        let [read, write, truncate, append] = [
            OpenFlags::READ,
            OpenFlags::WRITE,
            OpenFlags::TRUNCATE,
            OpenFlags::APPEND,
        ]
        .map(|flag| flags.has(flag));
        if !write && (!read || truncate) {
            return Err(FileError::EINVAL);
        }
        self.opened(node, flags, |tree, entry| {
            match entry.kind {
                Kind::Directory if write => return Err(FileError::EISDIR),
                Kind::Regular if write => tree.may_change()?,
                Kind::Directory | Kind::Regular => {}
                _ => return Err(FileError::EOPNOTSUPP),
            }
            let access = Access {
                read,
                write,
                truncate,
                append,
            };
            let node = entry.descriptor.as_fd();
            tree.shared.calls.open(node, access).map_err(error)
        })
    }

    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        flags: OpenFlags,
        mode: u32,
        _owner: Owner,
    ) -> Result<Created> {
        let (taken, more) = (self.take_handle()?, self.take_handle()?);
        let (folder, place) = self.place(dir, name, true)?;
        let calls = &self.shared.calls;
        let open = calls.create(folder, &place, mode).map_err(error)?;
        if flags.has(OpenFlags::APPEND) {
            fcntl_setfl(&open, OFlags::APPEND | OFlags::NONBLOCK).map_err(host_error)?;
        }
        // The node's own descriptor does not keep the file open for writing, else the host could not run what was just built. If the
        // name stands for something else by now, it does.
        let made = self.status(open.as_fd())?;
        let node = calls.node(folder, &place).ok().filter(|node| {
            let found = self.status(node.as_fd());
            found.is_ok_and(|found| (found.device, found.number) == (made.device, made.number))
        });
        let node = match node {
            Some(node) => node,
            None => rustix::io::fcntl_dupfd_cloexec(&open, 3).map_err(host_error)?,
        };
        let node = self.node(node, taken)?;
        let device = self.entry(node.handle)?.device;
        let open = self.insert(Entry {
            descriptor: open,
            kind: Kind::Regular,
            device,
            open: Some(flags),
            listing: None,
            _taken: more,
        })?;
        Ok(Created { node, open })
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        within_reach(offset)?;
        let file = self.file(file, OpenFlags::READ)?;
        let mut count = 0;
        while count < into.len() {
            let place = offset.checked_add(count as u64).ok_or(FileError::EINVAL)?;
            match retry_on_intr(|| pread(file, &mut into[count..], place)) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if count == 0 => return Err(host_error(error)),
                Err(_) => break,
            }
        }
        Ok(count)
    }

    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> Result<usize> {
        within_reach(offset)?;
        let file = self.file(file, OpenFlags::WRITE)?;
        retry_on_intr(|| pwrite(file, from, offset)).map_err(host_error)
    }

    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        self.attr_of(node)
    }

    /// In this order: size, owner, mode, times; what comes behind one that fails is left alone.
    fn setattr(&mut self, node: Handle, set: &SetAttr) -> Result<()> {
        let descriptor = self.entry(node)?.descriptor.as_fd();
        self.may_change()?;
        if let Some(size) = set.size {
            self.set_size(node, size)?;
        }
        let calls = &self.shared.calls;
        if set.uid.is_some() || set.gid.is_some() {
            let same = u32::MAX;
            let (user, group) = (set.uid.unwrap_or(same), set.gid.unwrap_or(same));
            calls.chown(descriptor, user, group).map_err(error)?;
        }
        if let Some(mode) = set.mode {
            calls.chmod(descriptor, mode & 0o7777).map_err(error)?;
        }
        if set.accessed.is_some() || set.modified.is_some() {
            let (accessed, modified) = (attr::moment(set.accessed), attr::moment(set.modified));
            calls.times(descriptor, accessed, modified).map_err(error)?;
        }
        Ok(())
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let calls = self.shared.calls.clone();
        let open = self.entries.get_mut(dir.0).ok_or(FileError::EBADF)?;
        if open.kind != Kind::Directory {
            return Err(FileError::ENOTDIR);
        }
        let (folder, device) = (&open.descriptor, open.device);
        let listing = open.listing.as_mut().ok_or(FileError::EBADF)?;
        let mut kind = |name: &std::ffi::CStr| {
            let node = calls.node(folder.as_fd(), name).ok()?;
            Kind::from_mode(calls.status(node.as_fd()).ok()?.mode)
        };
        listing.list(folder, cookie, &mut kind, |found| {
            entry(DirEntry {
                id: attr::number(found.id, device),
                ..found
            })
        })
    }

    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        let entry = self.entry(node)?;
        if entry.kind != Kind::Symlink {
            return Err(FileError::EINVAL);
        }
        let mut text = vec![0; MOST_TEXT];
        let read = self
            .shared
            .calls
            .readlink(entry.descriptor.as_fd(), &mut text);
        text.truncate(read.map_err(error)?);
        Ok(text)
    }

    fn symlink(&mut self, dir: Handle, name: &[u8], target: &[u8], _owner: Owner) -> Result<Node> {
        let taken = self.take_handle()?;
        match target {
            b"" => return Err(FileError::ENOENT),
            text if text.contains(&0) => return Err(FileError::EINVAL),
            _ => {}
        }
        let (folder, place) = self.place(dir, name, true)?;
        symlinkat(target, folder, &place).map_err(host_error)?;
        self.down(dir, name, taken)
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, _owner: Owner) -> Result<Node> {
        let taken = self.take_handle()?;
        let (folder, place) = self.place(dir, name, true)?;
        let mode = Mode::from_raw_mode(mode & 0o7777);
        mkdirat(folder, &place, mode).map_err(host_error)?;
        self.down(dir, name, taken)
    }

    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        kind: Kind,
        mode: u32,
        _device: u64,
        _owner: Owner,
    ) -> Result<Node> {
        let kind = match kind {
            Kind::Regular => FileType::RegularFile,
            Kind::Fifo => FileType::Fifo,
            Kind::Socket => FileType::Socket,
            Kind::CharDevice | Kind::BlockDevice => return Err(FileError::EPERM),
            Kind::Directory | Kind::Symlink => return Err(FileError::EINVAL),
        };
        let taken = self.take_handle()?;
        let (folder, place) = self.place(dir, name, true)?;
        let mode = Mode::from_raw_mode(mode & 0o7777);
        mknodat(folder, &place, kind, mode, 0).map_err(host_error)?;
        self.down(dir, name, taken)
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()> {
        let node = self.entry(node)?;
        let (folder, place) = self.place(dir, name, true)?;
        let linked = self
            .shared
            .calls
            .link(node.descriptor.as_fd(), folder, &place);
        match linked.map_err(error) {
            // Landlock looks first, and at the bound folder itself from above.
            Err(FileError::EXDEV) if node.kind == Kind::Directory => Err(FileError::EPERM),
            other => other,
        }
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> Result<()> {
        let (folder, place) = self.place(dir, name, false)?;
        let flags = match directory {
            true => AtFlags::REMOVEDIR,
            false => AtFlags::empty(),
        };
        unlinkat(folder, &place, flags).map_err(host_error)
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> Result<()> {
        let (from, name) = self.place(from, name, false)?;
        let (to, new) = (self.folder(to)?, component(new)?);
        let mut how = HostRename::empty();
        if flags.has(RenameFlags::NO_REPLACE) {
            how |= HostRename::NOREPLACE;
        }
        if flags.has(RenameFlags::EXCHANGE) {
            how |= HostRename::EXCHANGE;
        }
        renameat_with(from, &name, to, &new, how).map_err(host_error)
    }

    fn fsync(&mut self, file: Handle, data_only: bool) -> Result<()> {
        let entry = self.entry(file)?;
        entry.open.ok_or(FileError::EBADF)?;
        let done = match data_only {
            true => fdatasync(&entry.descriptor),
            false => fsync(&entry.descriptor),
        };
        done.map_err(host_error)
    }

    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        let found = fstatfs(&self.entry(node)?.descriptor).map_err(host_error)?;
        Ok(StatFs {
            magic: found.f_type as u32,
            block_size: found.f_bsize as u32,
            blocks: found.f_blocks,
            free: found.f_bavail,
            nodes: found.f_files,
            free_nodes: found.f_ffree,
        })
    }

    fn clunk(&mut self, handle: Handle) {
        drop(self.entries.remove(handle.0));
    }

    fn allocate(&mut self, file: Handle, how: Allocate, offset: u64, length: u64) -> Result<()> {
        self.entry(file)?.open.ok_or(FileError::EBADF)?;
        within_reach(offset)?;
        within_reach(length)?;
        if length == 0 {
            return Err(FileError::EINVAL);
        }
        let file = self.file(file, OpenFlags::WRITE)?;
        let mode = match how {
            Allocate::Extend => FallocateFlags::empty(),
            Allocate::KeepSize => FallocateFlags::KEEP_SIZE,
            Allocate::PunchHole => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            Allocate::ZeroRange => FallocateFlags::ZERO_RANGE,
        };
        fallocate(file, mode, offset, length).map_err(host_error)
    }

    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> Result<u64> {
        let entry = self.entry(file)?;
        if entry.open.is_none() || entry.kind != Kind::Regular {
            return Err(FileError::EBADF);
        }
        let place = match hole {
            true => SeekFrom::Hole(offset),
            false => SeekFrom::Data(offset),
        };
        match seek(&entry.descriptor, place) {
            Err(Errno::INVAL) if i64::try_from(offset).is_err() => Err(FileError::ENXIO),
            other => other.map_err(host_error),
        }
    }
}
