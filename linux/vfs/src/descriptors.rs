//! Descriptor tables: small numbers for open files, with close-on-exec.

use crate::constants::{
    CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, O_APPEND, O_ASYNC, O_CLOEXEC, O_DIRECT, O_NOATIME,
    O_NONBLOCK, O_PATH,
};
use crate::context::{Context, FdsId, FileId, UserMemory};
use crate::errno::Errno;
use crate::fallible;
use crate::file::Object;
use crate::outcome::Attempt;
use crate::vfs::Vfs;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

/// One slot of a table.
#[derive(Clone, Copy)]
struct Slot {
    file: FileId,
    close_on_exec: bool,
}

/// A descriptor table.
pub struct Descriptors {
    pub refs: u32,
    slots: Vec<Option<Slot>>,
    /// No free slot is below this.
    free_from: usize,
}

impl Descriptors {
    fn new() -> Descriptors {
        Descriptors {
            refs: 1,
            slots: Vec::new(),
            free_from: 0,
        }
    }

    /// The open file of a descriptor.
    pub fn get(&self, fd: i32) -> Option<FileId> {
        Some(self.slots.get(usize::try_from(fd).ok()?)?.as_ref()?.file)
    }

    fn lowest_free(&self, min: usize) -> usize {
        let from = min.max(self.free_from);
        (from..self.slots.len())
            .find(|&fd| self.slots[fd].is_none())
            .unwrap_or(self.slots.len().max(from))
    }

    /// Makes room for a descriptor. `ENOMEM`.
    fn reach(&mut self, fd: usize) -> Result<(), Errno> {
        if let Some(more) = (fd + 1).checked_sub(self.slots.len()) {
            self.slots.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
        }
        Ok(())
    }

    /// Sets a descriptor that there is room for.
    fn set(&mut self, fd: usize, slot: Slot) -> Option<FileId> {
        if self.slots.len() <= fd {
            self.slots.resize(fd + 1, None);
        }
        if fd == self.free_from {
            self.free_from = fd + 1;
        }
        self.slots[fd].replace(slot).map(|old| old.file)
    }

    fn take(&mut self, fd: usize) -> Option<FileId> {
        let old = self.slots.get_mut(fd)?.take()?;
        self.free_from = self.free_from.min(fd);
        Some(old.file)
    }

    /// All descriptors with their files, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (i32, FileId)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(fd, slot)| Some((fd as i32, slot.as_ref()?.file)))
    }
}

impl Vfs {
    /// An empty table. `ENOMEM`.
    pub fn new_fds(&mut self) -> Result<FdsId, Errno> {
        self.descriptors
            .insert(Descriptors::new())
            .map(FdsId)
            .map_err(|_| Errno::ENOMEM)
    }

    /// A copy that shares the open files, for fork. `ENOMEM`.
    pub fn clone_fds(&mut self, id: FdsId) -> Result<FdsId, Errno> {
        let table = self.table(id)?;
        let copy = Descriptors {
            refs: 1,
            slots: fallible::copied(&table.slots)?,
            free_from: table.free_from,
        };
        let files = fallible::collect(copy.iter().map(|(_, file)| file))?;
        let copy = self.descriptors.insert(copy).map_err(|_| Errno::ENOMEM)?;
        for file in files {
            self.retain_file(file);
        }
        Ok(FdsId(copy))
    }

    /// One more user of the same table, for `CLONE_FILES`.
    pub fn retain_fds(&mut self, id: FdsId) {
        if let Some(table) = self.descriptors.get_mut(id.0) {
            table.refs += 1;
        }
    }

    /// One user less; the last one closes everything. `pid` is the process whose record locks go with its files.
    pub fn release_fds(&mut self, id: FdsId, pid: u32) {
        let Some(table) = self.descriptors.get_mut(id.0) else {
            return;
        };
        table.refs -= 1;
        if table.refs > 0 {
            return;
        }
        if let Some(table) = self.descriptors.remove(id.0) {
            let freed = self.locks.process_ended(pid);
            self.wake_all(freed);
            for (_, file) in table.iter() {
                self.release_file(file);
            }
        }
    }

    /// Closes what execve closes. The table must not be shared (the core gives the process a copy first).
    pub fn close_on_exec(&mut self, cx: &Context<'_>) {
        let Ok(table) = self.table(cx.fds) else {
            return;
        };
        let doomed: Vec<usize> = (0..table.slots.len())
            .filter(|&fd| table.slots[fd].is_some_and(|slot| slot.close_on_exec))
            .collect();
        for fd in doomed {
            // The slot was full a moment ago; closing it cannot fail.
            let _ = self.close(cx, fd as i32);
        }
    }

