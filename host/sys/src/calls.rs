//! System calls on files by descriptors alone, whose other arguments lie in memory that can no longer be changed: so that a filter of
//! system calls, which sees numbers and not what they point to, can tell them from all others.
//!
//! `openat2` takes the address of a description that says how a path is followed, and several calls take a path that may be empty when
//! a descriptor is meant. The descriptions and the empty path lie on pages at a fixed address below 4 GiB, readable only. A filter that
//! allows these addresses, and no change of mappings below 4 GiB, leaves even foreign code in this process no other way to name
//! a file than beneath a descriptor that it holds ([`Calls::node`], [`Calls::create`]). [`Calls::open`] is the
//! exception: it goes through `/proc/self/fd`, and what it opens is left to Landlock.

use crate::ptrace::system_call;
use rustix::fs::{Mode, OFlags, fstatfs, open};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use std::ffi::CStr;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::with_exposed_provenance_mut;

mod status;

pub use status::{Moment, Status};

const SYS_LINKAT: usize = 265;
const SYS_READLINKAT: usize = 267;
const SYS_FCHMOD: usize = 91;
const SYS_FCHOWNAT: usize = 260;
const SYS_UTIMENSAT: usize = 280;
const SYS_STATX: usize = 332;
const SYS_OPENAT2: usize = 437;
const SYS_FCHMODAT2: usize = 452;

const O_WRONLY: u64 = 1;
const O_RDWR: u64 = 2;
const O_CREAT: u64 = 0o100;
const O_EXCL: u64 = 0o200;
const O_NOCTTY: u64 = 0o400;
const O_TRUNC: u64 = 0o1000;
const O_APPEND: u64 = 0o2000;
const O_NONBLOCK: u64 = 0o4000;
const O_NOFOLLOW: u64 = 0o400_000;
const O_CLOEXEC: u64 = 0o2_000_000;
const O_PATH: u64 = 0o10_000_000;
const AT_EMPTY_PATH: usize = 0x1000;
const AT_SYMLINK_FOLLOW: usize = 0x400;
/// `RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH`.
const BENEATH: u64 = 0x02 | 0x04 | 0x08;
/// Number of the file system `proc`.
const PROC_MAGIC: u32 = 0x9fa0;
const ENOENT: i32 = 2;
const EPERM: i32 = 1;
const ENOSYS: i32 = 38;

/// Where the pages lie.
const BASE: usize = 0x7000_0000;
/// Bytes from one description to the next: a description has 24.
pub const STRIDE: usize = 32;
/// The address of a path without a byte.
pub const EMPTY: usize = BASE;
/// The first description with which a path is followed only beneath its descriptor, and no symbolic link ever.
pub const BENEATH_FIRST: usize = BASE + STRIDE;
/// Descriptions of new files, one for each mode, begin here.
const CREATE: usize = BENEATH_FIRST + STRIDE;
const MODES: usize = 0o10000;
/// The last such description.
pub const BENEATH_LAST: usize = CREATE + (MODES - 1) * STRIDE;
/// The first description of [`Calls::open`], one for each [`Access`]; what it opens is never created.
pub const OPEN_FIRST: usize = CREATE + MODES * STRIDE;
/// The last one.
pub const OPEN_LAST: usize = OPEN_FIRST + 11 * STRIDE;
const LENGTH: usize = (OPEN_LAST + STRIDE - BASE).next_multiple_of(4096);

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// It can be read.
    pub read: bool,
    /// It can be written. One of both must be set.
    pub write: bool,
    /// It is cut to length 0.
    pub truncate: bool,
    /// Each write goes to the end.
    pub append: bool,
}

impl Access {
    /// The flags of each combination, in the order of their descriptions.
    fn flags(index: usize) -> u64 {
        let mode = [0, O_WRONLY, O_RDWR][index / 4];
        let truncate = if index & 2 != 0 { O_TRUNC } else { 0 };
        let append = if index & 1 != 0 { O_APPEND } else { 0 };
        mode | truncate | append | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    }

