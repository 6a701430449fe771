//! Advisory locks: flock on whole files, POSIX and open-file-description locks on ranges.

use crate::context::{Context, FileId, UserMemory};
use crate::errno::Errno;
use crate::file::Object;
use crate::outcome::{Attempt, FileIdentity, Queue, Stop};
use crate::vfs::Vfs;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

/// Who holds a lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Owner {
    Process(u32),
    File(FileId),
}

/// A locked range: `end` is the first byte behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    owner: Owner,
    start: u64,
    end: u64,
    exclusive: bool,
}

#[derive(Default)]
struct FileLocks {
    whole: Vec<(FileId, bool)>,
    ranges: Vec<Range>,
    queue: Option<Queue>,
}

impl FileLocks {
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.ranges.is_empty()
    }

    fn conflict(&self, wanted: &Range) -> Option<Range> {
        let hits = |held: &&Range| {
            held.owner != wanted.owner
                && held.start < wanted.end
                && wanted.start < held.end
                && (held.exclusive || wanted.exclusive)
        };
        self.ranges.iter().find(hits).copied()
    }

    /// Takes a range away from an owner, splitting what sticks out.
    fn cut(&mut self, owner: Owner, start: u64, end: u64) {
        let mut kept = Vec::new();
        for range in core::mem::take(&mut self.ranges) {
            if range.owner != owner || range.end <= start || end <= range.start {
                kept.push(range);
                continue;
            }
            if range.start < start {
                kept.push(Range {
                    end: start,
                    ..range
                });
            }
            if end < range.end {
                kept.push(Range {
                    start: end,
                    ..range
                });
            }
        }
        self.ranges = kept;
    }
}

/// All locks.
#[derive(Default)]
pub struct Locks {
    files: BTreeMap<FileIdentity, FileLocks>,
}

impl Locks {
    /// Removes locks, forgets files without any, and tells whose waiters to wake.
    fn sweep(
        &mut self,
        mut release: impl FnMut(&FileIdentity, &mut FileLocks) -> bool,
    ) -> Vec<Queue> {
        let mut woken = Vec::new();
        self.files.retain(|identity, locks| {
            if release(identity, locks) {
                woken.extend(locks.queue);
            }
            !locks.is_empty()
        });
        woken
    }

    /// The last descriptor of an open file was closed.
    pub fn file_closed(&mut self, id: FileId) -> Vec<Queue> {
        self.sweep(|_, locks| {
            let before = locks.whole.len() + locks.ranges.len();
            locks.whole.retain(|held| held.0 != id);
            locks.ranges.retain(|range| range.owner != Owner::File(id));
            before != locks.whole.len() + locks.ranges.len()
        })
    }

    /// A process ended.
    pub fn process_ended(&mut self, pid: u32) -> Vec<Queue> {
        self.sweep(|_, locks| {
            let before = locks.ranges.len();
            locks
                .ranges
                .retain(|range| range.owner != Owner::Process(pid));
            before != locks.ranges.len()
        })
    }

    /// A process closed a descriptor of the file: POSIX takes all its record locks on it.
    pub fn process_closed(&mut self, file: FileIdentity, pid: u32) -> Vec<Queue> {
        self.sweep(|identity, locks| {
            let before = locks.ranges.len();
            if *identity == file {
                locks
                    .ranges
                    .retain(|range| range.owner != Owner::Process(pid));
            }
            before != locks.ranges.len()
        })
    }

    /// Whether a process holds record locks at all.
    pub fn process_has_any(&self, pid: u32) -> bool {
        let owner = Owner::Process(pid);
        self.files
            .values()
            .any(|locks| locks.ranges.iter().any(|range| range.owner == owner))
    }
}

impl Vfs {
    fn lock_queue(&mut self, identity: FileIdentity) -> Queue {
        let fresh = self.new_queue();
        *self
            .locks
            .files
            .entry(identity)
            .or_default()
            .queue
            .get_or_insert(fresh)
    }

    /// flock: `LOCK_SH` 1, `LOCK_EX` 2, `LOCK_UN` 8, with `LOCK_NB` 4. `EWOULDBLOCK` or waits.
    pub fn flock(&mut self, cx: &Context<'_>, fd: i32, operation: u32) -> Attempt<()> {
        let id = self.data_descriptor(cx, fd)?;
        let identity = self.file_identity(cx, id)?;
        let exclusive = match operation & !linux::LOCK_NB {
            linux::LOCK_SH => false,
            linux::LOCK_EX => true,
            linux::LOCK_UN => {
                let freed = self.locks.sweep(|file, locks| {
                    let before = locks.whole.len();
                    if *file == identity {
                        locks.whole.retain(|held| held.0 != id);
                    }
                    before != locks.whole.len()
                });
                self.wake_all(freed);
                return Ok(());
            }
            _ => return Err(Errno::EINVAL.into()),
        };
        let queue = self.lock_queue(identity);
        let locks = self.locks.files.entry(identity).or_default();
        // Changing a lock's kind gives the old one up first, as on Linux.
        let had = locks.whole.iter().any(|held| held.0 == id);
        locks.whole.retain(|held| held.0 != id);
        let conflict = locks.whole.iter().any(|held| held.1 || exclusive);
        if !conflict {
            locks.whole.push((id, exclusive));
        }
        if had {
            self.wake(queue);
        }
        match (conflict, operation & linux::LOCK_NB != 0) {
            (false, _) => Ok(()),
            (true, true) => Err(Errno::EAGAIN.into()),
            (true, false) => Err(Stop::Block(queue)),
        }
    }