    /// The open file of a descriptor. `EBADF`.
    pub fn descriptor(&self, cx: &Context<'_>, fd: i32) -> Result<FileId, Errno> {
        self.table(cx.fds)?.get(fd).ok_or(Errno::EBADF)
    }

    /// As [`Vfs::descriptor`], but `EBADF` also for `O_PATH`.
    pub(crate) fn data_descriptor(&self, cx: &Context<'_>, fd: i32) -> Result<FileId, Errno> {
        let id = self.descriptor(cx, fd)?;
        if self.file(id)?.flags & O_PATH != 0 {
            Err(Errno::EBADF)
        } else {
            Ok(id)
        }
    }

    /// The open file of a descriptor, with one more reference that the caller owns (for mmap). `EBADF`.
    pub fn file_of(&mut self, cx: &Context<'_>, fd: i32) -> Result<FileId, Errno> {
        let id = self.data_descriptor(cx, fd)?;
        self.retain_file(id);
        Ok(id)
    }

    /// Whether the process can have one more descriptor. `EMFILE`.
    pub(crate) fn room_for_descriptor(&self, cx: &Context<'_>) -> Result<(), Errno> {
        let free = self.table(cx.fds)?.lowest_free(0);
        if free >= cx.max_files as usize {
            Err(Errno::EMFILE)
        } else {
            Ok(())
        }
    }

    /// Gives an open file the lowest free descriptor from `min` on; takes over the caller's reference, also if it fails with
    /// `EMFILE`.
    pub fn install(
        &mut self,
        cx: &Context<'_>,
        file: FileId,
        close_on_exec: bool,
        min: u32,
    ) -> Result<i32, Errno> {
        let limit = cx.max_files as usize;
        let done = self.table_mut(cx.fds).and_then(|table| {
            let fd = table.lowest_free(min as usize);
            if fd >= limit {
                return Err(Errno::EMFILE);
            }
            table.reach(fd)?;
            table.set(
                fd,
                Slot {
                    file,
                    close_on_exec,
                },
            );
            Ok(fd as i32)
        });
        if done.is_err() {
            self.release_file(file);
        }
        done
    }

    /// Makes a description of an object that the core brings and gives it a descriptor. `flags` are `O_*`.
    pub fn install_object(
        &mut self,
        cx: &Context<'_>,
        object: alloc::boxed::Box<dyn crate::file::FileObject>,
        flags: u32,
    ) -> Result<i32, Errno> {
        let file = self.add_file(Object::Other(object), flags & !O_CLOEXEC, None)?;
        self.install(cx, file, flags & O_CLOEXEC != 0, 0)
    }