    fn index(self) -> usize {
        let mode = match (self.read, self.write) {
            (_, false) => 0,
            (false, true) => 1,
            (true, true) => 2,
        };
        mode * 4 + usize::from(self.truncate) * 2 + usize::from(self.append)
    }
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetMoment {
    /// It stays as it is.
    Keep,
    /// The present.
    Now,
    /// This one.
    At(Moment),
}

/// The right to make these calls: the pages are there. There can be one in a process, and it is never undone.
#[derive(Debug)]
pub struct Calls {
    /// `/proc/self/fd`, through which what a descriptor stands for is opened.
    descriptors: OwnedFd,
}

impl Calls {
    /// Makes the pages.
    ///
    /// # Errors
    /// Those of the system calls, `EEXIST` if this process has them already; `Unsupported` where `/proc` is not that of this system.
    pub fn new() -> Result<Calls, Error> {
        let path = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = open("/proc/self/fd", path, Mode::empty())?;
        if fstatfs(&descriptors)?.f_type as u32 != PROC_MAGIC {
            return Err(ErrorKind::Unsupported.into());
        }
        let hint = with_exposed_provenance_mut::<u8>(BASE);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping where none is, or the call fails; nobody's memory changes.
        let base = unsafe { mmap_anonymous(hint.cast(), LENGTH, access, flags) }?;
        let beneath = |flags, mode| [flags | O_CLOEXEC | O_NOFOLLOW, mode, BENEATH];
        write(BENEATH_FIRST, beneath(O_PATH, 0));
        for mode in 0..MODES {
            let create = beneath(O_RDWR | O_CREAT | O_EXCL | O_NOCTTY, mode as u64);
            write(CREATE + mode * STRIDE, create);
        }
        for index in 0..=(OPEN_LAST - OPEN_FIRST) / STRIDE {
            write(OPEN_FIRST + index * STRIDE, [Access::flags(index), 0, 0]);
        }
        // SAFETY: the range is the mapping made above; no reference into it exists, and from here on it is only read.
        unsafe { mprotect(base, LENGTH, MprotectFlags::READ) }?;
        Ok(Calls { descriptors })
    }

    /// The descriptor of `/proc/self/fd` that this holds.
    pub fn descriptors(&self) -> BorrowedFd<'_> {
        self.descriptors.as_fd()
    }

