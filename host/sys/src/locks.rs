//! Locks on ranges of an open file that belong to the open file and not to the process (`F_OFD_SETLK`, `F_OFD_GETLK`).

use crate::ptrace::system_call;
use std::io::Error;
use std::os::fd::{AsRawFd, BorrowedFd};

const SYS_FCNTL: usize = 72;
const F_OFD_GETLK: usize = 36;
const F_OFD_SETLK: usize = 37;

/// Linux's `struct flock`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    kind: i16,
    whence: i16,
    start: i64,
    length: i64,
    process: i32,
}

/// A lock, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLock {
    /// Others may have such a lock too.
    Shared,
    /// Nobody else has any.
    Exclusive,
    /// No lock.
    None,
}

impl FileLock {
    /// The number that Linux gives it.
    const fn number(self) -> i16 {
        match self {
            FileLock::Shared => 0,
            FileLock::Exclusive => 1,
            FileLock::None => 2,
        }
    }
}

fn call(file: BorrowedFd<'_>, command: usize, record: &mut Record) -> Result<(), Error> {
    let place = (record as *mut Record).expose_provenance();
    let arguments = [file.as_raw_fd() as usize, command, place, 0, 0, 0];
    // SAFETY: both commands read a record and write at most one; it is alive and borrowed for writing, and any bytes are a record.
    unsafe { system_call(SYS_FCNTL, arguments) }.map(drop)
}

/// Takes or gives up a lock of a range, without waiting. The length 0 means all that comes behind the start.
///
/// # Errors
/// `EAGAIN` if another one is in the way, `EBADF` if the file is not open for what the lock needs, `EINVAL` for a range that cannot be.
pub fn lock_file(
    file: BorrowedFd<'_>,
    lock: FileLock,
    start: i64,
    length: i64,
) -> Result<(), Error> {
    let mut record = Record {
        kind: lock.number(),
        start,
        length,
        ..Record::default()
    };
    call(file, F_OFD_SETLK, &mut record)
}

/// The first lock that would be in the way of this one: what it is, its start and length (0: to the end), and the process that has it, 0 if
/// it belongs to an open file.
///
/// # Errors
/// `EINVAL` for a range that cannot be.
pub fn lock_in_the_way(
    file: BorrowedFd<'_>,
    lock: FileLock,
    start: i64,
    length: i64,
) -> Result<Option<(FileLock, i64, i64, u32)>, Error> {
    let mut record = Record {
        kind: lock.number(),
        start,
        length,
        ..Record::default()
    };
    call(file, F_OFD_GETLK, &mut record)?;
    let process = u32::try_from(record.process).unwrap_or(0);
    let found = |lock| Some((lock, record.start, record.length, process));
    Ok(match record.kind {
        0 => found(FileLock::Shared),
        1 => found(FileLock::Exclusive),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn two_open_files_exclude_each_other() {
        let first = memfd_create("locks", MemfdFlags::CLOEXEC).unwrap();
        let path = format!("/proc/self/fd/{}", first.as_raw_fd());
        let second = File::options().read(true).write(true).open(path).unwrap();
        let (first, second) = (first.as_fd(), second.as_fd());
        lock_file(first, FileLock::Exclusive, 5, 10).unwrap();
        let taken = lock_file(second, FileLock::Shared, 0, 0).unwrap_err();
        assert_eq!(taken.raw_os_error(), Some(11));
        lock_file(second, FileLock::Shared, 0, 5).unwrap();
        assert_eq!(
            lock_in_the_way(second, FileLock::Shared, 0, 0).unwrap(),
            Some((FileLock::Exclusive, 5, 10, 0))
        );
        lock_file(first, FileLock::None, 0, 0).unwrap();
        assert_eq!(
            lock_in_the_way(second, FileLock::Exclusive, 0, 0).unwrap(),
            None
        );
        assert!(lock_file(first, FileLock::Shared, -1, 0).is_err());
    }
}
