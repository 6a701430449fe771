//! How an operation ends: with a value, an error, or "not yet" and the queue to wait in. Nothing here ever blocks.

use crate::errno::Errno;

/// Result of an operation that may have to wait.
pub type Attempt<T> = Result<T, Stop>;

/// A wait queue. The caller sleeps until an [`Event::Wake`] names it, then makes the same call again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Queue(pub u64);

/// Why an operation gave no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It failed.
    Errno(Errno),
    /// It would block and the file is not `O_NONBLOCK`: wait in the queue, then try again.
    Block(Queue),
    /// As `Block`, but at most for this many nanoseconds (a terminal's VTIME); then call again with
    /// [`crate::Context::timed_out`] set.
    BlockFor(Queue, u64),
    /// A signal was sent to the caller's process group (see the events): handle signals, then start the call again
    /// (`ERESTARTSYS`).
    Restart,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<sundog_protocols::file::FileError> for Stop {
    fn from(error: sundog_protocols::file::FileError) -> Stop {
        Stop::Errno(error.into())
    }
}

/// Something that happened on the side and that the core has to act on. Drained with `Vfs::next_event`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Everybody who waits in this queue should try again (or poll again).
    Wake(Queue),
    /// Send `signal` (with `SI_KERNEL`) to whom it says.
    Signal {
        /// Who gets it.
        to: Target,
        /// Linux signal number.
        signal: u32,
    },
    /// Pages of a file from `first` on (4 KiB each) no longer belong to it: take them out of all mappings of that file.
    Truncated {
        /// The file, as in [`crate::FileIdentity`].
        file: crate::FileIdentity,
        /// First page that is gone.
        first: u64,
    },
    /// Terminal output is ready to be taken (`Vfs::console_output`).
    ConsoleOutput,
}

/// Who gets a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The calling thread.
    Caller,
    /// One process.
    Process(u32),
    /// A process group.
    Group(u32),
}

/// A file's identity, for keys of mapped pages and locks: the same for all names and all opens of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileIdentity {
    /// Device number (`st_dev`) of its tree.
    pub device: u64,
    /// Inode number in that tree.
    pub inode: u64,
}

/// What a file is ready for, with poll's and epoll's bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ready(pub u32);

impl Ready {
    /// Nothing.
    pub const NONE: Ready = Ready(0);
    /// `POLLIN | POLLRDNORM`: a read would not block.
    pub const IN: Ready = Ready(0x41);
    /// `POLLPRI`: something exceptional.
    pub const PRIORITY: Ready = Ready(0x2);
    /// `POLLOUT | POLLWRNORM`: a write would not block.
    pub const OUT: Ready = Ready(0x104);
    /// `POLLERR`: the reader is gone.
    pub const ERROR: Ready = Ready(0x8);
    /// `POLLHUP`: the other side is gone.
    pub const HANGUP: Ready = Ready(0x10);
    /// `POLLRDHUP`: the other side writes no more.
    pub const READ_HANGUP: Ready = Ready(0x2000);
    /// Always ready, as regular files are.
    pub const FILE: Ready = Ready(0x145);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }

    /// `self` if the condition holds, else nothing.
    #[must_use]
    pub const fn when(self, condition: bool) -> Ready {
        if condition { self } else { Ready::NONE }
    }

    /// Whether any bit of `other` is set.
    pub const fn any(self, other: Ready) -> bool {
        self.0 & other.0 != 0
    }
}