    /// A descriptor of what has this name in a folder, for no reading or writing; also of a symbolic link itself.
    ///
    /// # Errors
    /// Those of `openat2`: `EXDEV` or `ELOOP` for a path that leads out of the folder or over a link.
    pub fn node(&self, folder: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Error> {
        open_by(folder, name, BENEATH_FIRST)
    }

    /// Makes a file that was not there, open for reading and writing. The process' `umask` counts.
    ///
    /// # Errors
    /// Those of `openat2`, `EEXIST` among them.
    pub fn create(&self, folder: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<OwnedFd, Error> {
        let mode = mode as usize % MODES;
        open_by(folder, name, CREATE + mode * STRIDE)
    }

    /// Opens what a descriptor stands for, whatever its name is by now. It must be a regular file or a folder: a pipe or device
    /// would be opened too.
    ///
    /// # Errors
    /// Those of `openat2`.
    pub fn open(&self, node: BorrowedFd<'_>, access: Access) -> Result<OwnedFd, Error> {
        let how = OPEN_FIRST + access.index() * STRIDE;
        open_by(self.descriptors.as_fd(), &decimal(node), how)
    }

    /// What is known about what a descriptor stands for.
    ///
    /// # Errors
    /// Those of `statx`.
    pub fn status(&self, node: BorrowedFd<'_>) -> Result<Status, Error> {
        let mut out = [0_u64; 32];
        let place = out.as_mut_ptr().expose_provenance();
        let node = node.as_raw_fd() as usize;
        let mask = status::MASK;
        // SAFETY: the path is the empty one, which is there as `self` is; the call writes 256 bytes to `out`, which has them.
        unsafe { system_call(SYS_STATX, [node, EMPTY, AT_EMPTY_PATH, mask, place, 0]) }?;
        Ok(Status::from_words(&out))
    }

    /// Sets the permission bits of what a descriptor stands for.
    ///
    /// # Errors
    /// Those of `fchmodat2`; before Linux 6.6, which has no such call, also those of opening the file for reading.
    pub fn chmod(&self, node: BorrowedFd<'_>, mode: u32) -> Result<(), Error> {
        let number = node.as_raw_fd() as usize;
        let arguments = [number, EMPTY, mode as usize, AT_EMPTY_PATH, 0, 0];
        // SAFETY: the path is the empty one, which is there as `self` is; all else are numbers.
        match unsafe { system_call(SYS_FCHMODAT2, arguments) } {
            Err(error) if error.raw_os_error() == Some(ENOSYS) => self.chmod_open(node, mode),
            other => other.map(drop),
        }
    }

    /// As [`Calls::chmod`], by opening the file or folder; other things are not opened (`Unsupported`).
    fn chmod_open(&self, node: BorrowedFd<'_>, mode: u32) -> Result<(), Error> {
        let kind = self.status(node)?.mode & 0o170_000;
        if kind != 0o100_000 && kind != 0o040_000 {
            return Err(ErrorKind::Unsupported.into());
        }
        let read = Access {
            read: true,
            write: false,
            truncate: false,
            append: false,
        };
        let open = self.open(node, read)?;
        let arguments = [open.as_raw_fd() as usize, mode as usize, 0, 0, 0, 0];
        // SAFETY: numbers only.
        unsafe { system_call(SYS_FCHMOD, arguments) }.map(drop)
    }

    /// Sets owner and group; `u32::MAX` leaves one as it is.
    ///
    /// # Errors
    /// Those of `fchownat`.
    pub fn chown(&self, node: BorrowedFd<'_>, user: u32, group: u32) -> Result<(), Error> {
        let number = node.as_raw_fd() as usize;
        let (user, group) = (user as usize, group as usize);
        let arguments = [number, EMPTY, user, group, AT_EMPTY_PATH, 0];
        // SAFETY: the path is the empty one, which is there as `self` is; all else are numbers.
        unsafe { system_call(SYS_FCHOWNAT, arguments) }.map(drop)
    }

    /// Sets the times of the last read and of the last change.
    ///
    /// # Errors
    /// Those of `utimensat`.
    pub fn times(
        &self,
        node: BorrowedFd<'_>,
        accessed: SetMoment,
        modified: SetMoment,
    ) -> Result<(), Error> {
        let [seconds, nanos] = status::words(accessed);
        let [more_seconds, more_nanos] = status::words(modified);
        let times = [seconds, nanos, more_seconds, more_nanos];
        let place = times.as_ptr().expose_provenance();
        let number = node.as_raw_fd() as usize;
        let arguments = [number, EMPTY, place, AT_EMPTY_PATH, 0, 0];
        // SAFETY: the path is the empty one, which is there as `self` is; the call reads two times of 16 bytes, which `times` is.
        unsafe { system_call(SYS_UTIMENSAT, arguments) }.map(drop)
    }

    /// Reads the text of the symbolic link that a descriptor stands for; how many bytes, at most as many as there is room for.
    ///
    /// # Errors
    /// Those of `readlinkat`, `ENOENT` if it is none.
    pub fn readlink(&self, node: BorrowedFd<'_>, into: &mut [u8]) -> Result<usize, Error> {
        let (place, length) = (into.as_mut_ptr().expose_provenance(), into.len());
        let number = node.as_raw_fd() as usize;
        // SAFETY: the path is the empty one, which is there as `self` is; the call writes at most `length` bytes to `into`.
        unsafe { system_call(SYS_READLINKAT, [number, EMPTY, place, length, 0, 0]) }
    }

    /// Gives what a descriptor stands for one more name.
    ///
    /// # Errors
    /// Those of `linkat`.
    pub fn link(
        &self,
        node: BorrowedFd<'_>,
        folder: BorrowedFd<'_>,
        name: &CStr,
    ) -> Result<(), Error> {
        let (number, folder) = (node.as_raw_fd() as usize, folder.as_raw_fd() as usize);
        let text = name.as_ptr().expose_provenance();
        let arguments = [number, EMPTY, folder, text, AT_EMPTY_PATH, 0];
        // SAFETY: the path is the empty one, which is there as `self` is; the name is a text that ends with a zero and only read.
        let made = unsafe { system_call(SYS_LINKAT, arguments) };
        // Before Linux 6.10 this way was for privileged processes.
        let refused = |error: &Error| matches!(error.raw_os_error(), Some(ENOENT | EPERM));
        if !made.as_ref().is_err_and(refused) {
            return made.map(drop);
        }
        let source = decimal(node);
        let place = source.as_ptr().expose_provenance();
        let own = self.descriptors.as_raw_fd() as usize;
        let arguments = [own, place, folder, text, AT_SYMLINK_FOLLOW, 0];
        // SAFETY: both are texts that end with a zero, alive and only read.
        unsafe { system_call(SYS_LINKAT, arguments) }.map(drop)
    }
}

/// Writes a description: flags, mode, how the path is followed.
fn write(address: usize, description: [u64; 3]) {
    let place = with_exposed_provenance_mut::<[u64; 3]>(address);
    // SAFETY: the address is one of this module's constants, aligned to 32 bytes and within the pages, which the only caller has just
    // mapped writable, and of which no reference exists.
    unsafe { place.write(description) };
}

fn open_by(folder: BorrowedFd<'_>, path: &CStr, how: usize) -> Result<OwnedFd, Error> {
    let text = path.as_ptr().expose_provenance();
    let arguments = [folder.as_raw_fd() as usize, text, how, 24, 0, 0];
    // SAFETY: the path is a text that ends with a zero, and the description lies on the pages, which are there as the callers have a
    // `Calls`; both are only read.
    let number = unsafe { system_call(SYS_OPENAT2, arguments) }?;
    let number = i32::try_from(number).map_err(|_| ErrorKind::InvalidData)?;
    // SAFETY: the descriptor is new and open, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The descriptor's number as a name in `/proc/self/fd`.
fn decimal(descriptor: BorrowedFd<'_>) -> std::ffi::CString {
    let text = descriptor.as_raw_fd().to_string();
    std::ffi::CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
