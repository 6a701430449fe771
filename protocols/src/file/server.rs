//! The trait that every file tree implements: 9P2000.L's operations over handles.

use super::{Attr, FileError, Node, Owner, SetAttr, StatFs};
use alloc::vec::Vec;

/// Result of a file operation.
pub type Result<T> = core::result::Result<T, FileError>;

/// Longest name of one entry, in bytes.
pub const NAME_MAX: usize = 255;

/// A server's name for a node or an open file, meaningful to one client only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Handle(pub u32);

macro_rules! flags {
    ($(#[$outer:meta])* $name:ident: $($(#[$inner:meta])* $flag:ident = $value:literal;)*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name(u32);

        impl $name {
            $($(#[$inner])* pub const $flag: $name = $name($value);)*
            const ALL: u32 = 0 $(| $value)*;

            /// The flags with these bits; `None` if a bit means nothing.
            pub const fn from_bits(bits: u32) -> Option<$name> {
                if bits & !$name::ALL == 0 { Some($name(bits)) } else { None }
            }
            /// The bits.
            pub const fn bits(self) -> u32 { self.0 }
            /// Whether all of `other` is set.
            pub const fn has(self, other: $name) -> bool { self.0 & other.0 == other.0 }
            /// Both together.
            pub const fn with(self, other: $name) -> $name { $name(self.0 | other.0) }
        }
    };
}

flags! {
    /// How a file is opened.
    OpenFlags:
    /// It will be read (a directory: listed).
    READ = 1;
    /// It will be written.
    WRITE = 2;
    /// Cut it to length 0; needs `WRITE`.
    TRUNCATE = 4;
    /// Every write goes to the end, whatever its offset.
    APPEND = 8;
}

flags! {
    /// How a rename treats a target that exists.
    RenameFlags:
    /// Fail with `EEXIST` if the target exists.
    NO_REPLACE = 1;
    /// Both must exist and change places.
    EXCHANGE = 2;
}

/// What `allocate` does to a range of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allocate {
    /// Give it storage and make the file at least that long.
    Extend,
    /// Give it storage, leave the size.
    KeepSize,
    /// Take its storage away, so that it reads as zeros; leave the size.
    PunchHole,
    /// Let it read as zeros; make the file at least that long.
    ZeroRange,
}

/// One entry of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirEntry<'a> {
    /// The node's number.
    pub id: u64,
    /// Where listing goes on behind this entry; above 0 and below 2^61.
    pub next: u64,
    /// What it is.
    pub kind: super::Kind,
    /// Its name.
    pub name: &'a [u8],
}

/// What `create` made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Created {
    /// A handle to the node.
    pub node: Node,
    /// A handle that is open as asked.
    pub open: Handle,
}

