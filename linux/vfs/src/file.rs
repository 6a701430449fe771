//! Open file descriptions: what a descriptor refers to, with the state that duplicates share.

use crate::constants::{O_ACCMODE, O_NONBLOCK, O_PATH, O_RDONLY, O_WRONLY};
use crate::context::UserMemory;
use crate::dentry::ServerId;
use crate::errno::Errno;
use crate::mounts::Place;
use crate::outcome::{Attempt, Queue, Ready};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sundog_protocols::file::{Attr, Handle};

/// Numbers of objects in their tables.
pub type ObjectId = u32;

/// What is open.
pub(crate) enum Object {
    /// A regular file of a server.
    File { server: ServerId, handle: Handle },
    /// A directory; `handle` is the server's, if it has one (those of /proc and phantom ones have none).
    Directory { server: Option<(ServerId, Handle)> },
    /// `O_PATH`: only a place.
    Path,
    /// Text made when it was opened (/proc).
    Text(Vec<u8>),
    /// /dev/null.
    Null,
    /// /dev/zero.
    Zero,
    /// /dev/full.
    Full,
    /// /dev/random and urandom.
    Random,
    /// A pipe or FIFO; which ends follows from the access mode.
    Pipe(ObjectId),
    /// A terminal.
    Terminal(ObjectId),
    /// The master side of a pty.
    Master(ObjectId),
    /// One end of a socket pair.
    Socket(ObjectId),
    /// An eventfd.
    Event(ObjectId),
    /// An epoll instance.
    Epoll(ObjectId),
    /// Something the core brings: network sockets, timers, granted devices.
    Other(Box<dyn FileObject>),
}

/// An object that the core brings. Nothing here may block.
pub trait FileObject: Send {
    /// Reads. `Err(EAGAIN)` if nothing is there: the caller then waits in `queue` unless the file is `O_NONBLOCK`.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno>;
    /// Writes. `Err(EAGAIN)` as for `read`.
    fn write(&mut self, from: &[u8]) -> Result<usize, Errno>;
    /// What it is ready for.
    fn ready(&self) -> Ready;
    /// Where to wait. Its maker calls `Vfs::wake` with it whenever `ready` may have gained a bit; epoll looks only then.
    fn queue(&self) -> Queue;
    /// A device's or socket's own requests.
    fn ioctl(&mut self, request: u32, argument: u64, memory: &mut dyn UserMemory) -> Attempt<u64> {
        let _ = (request, argument, memory);
        Err(Errno::ENOTTY.into())
    }
    /// What stat tells.
    fn attr(&self) -> Attr;
    /// What /proc/PID/fd shows, such as `socket:[7]`.
    fn name(&self) -> Vec<u8>;
    /// The page frame behind a 4 KiB page of the object, for mmap. `ENODEV` if it cannot be mapped.
    fn page(&mut self, index: u64, write: bool) -> Result<Option<u64>, Errno> {
        let _ = (index, write);
        Err(Errno::ENODEV)
    }
    /// A number by which the maker knows its object again.
    fn tag(&self) -> u64 {
        0
    }
}

/// An open file description.
pub struct OpenFile {
    pub(crate) refs: u32,
    pub(crate) object: Object,
    /// Access mode and status flags, as `F_GETFL` shows them.
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    /// Where it was opened; the file holds references to it.
    pub(crate) place: Option<Place>,
    /// `F_SETOWN`.
    pub(crate) owner: i32,
    /// `F_SETSIG`.
    pub(crate) signal: u32,
    /// How many epoll instances watch it.
    pub(crate) watched: u32,
    /// What /proc/PID/fd shows for a memory file.
    pub(crate) label: Vec<u8>,
}

impl OpenFile {
    pub(crate) fn new(object: Object, flags: u32, place: Option<Place>) -> OpenFile {
        OpenFile {
            refs: 1,
            object,
            flags,
            offset: 0,
            place,
            owner: 0,
            signal: 0,
            watched: 0,
            label: Vec::new(),
        }
    }

    pub(crate) fn can_read(&self) -> bool {
        self.flags & O_PATH == 0 && self.flags & O_ACCMODE != O_WRONLY
    }

    pub(crate) fn can_write(&self) -> bool {
        self.flags & O_PATH == 0 && self.flags & O_ACCMODE != O_RDONLY
    }

    pub(crate) fn nonblocking(&self) -> bool {
        self.flags & O_NONBLOCK != 0
    }
}
