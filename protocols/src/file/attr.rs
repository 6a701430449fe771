//! What is known about a node: kind, mode, owner labels, size, times; and what can be set.

use super::Handle;

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A file with bytes.
    Regular = 8,
    /// A directory.
    Directory = 4,
    /// A symbolic link.
    Symlink = 10,
    /// A named pipe; its data never passes the server.
    Fifo = 1,
    /// A character device; only a number, what it means is the client's affair.
    CharDevice = 2,
    /// A block device; only a number.
    BlockDevice = 6,
    /// A named socket; its data never passes the server.
    Socket = 12,
}

impl Kind {
    /// The kind with this number (Linux's `DT_*`), if there is one.
    pub const fn from_number(number: u8) -> Option<Kind> {
        Some(match number {
            8 => Kind::Regular,
            4 => Kind::Directory,
            10 => Kind::Symlink,
            1 => Kind::Fifo,
            2 => Kind::CharDevice,
            6 => Kind::BlockDevice,
            12 => Kind::Socket,
            _ => return None,
        })
    }

    /// The kind that a Linux `st_mode` says (its `S_IFMT` bits), if there is one.
    pub const fn from_mode(mode: u32) -> Option<Kind> {
        Kind::from_number(((mode & 0o170000) >> 12) as u8)
    }

    /// The `S_IFMT` bits of a Linux `st_mode`.
    pub const fn mode_bits(self) -> u32 {
        (self as u32) << 12
    }
}

/// A point in time since 1970, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Time {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below 10^9.
    pub nanos: u32,
}

/// Everything that is known about a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attr {
    /// Number of the node, unique in its tree while the node exists.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, set-uid, set-gid and sticky: 12 bits.
    pub mode: u32,
    /// How many names it has.
    pub links: u32,
    /// Owner label.
    pub uid: u32,
    /// Group label.
    pub gid: u32,
    /// Device number of a device node in Linux's 64-bit form (see [`device`]), else 0.
    pub device: u64,
    /// Size in bytes.
    pub size: u64,
    /// Space taken, in units of 512 bytes.
    pub blocks: u64,
    /// Last read.
    pub accessed: Time,
    /// Last change of the data.
    pub modified: Time,
    /// Last change of data or attributes.
    pub changed: Time,
    /// When the node was made.
    pub created: Time,
}

impl Attr {
    /// A node that belongs to nobody in particular: without size, times and owner, with the names that its kind begins with.
    pub const fn new(kind: Kind, mode: u32, id: u64) -> Attr {
        const NEVER: Time = Time {
            seconds: 0,
            nanos: 0,
        };
        Attr {
            id,
            kind,
            mode,
            links: if matches!(kind, Kind::Directory) {
                2
            } else {
                1
            },
            uid: 0,
            gid: 0,
            device: 0,
            size: 0,
            blocks: 0,
            accessed: NEVER,
            modified: NEVER,
            changed: NEVER,
            created: NEVER,
        }
    }
}

/// A Linux device number from major and minor, in the 64-bit form of `st_rdev`.
pub const fn device(major: u32, minor: u32) -> u64 {
    let (major, minor) = (major as u64, minor as u64);
    (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & !0xff) << 12) | ((major & !0xfff) << 32)
}

/// The major part of a device number.
pub const fn device_major(device: u64) -> u32 {
    (((device >> 8) & 0xfff) | ((device >> 32) & !0xfff)) as u32
}

/// The minor part of a device number.
pub const fn device_minor(device: u64) -> u32 {
    ((device & 0xff) | ((device >> 12) & 0xffff_ff00)) as u32
}

/// A node and a handle to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// The handle; the client gives it back with `clunk`.
    pub handle: Handle,
    /// The node's attributes when the handle was made.
    pub attr: Attr,
}

/// Labels that a new node gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// Owner label.
    pub uid: u32,
    /// Group label.
    pub gid: u32,
}

/// A time to set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// The server's present time.
    Now,
    /// This time.
    At(Time),
}

/// Attributes to change; `None` leaves one alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SetAttr {
    /// New permission bits (12 bits).
    pub mode: Option<u32>,
    /// New owner label.
    pub uid: Option<u32>,
    /// New group label.
    pub gid: Option<u32>,
    /// New size: cuts off, or grows with a hole.
    pub size: Option<u64>,
    /// New time of the last read.
    pub accessed: Option<SetTime>,
    /// New time of the last change.
    pub modified: Option<SetTime>,
}

/// How full a tree is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StatFs {
    /// Linux's number of the kind of file system.
    pub magic: u32,
    /// Bytes in one block.
    pub block_size: u32,
    /// All blocks.
    pub blocks: u64,
    /// Free blocks.
    pub free: u64,
    /// All nodes that can exist.
    pub nodes: u64,
    /// Nodes that can still be made.
    pub free_nodes: u64,
}