    /// Reaches the core's own object behind an open file. `EBADF`; `ENOTSOCK` if it is none of the core's.
    pub fn object_mut(&mut self, id: FileId) -> Result<&mut dyn crate::file::FileObject, Errno> {
        match &mut self.file_mut(id)?.object {
            Object::Other(object) => Ok(&mut **object),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    /// Closes a descriptor. `EBADF`.
    pub fn close(&mut self, cx: &Context<'_>, fd: i32) -> Result<(), Errno> {
        let slot = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        let file = self.table_mut(cx.fds)?.take(slot).ok_or(Errno::EBADF)?;
        self.closed(cx, file);
        Ok(())
    }

    /// What closing a descriptor does besides: the process loses its record locks on the file, whoever else has it open.
    fn closed(&mut self, cx: &Context<'_>, file: FileId) {
        if self.locks.process_has_any(cx.job.pid)
            && let Ok(identity) = self.file_identity(cx, file)
        {
            let freed = self.locks.process_closed(identity, cx.job.pid);
            self.wake_all(freed);
        }
        self.release_file(file);
    }

    /// Closes (or marks, with `CLOSE_RANGE_CLOEXEC`) all descriptors from `first` to `last`. `EINVAL`.
    pub fn close_range(
        &mut self,
        cx: &Context<'_>,
        first: u32,
        last: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        if first > last || flags & !(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE) != 0 {
            return Err(Errno::EINVAL);
        }
        let mark = flags & CLOSE_RANGE_CLOEXEC != 0;
        let table = self.table_mut(cx.fds)?;
        let end = table.slots.len().min((last as usize).saturating_add(1));
        for fd in first as usize..end {
            if mark {
                if let Some(Some(slot)) = self.table_mut(cx.fds)?.slots.get_mut(fd) {
                    slot.close_on_exec = true;
                }
            } else {
                // Free slots in the range are no error.
                let _ = self.close(cx, fd as i32);
            }
        }
        Ok(())
    }

    /// A second descriptor for the same open file: the lowest free one. `EBADF`, `EMFILE`.
    pub fn dup(&mut self, cx: &Context<'_>, fd: i32) -> Result<i32, Errno> {
        self.dup_from(cx, fd, 0, false)
    }

    fn dup_from(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        min: u32,
        close_on_exec: bool,
    ) -> Result<i32, Errno> {
        let file = self.descriptor(cx, fd)?;
        self.retain_file(file);
        self.install(cx, file, close_on_exec, min)
    }

    /// Makes `to` a second descriptor for `from`'s file; closes what `to` was. `EBADF`.
    pub fn dup2(&mut self, cx: &Context<'_>, from: i32, to: i32) -> Result<i32, Errno> {
        if from == to {
            self.descriptor(cx, from)?;
            return Ok(to);
        }
        self.dup3(cx, from, to, 0)
    }

    /// As `dup2`, with `O_CLOEXEC`; `EINVAL` if both are the same.
    pub fn dup3(&mut self, cx: &Context<'_>, from: i32, to: i32, flags: u32) -> Result<i32, Errno> {
        if from == to || flags & !O_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let file = self.descriptor(cx, from)?;
        let slot = usize::try_from(to)
            .ok()
            .filter(|&fd| fd < cx.max_files as usize)
            .ok_or(Errno::EBADF)?;
        self.table_mut(cx.fds)?.reach(slot)?;
        self.retain_file(file);
        let close_on_exec = flags & O_CLOEXEC != 0;
        if let Some(old) = self.table_mut(cx.fds)?.set(
            slot,
            Slot {
                file,
                close_on_exec,
            },
        ) {
            self.closed(cx, old);
        }
        Ok(to)
    }

    /// fcntl. Locks read and write their `struct flock` in the caller's memory. `EINVAL` for unknown commands.
    pub fn fcntl(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        command: u32,
        argument: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        const SETTABLE: u32 = O_APPEND | O_NONBLOCK | O_DIRECT | O_ASYNC | O_NOATIME;
        const LARGE_FILE: u32 = 0o100_000;
        let id = self.descriptor(cx, fd)?;
        let is_path = self.file(id)?.flags & O_PATH != 0;
        match command {
            linux::F_DUPFD | linux::F_DUPFD_CLOEXEC => {
                let min = u32::try_from(argument)
                    .ok()
                    .filter(|&min| min < cx.max_files)
                    .ok_or(Errno::EINVAL)?;
                Ok(self.dup_from(cx, fd, min, command == linux::F_DUPFD_CLOEXEC)? as u64)
            }
            linux::F_GETFD | linux::F_SETFD => {
                let slot = self
                    .table_mut(cx.fds)?
                    .slots
                    .get_mut(fd as usize)
                    .and_then(Option::as_mut);
                let slot = slot.ok_or(Errno::EBADF)?;
                if command == linux::F_SETFD {
                    slot.close_on_exec = argument & 1 != 0;
                    return Ok(0);
                }
                Ok(u64::from(slot.close_on_exec))
            }
            linux::F_GETFL => Ok(u64::from(
                self.file(id)?.flags | if is_path { 0 } else { LARGE_FILE },
            )),
            _ if is_path => Err(Errno::EBADF.into()),
            linux::F_SETFL => {
                let file = self.file_mut(id)?;
                file.flags = file.flags & !SETTABLE | argument as u32 & SETTABLE;
                Ok(0)
            }
            linux::F_SETOWN => {
                self.file_mut(id)?.owner = argument as i32;
                Ok(0)
            }
            linux::F_GETOWN => Ok(self.file(id)?.owner as i64 as u64),
            linux::F_SETSIG => {
                self.file_mut(id)?.signal = argument as u32;
                Ok(0)
            }
            linux::F_GETSIG => Ok(u64::from(self.file(id)?.signal)),
            linux::F_GETLK | linux::F_SETLK | linux::F_SETLKW => {
                self.record_lock(cx, id, command, argument, memory)
            }
            linux::F_OFD_GETLK | linux::F_OFD_SETLK | linux::F_OFD_SETLKW => {
                self.record_lock(cx, id, command, argument, memory)
            }
            linux::F_GETPIPE_SZ => Ok(self.pipe_capacity(id)?),
            linux::F_SETPIPE_SZ => Ok(self.set_pipe_capacity(id, argument)?),
            linux::F_ADD_SEALS => Ok(self.add_seals(id, argument as u32)?),
            linux::F_GET_SEALS => Ok(u64::from(self.get_seals(id)?)),
            _ => Err(Errno::EINVAL.into()),
        }
    }
}
