//! Linux's numbers that the file side uses, with the types used here.

pub use linux_raw_sys::general::{
    AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW,
    O_ACCMODE, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOCTTY,
    O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, SEEK_CUR, SEEK_DATA,
    SEEK_END, SEEK_HOLE, SEEK_SET,
};

/// Longest path, with its final zero byte.
pub const PATH_MAX: usize = 4096;
/// Longest name.
pub const NAME_MAX: usize = 255;
/// Symbolic links followed in one look-up.
pub const MAX_LINKS: u32 = 40;
/// The bits of `O_TMPFILE` besides `O_DIRECTORY`.
pub const O_TMPFILE_BIT: u32 = 0o20_000_000;
/// `O_ASYNC`.
pub const O_ASYNC: u32 = 0o20_000;

/// `close_range`: mark instead of closing.
pub const CLOSE_RANGE_CLOEXEC: u32 = 4;
/// `close_range`: on a table of its own (the core sees to that).
pub const CLOSE_RANGE_UNSHARE: u32 = 2;

/// Most bytes that one read or write moves (Linux's `MAX_RW_COUNT`).
pub const MAX_TRANSFER: usize = 0x7fff_f000;

/// Signals that the file side sends.
pub mod signal {
    /// Hang-up.
    pub const HUP: u32 = 1;
    /// Interrupt key.
    pub const INT: u32 = 2;
    /// Quit key.
    pub const QUIT: u32 = 3;
    /// Write to a pipe without readers.
    pub const PIPE: u32 = 13;
    /// Go on.
    pub const CONT: u32 = 18;
    /// Suspend key.
    pub const TSTP: u32 = 20;
    /// Background read.
    pub const TTIN: u32 = 21;
    /// Background write.
    pub const TTOU: u32 = 22;
    /// File size limit.
    pub const XFSZ: u32 = 25;
    /// Window size changed.
    pub const WINCH: u32 = 28;
}
