//! Locks of open files, without waiting: who waits asks again.
use super::{Tree, error, host_error};
use rustix::fs::{FlockOperation, flock};
use std::os::fd::{AsFd, OwnedFd};
use sundog_host_sys::{FileLock, lock_file, lock_in_the_way};
use sundog_protocols::file::{FileError, Handle, OpenFlags, Result};
use sundog_protocols::host_files::{Held, LockHow, Range};

fn host_lock(how: LockHow) -> FileLock {
    match how {
        LockHow::Unlock => FileLock::None,
        LockHow::Shared => FileLock::Shared,
        LockHow::Exclusive => FileLock::Exclusive,
    }
}

/// What a range must fit into: the host's offsets have a sign.
fn signed(start: u64, length: u64) -> Result<(i64, i64)> {
    let part = |number: u64| i64::try_from(number).map_err(|_| FileError::EINVAL);
    Ok((part(start)?, part(length)?))
}

impl Tree {
    /// Takes or gives up a lock.
    ///
    /// # Errors
    /// `EAGAIN` if somebody else has it; `EBADF` for a handle that is not open as the lock needs; `EINVAL` for a range that cannot be.
    pub fn lock(&self, handle: Handle, how: LockHow, range: Range) -> Result<()> {
        match range {
            Range::Bytes { start, length } => {
                let file = self.lockable(handle, how)?;
                let (start, length) = signed(start, length)?;
                lock_file(file.as_fd(), host_lock(how), start, length).map_err(error)
            }
            Range::Whole => {
                let file = self.lockable(handle, LockHow::Unlock)?;
                let operation = match how {
                    LockHow::Unlock => FlockOperation::NonBlockingUnlock,
                    LockHow::Shared => FlockOperation::NonBlockingLockShared,
                    LockHow::Exclusive => FlockOperation::NonBlockingLockExclusive,
                };
                flock(file, operation).map_err(host_error)
            }
        }
    }

    /// What is in the way of a lock.
    ///
    /// # Errors
    /// `EBADF`, `EINVAL` as above.
    pub fn in_the_way(
        &self,
        handle: Handle,
        how: LockHow,
        start: u64,
        length: u64,
    ) -> Result<Held> {
        let file = self.lockable(handle, LockHow::Unlock)?;
        let (start, length) = signed(start, length)?;
        let found = lock_in_the_way(file.as_fd(), host_lock(how), start, length);
        Ok(match found.map_err(error)? {
            None => Held::NONE,
            Some((lock, start, length, process)) => Held {
                how: match lock {
                    FileLock::Exclusive => LockHow::Exclusive,
                    _ => LockHow::Shared,
                },
                start: start.unsigned_abs(),
                length: length.unsigned_abs(),
                process,
            },
        })
    }

    /// The open file, if the client has it open as the lock needs; the server's own descriptor may allow more.
    fn lockable(&self, handle: Handle, how: LockHow) -> Result<&OwnedFd> {
        let entry = self.entry(handle)?;
        let open = entry.open.ok_or(FileError::EBADF)?;
        let fits = match how {
            LockHow::Unlock => true,
            LockHow::Shared => open.has(OpenFlags::READ),
            LockHow::Exclusive => open.has(OpenFlags::WRITE),
        };
        fits.then_some(&entry.descriptor).ok_or(FileError::EBADF)
    }
}