    /// `F_GETLK`, `F_SETLK`, `F_SETLKW` and their `F_OFD_` forms, with a `struct flock` in the caller's memory.
    pub(crate) fn record_lock(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        command: u32,
        address: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        const READ: i16 = linux::F_RDLCK as i16;
        const WRITE: i16 = linux::F_WRLCK as i16;
        const UNLOCK: i16 = linux::F_UNLCK as i16;
        let mut bytes = [0; 32];
        memory.read(address, &mut bytes)?;
        let number =
            |at: usize| i64::from_le_bytes(core::array::from_fn(|index| bytes[at + index]));
        let kind = i16::from_le_bytes([bytes[0], bytes[1]]);
        let whence = i16::from_le_bytes([bytes[2], bytes[3]]);
        let (start, length) = (number(8), number(16));
        let of_file = matches!(
            command,
            linux::F_OFD_GETLK | linux::F_OFD_SETLK | linux::F_OFD_SETLKW
        );
        if of_file && bytes[24..28] != [0; 4] {
            return Err(Errno::EINVAL.into());
        }
        let (start, end) = self.lock_range(id, whence, start, length)?;
        let owner = if of_file {
            Owner::File(id)
        } else {
            Owner::Process(cx.job.pid)
        };
        let identity = self.file_identity(cx, id)?;
        let queue = self.lock_queue(identity);
        let wanted = Range {
            owner,
            start,
            end,
            exclusive: kind == WRITE,
        };
        let locks = self.locks.files.entry(identity).or_default();
        if matches!(command, linux::F_GETLK | linux::F_OFD_GETLK) {
            if kind != READ && kind != WRITE {
                return Err(Errno::EINVAL.into());
            }
            match locks.conflict(&wanted) {
                None => bytes[..2].copy_from_slice(&UNLOCK.to_le_bytes()),
                Some(held) => bytes = describe(&held),
            }
            memory.write(address, &bytes)?;
            return Ok(0);
        }
        let file = self.file(id)?;
        match kind {
            READ if !file.can_read() => return Err(Errno::EBADF.into()),
            WRITE if !file.can_write() => return Err(Errno::EBADF.into()),
            READ | WRITE | UNLOCK => {}
            _ => return Err(Errno::EINVAL.into()),
        }
        let locks = self.locks.files.entry(identity).or_default();
        if kind != UNLOCK && locks.conflict(&wanted).is_some() {
            let waits = matches!(command, linux::F_SETLKW | linux::F_OFD_SETLKW);
            return Err(if waits {
                Stop::Block(queue)
            } else {
                Errno::EAGAIN.into()
            });
        }
        locks.cut(owner, start, end);
        if kind != UNLOCK {
            locks.ranges.push(wanted);
        }
        self.wake(queue);
        Ok(0)
    }

    fn lock_range(
        &mut self,
        id: FileId,
        whence: i16,
        start: i64,
        length: i64,
    ) -> Result<(u64, u64), Errno> {
        let file = self.file(id)?;
        let base = match (whence, &file.object) {
            (0, _) => 0,
            (1, _) => file.offset as i64,
            (2, &Object::File { server, handle }) => {
                self.server(server)?.getattr(handle)?.size as i64
            }
            _ => return Err(Errno::EINVAL),
        };
        let start = base.checked_add(start).ok_or(Errno::EOVERFLOW)?;
        let (start, end) = match length {
            0 => (start, i64::MAX),
            1.. => (start, start.checked_add(length).ok_or(Errno::EOVERFLOW)?),
            _ => (start.checked_add(length).ok_or(Errno::EOVERFLOW)?, start),
        };
        let start = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
        Ok((start, end as u64))
    }
}

fn describe(held: &Range) -> [u8; 32] {
    let mut bytes = [0; 32];
    let kind = if held.exclusive {
        linux::F_WRLCK
    } else {
        linux::F_RDLCK
    };
    let length = if held.end == i64::MAX as u64 {
        0
    } else {
        held.end - held.start
    };
    let pid = match held.owner {
        Owner::Process(pid) => pid as i32,
        Owner::File(_) => -1,
    };
    bytes[..2].copy_from_slice(&(kind as i16).to_le_bytes());
    bytes[8..16].copy_from_slice(&held.start.to_le_bytes());
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    bytes[24..28].copy_from_slice(&pid.to_le_bytes());
    bytes
}
