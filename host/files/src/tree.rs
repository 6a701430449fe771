//! One bind: the host's files beneath one descriptor, as a tree of the file protocol.
//!
//! Each handle is a descriptor. A step down is a name beneath it, and what is opened is what the handle stands for, so no path is put
//! together or resolved anywhere here. What is neither a file with bytes nor a folder is never opened.
use crate::confine::PROC_MAGIC;
use crate::listing::Listing;
use crate::{Budget, Taken};
use rustix::fs::fstatfs;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::ffi::CString;
use std::io::Error;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use sundog_host_sys::calls::{Access, Calls, Status};
use sundog_protocols::file::{
    Attr, FileError, Handle, Kind, Node, OpenFlags, Result, Table, check_name,
};

mod attr;
mod locks;
mod server;

/// What the trees of one server share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The calls on files.
    pub calls: Arc<Calls>,
    /// Handles that can still be made.
    pub handles: Budget,
    /// Places in folders that can still be remembered.
    pub places: Budget,
}

/// What stands behind a handle.
#[derive(Debug)]
struct Entry {
    descriptor: OwnedFd,
    kind: Kind,
    /// Which of the tree's devices it lies on.
    device: usize,
    /// How it was opened, if it was.
    open: Option<OpenFlags>,
    listing: Option<Listing>,
    _taken: Taken,
}

/// A bound folder or file.
pub struct Tree {
    shared: Shared,
    root: OwnedFd,
    writable: bool,
    entries: Table<Entry>,
    /// The file systems that were met, by their device, and whether they may be entered.
    devices: Vec<(u64, bool)>,
}

/// The most file systems in one tree.
const MOST_DEVICES: usize = 4096;

impl Tree {
    /// The tree beneath a descriptor that was opened with `O_PATH`.
    pub fn new(shared: Shared, root: OwnedFd, writable: bool) -> Tree {
        Tree {
            shared,
            root,
            writable,
            entries: Table::new(u32::MAX as usize),
            devices: Vec::new(),
        }
    }

    fn entry(&self, handle: Handle) -> Result<&Entry> {
        self.entries.get(handle.0).ok_or(FileError::EBADF)
    }

    /// A descriptor beneath which a name is meant. The host says that what is no folder has none.
    fn folder(&self, handle: Handle) -> Result<BorrowedFd<'_>> {
        Ok(self.entry(handle)?.descriptor.as_fd())
    }

    /// A file that was opened for this.
    fn file(&self, handle: Handle, access: OpenFlags) -> Result<&OwnedFd> {
        let entry = self.entry(handle)?;
        match (entry.open, entry.kind) {
            (Some(open), Kind::Regular) if open.has(access) => Ok(&entry.descriptor),
            (Some(open), Kind::Directory) if open.has(access) => Err(FileError::EISDIR),
            _ => Err(FileError::EBADF),
        }
    }

    fn status(&self, descriptor: BorrowedFd<'_>) -> Result<Status> {
        self.shared.calls.status(descriptor).map_err(error)
    }

    /// Which of the tree's devices this is. Trees of processes are not entered: their files reach into the server itself.
    fn device(&mut self, status: &Status, descriptor: BorrowedFd<'_>) -> Result<usize> {
        let known = self.devices.iter();
        let index = match known.into_iter().position(|known| known.0 == status.device) {
            Some(index) => index,
            None if self.devices.len() >= MOST_DEVICES => return Err(FileError::ENOMEM),
            None => {
                let kind = fstatfs(descriptor).map_err(host_error)?.f_type;
                let enter = kind as u64 != PROC_MAGIC;
                self.devices.push((status.device, enter));
                self.devices.len() - 1
            }
        };
        match self.devices[index].1 {
            true => Ok(index),
            false => Err(FileError::EACCES),
        }
    }

    fn take_handle(&self) -> Result<Taken> {
        self.shared.handles.take(1).ok_or(FileError::EMFILE)
    }

    fn insert(&mut self, entry: Entry) -> Result<Handle> {
        let number = self.entries.insert(entry);
        number.map(Handle).map_err(|_| FileError::ENOMEM)
    }

    /// A handle for a descriptor of a node.
    fn node(&mut self, descriptor: OwnedFd, taken: Taken) -> Result<Node> {
        let status = self.status(descriptor.as_fd())?;
        let device = self.device(&status, descriptor.as_fd())?;
        let attr = attr::from_status(&status, device).ok_or(FileError::EIO)?;
        let handle = self.insert(Entry {
            descriptor,
            kind: attr.kind,
            device,
            open: None,
            listing: None,
            _taken: taken,
        })?;
        Ok(Node { handle, attr })
    }

    /// The step down.
    fn down(&mut self, folder: Handle, name: &[u8], taken: Taken) -> Result<Node> {
        let name = component(name)?;
        let folder = self.folder(folder)?;
        let found = self.shared.calls.node(folder, &name).map_err(error)?;
        self.node(found, taken)
    }

    /// A name in a folder under which something is to be made or changed. Where nothing may be changed the answer is as of a file system
    /// that is mounted read only: what is wrong without that is told first.
    fn place(&self, folder: Handle, name: &[u8], new: bool) -> Result<(BorrowedFd<'_>, CString)> {
        let name = component(name)?;
        let folder = self.folder(folder)?;
        if self.writable {
            return Ok((folder, name));
        }
        match self.shared.calls.node(folder, &name).map_err(error) {
            Ok(_) if new => Err(FileError::EEXIST),
            Err(FileError::ENOENT) if new => Err(FileError::EROFS),
            Err(other) => Err(other),
            Ok(_) => Err(FileError::EROFS),
        }
    }

    fn may_change(&self) -> Result<()> {
        match self.writable {
            true => Ok(()),
            false => Err(FileError::EROFS),
        }
    }

    fn attr_of(&self, handle: Handle) -> Result<Attr> {
        let entry = self.entry(handle)?;
        let status = self.status(entry.descriptor.as_fd())?;
        attr::from_status(&status, entry.device).ok_or(FileError::EIO)
    }

    /// The file behind a handle, open for writing; opened for this one purpose unless it is.
    fn with_writable<T>(
        &self,
        handle: Handle,
        act: impl FnOnce(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> Result<T> {
        let entry = self.entry(handle)?;
        let node = entry.descriptor.as_fd();
        if entry.open.is_some_and(|open| open.has(OpenFlags::WRITE)) {
            return act(node).map_err(host_error);
        }
        let access = Access {
            read: false,
            write: true,
            truncate: false,
            append: false,
        };
        let open = self.shared.calls.open(node, access).map_err(error)?;
        act(open.as_fd()).map_err(host_error)
    }

    fn root_copy(&self) -> Result<OwnedFd> {
        fcntl_dupfd_cloexec(&self.root, 3).map_err(host_error)
    }
}

/// The file protocol's number for an error of the host.
pub(crate) fn host_error(error: Errno) -> FileError {
    FileError::from_number(error.raw_os_error() as u64)
}

/// The same for errors of the standard library's kind.
fn error(error: Error) -> FileError {
    match error.raw_os_error() {
        Some(number) => FileError::from_number(number as u64),
        None => FileError::EOPNOTSUPP,
    }
}

/// A name as the host takes it.
fn component(name: &[u8]) -> Result<CString> {
    check_name(name)?;
    CString::new(name).map_err(|_| FileError::EINVAL)
}
