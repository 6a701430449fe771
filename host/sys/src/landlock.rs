//! Landlock: a process gives up the right to open and change files anywhere but beneath descriptors that it names, for good.
//!
//! It does not cover everything: descriptors with `O_PATH`, attributes (`stat`, `chmod`, `utimensat`), locks and the names of links are
//! free. What needs that too takes a filter of system calls ([`crate::calls`], [`crate::seccomp`]).

use crate::ptrace::system_call;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const SYS_CREATE_RULESET: usize = 444;
const SYS_ADD_RULE: usize = 445;
const SYS_RESTRICT_SELF: usize = 446;
/// Asks for the version instead of making a set.
const CREATE_RULESET_VERSION: usize = 1;
const RULE_PATH_BENEATH: usize = 1;

/// What can be allowed beneath a descriptor; combined by `|`.
pub mod right {
    /// Reading files.
    pub const READ_FILE: u64 = 1 << 2;
    /// Writing files.
    pub const WRITE_FILE: u64 = 1 << 1;
    /// Listing folders.
    pub const READ_DIR: u64 = 1 << 3;
    /// Removing folders.
    pub const REMOVE_DIR: u64 = 1 << 4;
    /// Removing everything else.
    pub const REMOVE_FILE: u64 = 1 << 5;
    /// New folders.
    pub const MAKE_DIR: u64 = 1 << 7;
    /// New files.
    pub const MAKE_REG: u64 = 1 << 8;
    /// New sockets.
    pub const MAKE_SOCK: u64 = 1 << 9;
    /// New named pipes.
    pub const MAKE_FIFO: u64 = 1 << 10;
    /// New symbolic links.
    pub const MAKE_SYM: u64 = 1 << 12;
    /// Links and renames between folders.
    pub const REFER: u64 = 1 << 13;
    /// Cutting files. Version 3.
    pub const TRUNCATE: u64 = 1 << 14;
}

/// The oldest version that is enough: with version 1 nothing could be moved from one folder to another.
pub const OLDEST: usize = 2;
/// For each version from 1 on the bits of all rights to files that it knows.
const KNOWN: [u64; 5] = [
    (1 << 13) - 1,
    (1 << 14) - 1,
    (1 << 15) - 1,
    (1 << 15) - 1,
    (1 << 16) - 1,
];

/// The version that this Linux has; `None` if it has none or it is turned off.
pub fn version() -> Option<usize> {
    // SAFETY: without a set to make the call reads no memory.
    unsafe { system_call(SYS_CREATE_RULESET, [0, 0, CREATE_RULESET_VERSION, 0, 0, 0]) }.ok()
}

/// Rules that do not hold yet.
#[derive(Debug)]
pub struct Ruleset {
    descriptor: OwnedFd,
    handled: u64,
}

impl Ruleset {
    /// A set without rules, with which nothing would be allowed: no file, and from version 4 on no TCP port, from version 6 on no signal to
    /// and no abstract socket of other processes.
    ///
    /// # Errors
    /// `Unsupported` without Landlock of version [`OLDEST`]; those of the system call.
    pub fn new() -> Result<Ruleset, Error> {
        let version = version().filter(|version| *version >= OLDEST);
        let version = version.ok_or(ErrorKind::Unsupported)?;
        let handled = KNOWN[version.min(KNOWN.len()) - 1];
        let attributes = [
            handled,
            if version >= 4 { 3 } else { 0 },
            if version >= 6 { 3 } else { 0 },
        ];
        let place = attributes.as_ptr().expose_provenance();
        // A version does not know the fields of later ones, which are 0 then, but refuses a longer structure only if one is not.
        // SAFETY: the call reads 24 bytes, which `attributes` has.
        let number = unsafe { system_call(SYS_CREATE_RULESET, [place, 24, 0, 0, 0, 0]) }?;
        let number = i32::try_from(number).map_err(|_| ErrorKind::InvalidData)?;
        // SAFETY: the descriptor is new and open, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        Ok(Ruleset {
            descriptor,
            handled,
        })
    }

    /// Allows [`right`]s beneath a folder, or of a file. Those that this version does not know need no rule.
    ///
    /// # Errors
    /// Those of the system call: `EINVAL` for a file and rights that only folders have.
    pub fn allow(&self, beneath: BorrowedFd<'_>, rights: u64) -> Result<(), Error> {
        let rights = (rights & self.handled).to_le_bytes();
        // A packed structure: eight bytes of rights, four of the descriptor.
        let mut rule = [0; 12];
        rule[..8].copy_from_slice(&rights);
        rule[8..].copy_from_slice(&beneath.as_raw_fd().to_le_bytes());
        let (set, place) = (
            self.descriptor.as_raw_fd() as usize,
            rule.as_ptr().expose_provenance(),
        );
        let arguments = [set, RULE_PATH_BENEATH, place, 0, 0, 0];
        // SAFETY: the call reads 12 bytes, which `rule` has.
        unsafe { system_call(SYS_ADD_RULE, arguments) }.map(drop)
    }

    /// Lets the rules hold for this thread and all that it starts. It must have given up new privileges.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn restrict(self) -> Result<(), Error> {
        let set = self.descriptor.as_raw_fd() as usize;
        // SAFETY: numbers only.
        unsafe { system_call(SYS_RESTRICT_SELF, [set, 0, 0, 0, 0, 0]) }.map(drop)
    }
}
