//! The nodes of /proc: which kinds there are, their modes and their numbers.

use crate::process_info::{ProcessFile, SystemFile};
use sundog_protocols::file::Kind;

/// A folder below /proc/sys, by position in the table of `list`.
pub type SysFolder = u8;

/// A node of /proc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcNode {
    /// /proc itself.
    Root,
    /// `self`.
    SelfLink,
    /// `thread-self`.
    ThreadSelf,
    /// `mounts`, a link to self/mounts.
    MountsLink,
    /// `filesystems`.
    Filesystems,
    /// A text of the core.
    System(SystemFile),
    /// `sys` and below.
    Sys(SysFolder),
    /// A process.
    Process(u32),
    /// Its `task`.
    Tasks(u32),
    /// Its `fd`.
    Fds(u32),
    /// One of its descriptors.
    Fd(u32, u32),
    /// A text of the core about it.
    Text(u32, ProcessFile),
    /// Its `mounts`.
    Mounts(u32),
    /// Its `mountinfo`.
    Mountinfo(u32),
    /// Its program.
    Exe(u32),
    /// Its working folder.
    Cwd(u32),
    /// Its root folder.
    RootLink(u32),
}

impl ProcNode {
    /// What it is.
    pub fn kind(self) -> Kind {
        match self {
            ProcNode::Root
            | ProcNode::Sys(_)
            | ProcNode::Process(_)
            | ProcNode::Tasks(_)
            | ProcNode::Fds(_) => Kind::Directory,
            ProcNode::SelfLink
            | ProcNode::ThreadSelf
            | ProcNode::MountsLink
            | ProcNode::Fd(..)
            | ProcNode::Exe(_)
            | ProcNode::Cwd(_)
            | ProcNode::RootLink(_) => Kind::Symlink,
            _ => Kind::Regular,
        }
    }

    /// Permission bits.
    pub fn mode(self) -> u32 {
        match self {
            ProcNode::Fds(_) => 0o500,
            ProcNode::Text(_, ProcessFile::Environ | ProcessFile::Auxv) => 0o400,
            ProcNode::Fd(..) => 0o700,
            _ => match self.kind() {
                Kind::Directory => 0o555,
                Kind::Symlink => 0o777,
                _ => 0o444,
            },
        }
    }

    /// The process it belongs to.
    pub fn pid(self) -> Option<u32> {
        match self {
            ProcNode::Process(pid)
            | ProcNode::Tasks(pid)
            | ProcNode::Fds(pid)
            | ProcNode::Fd(pid, _)
            | ProcNode::Text(pid, _)
            | ProcNode::Mounts(pid)
            | ProcNode::Mountinfo(pid)
            | ProcNode::Exe(pid)
            | ProcNode::Cwd(pid)
            | ProcNode::RootLink(pid) => Some(pid),
            _ => None,
        }
    }

    /// Its number, the same each time.
    pub fn inode(self) -> u64 {
        let (kind, detail) = match self {
            ProcNode::Root => (0, 1),
            ProcNode::SelfLink => (0, 2),
            ProcNode::ThreadSelf => (0, 3),
            ProcNode::MountsLink => (0, 4),
            ProcNode::Filesystems => (0, 5),
            ProcNode::System(file) => (1, file as u64),
            ProcNode::Sys(folder) => (2, u64::from(folder)),
            ProcNode::Process(_) => (3, 0),
            ProcNode::Tasks(_) => (4, 0),
            ProcNode::Fds(_) => (5, 0),
            ProcNode::Fd(_, fd) => (6, u64::from(fd)),
            ProcNode::Text(_, file) => (7, file as u64),
            ProcNode::Mounts(_) => (8, 0),
            ProcNode::Mountinfo(_) => (9, 0),
            ProcNode::Exe(_) => (10, 0),
            ProcNode::Cwd(_) => (11, 0),
            ProcNode::RootLink(_) => (12, 0),
        };
        (1 << 60) | (kind << 56) | (u64::from(self.pid().unwrap_or(0)) << 24) | (detail & 0xff_ffff)
    }
}