/// A file tree. Names are single components: never empty, `.` or `..`, no `/` and no zero byte (see [`check_name`]).
///
/// Every handle that a call returns is the client's until it gives it back with [`FileServer::clunk`]. An open or walked node
/// lives on without a name until its last handle goes. All methods fail with `EBADF` for a handle that is not the client's.
pub trait FileServer: Send {
    /// A handle to the root of the tree with this name ("" is the server's only or first one). `ENOENT`.
    fn attach(&mut self, tree: &[u8]) -> Result<Node>;
    /// One step down. `ENOENT`, `ENOTDIR`, `EINVAL` for what is not a name, `ENAMETOOLONG`. Links are not followed.
    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node>;
    /// Opens a regular file or a directory (only for reading). The node's handle stays as it is. `EISDIR`, `EROFS`,
    /// `EOPNOTSUPP` for nodes that hold no data.
    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle>;
    /// Makes a regular file and opens it. `EEXIST` if the name is taken, `ENOSPC`, `EROFS`.
    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        flags: OpenFlags,
        mode: u32,
        owner: Owner,
    ) -> Result<Created>;
    /// Reads at `offset` bytes; less than asked only at the end of the file, or if the server's transfer limit is reached.
    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize>;
    /// Writes at `offset` bytes; returns how much, at least one byte of a non-empty buffer. `ENOSPC`, `EFBIG`.
    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> Result<usize>;
    /// The attributes of a node or an open file.
    fn getattr(&mut self, node: Handle) -> Result<Attr>;
    /// Changes attributes, all of them or none; `size` needs a regular file (`EISDIR`, `EINVAL`).
    fn setattr(&mut self, node: Handle, set: &SetAttr) -> Result<()>;
    /// Lists an open directory from `cookie` (0, or an entry's `next`) until `entry` returns false for one that did not fit.
    /// `.` and `..` are not listed. Entries made or removed meanwhile may or may not appear; all others appear once.
    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()>;
    /// A symbolic link's text. `EINVAL` if it is none.
    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>>;
    /// Makes a symbolic link.
    fn symlink(&mut self, dir: Handle, name: &[u8], target: &[u8], owner: Owner) -> Result<Node>;
    /// Makes a directory.
    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, owner: Owner) -> Result<Node>;
    /// Makes a node of another kind (`EINVAL` for directories and links). A device number carries no authority.
    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        kind: super::Kind,
        mode: u32,
        device: u64,
        owner: Owner,
    ) -> Result<Node>;
    /// Gives a node that is no directory one more name.
    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()>;
    /// Removes a name; `directory` says which of rmdir and unlink it is (`ENOTDIR`, `EISDIR`, `ENOTEMPTY`).
    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> Result<()>;
    /// Moves a name, replacing a target of the same kind in one step.
    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> Result<()>;
    /// Brings what was written to stable storage.
    fn fsync(&mut self, file: Handle, data_only: bool) -> Result<()>;
    /// How full the tree is.
    fn statfs(&mut self, node: Handle) -> Result<StatFs>;
    /// Gives a handle back.
    fn clunk(&mut self, handle: Handle);

    /// Changes the storage behind a range of an open file. `EOPNOTSUPP` where the server has no such thing.
    fn allocate(&mut self, file: Handle, how: Allocate, offset: u64, length: u64) -> Result<()> {
        let _ = (file, how, offset, length);
        Err(FileError::EOPNOTSUPP)
    }
    /// The next offset at or behind `offset` that is data (`hole` false) or a hole. `ENXIO` behind the end.
    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> Result<u64> {
        let size = self.getattr(file)?.size;
        match (offset < size, hole) {
            (false, _) => Err(FileError::ENXIO),
            (true, true) => Ok(size),
            (true, false) => Ok(offset),
        }
    }
    /// The page frame that holds the 4 KiB block `index` of an open file, so that a mapping shares it. `write` says that it will
    /// be written, for which the file must be open. A server that has frames makes one where there is a hole, since a later
    /// write to the file must show in the mapping; `None` says that the block reads as zeros and never changes. `ENODEV` where
    /// files cannot be mapped directly, `ENXIO` behind the end of the file, `ENOSPC`.
    fn page(&mut self, file: Handle, index: u64, write: bool) -> Result<Option<u64>> {
        let _ = (file, index, write);
        Err(FileError::ENODEV)
    }
    /// Whether nobody but this client can change the tree, so that names and attributes may be cached.
    fn private(&self) -> bool {
        false
    }
}

/// Checks that `name` is one component: `EINVAL` for the empty name, `.`, `..`, a `/` or a zero byte; `ENAMETOOLONG`.
pub fn check_name(name: &[u8]) -> Result<()> {
    match name {
        b"" | b"." | b".." => Err(FileError::EINVAL),
        _ if name.len() > NAME_MAX => Err(FileError::ENAMETOOLONG),
        _ if name.iter().any(|&byte| byte == b'/' || byte == 0) => Err(FileError::EINVAL),
        _ => Ok(()),
    }
}
