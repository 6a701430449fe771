//! Reading, writing, seeking and copying.

use crate::constants::{
    MAX_TRANSFER, O_APPEND, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET, signal,
};
use crate::context::{Context, FileId};
use crate::dentry::ServerId;
use crate::errno::Errno;
use crate::file::Object;
use crate::outcome::{Attempt, Event, Queue, Stop, Target};
use crate::vfs::Vfs;
use sundog_protocols::file::{Allocate, Handle};

/// Where a transfer starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// At the file's offset, which moves.
    Offset,
    /// Here; the offset stays.
    Here(u64),
}

fn here(offset: i64) -> Result<At, Errno> {
    u64::try_from(offset)
        .map(At::Here)
        .map_err(|_| Errno::EINVAL)
}

impl Vfs {
    /// Reads at the file's offset. 0 at the end. `EBADF`, `EISDIR`, `EINVAL`, or waits.
    pub fn read(&mut self, cx: &Context<'_>, fd: i32, into: &mut [u8]) -> Attempt<usize> {
        let id = self.data_descriptor(cx, fd)?;
        self.read_file(cx, id, into, At::Offset)
    }

    /// Writes at the file's offset (at its end with `O_APPEND`). `EBADF`, `EPIPE`, `EFBIG`, `ENOSPC`, or waits.
    pub fn write(&mut self, cx: &Context<'_>, fd: i32, from: &[u8]) -> Attempt<usize> {
        let id = self.data_descriptor(cx, fd)?;
        self.write_file(cx, id, from, At::Offset)
    }

    /// Reads at an offset of its own. `ESPIPE` for what has none.
    pub fn pread(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        into: &mut [u8],
        offset: i64,
    ) -> Attempt<usize> {
        let at = here(offset)?;
        let id = self.data_descriptor(cx, fd)?;
        self.read_file(cx, id, into, at)
    }

    /// Writes at an offset of its own (with `O_APPEND` at the end all the same, as Linux does). `ESPIPE`.
    pub fn pwrite(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        from: &[u8],
        offset: i64,
    ) -> Attempt<usize> {
        let at = here(offset)?;
        let id = self.data_descriptor(cx, fd)?;
        self.write_file(cx, id, from, at)
    }

    /// Reads an open file at an offset, for execve and mappings. `EINVAL` for what is no regular file.
    pub fn file_read_at(
        &mut self,
        id: FileId,
        offset: u64,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        match self.file(id)?.object {
            Object::File { server, handle } => self.read_server(server, handle, offset, into),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The page frame behind the 4 KiB page `index` of an open file; `None` for one that is zeros for ever. `ENODEV`
    /// where the server cannot share its frames (then read the page instead), `ENXIO` behind the end, `EACCES` if the file is
    /// not open so.
    pub fn file_page(&mut self, id: FileId, index: u64, write: bool) -> Result<Option<u64>, Errno> {
        let file = self.file_mut(id)?;
        if !file.can_read() || write && !file.can_write() {
            return Err(Errno::EACCES);
        }
        match &mut file.object {
            &mut Object::File { server, handle } => {
                Ok(self.server(server)?.page(handle, index, write)?)
            }
            Object::Other(object) => object.page(index, write),
            _ => Err(Errno::ENODEV),
        }
    }

    fn read_server(
        &mut self,
        server: ServerId,
        handle: Handle,
        offset: u64,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let files = self.server(server)?;
        let mut done = 0;
        while done < into.len() {
            match files.read(handle, offset + done as u64, &mut into[done..]) {
                Ok(0) => break,
                Ok(count) => done += count.min(into.len() - done),
                Err(error) if done == 0 => return Err(error.into()),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// The result of an object that may have nothing yet: waits unless the file is `O_NONBLOCK`.
    pub(crate) fn or_wait(
        &self,
        id: FileId,
        result: Result<usize, Errno>,
        queue: Queue,
    ) -> Attempt<usize> {
        match result {
            Err(Errno::EAGAIN) if !self.file(id)?.nonblocking() => Err(Stop::Block(queue)),
            other => Ok(other?),
        }
    }

    /// Reads an open file.
    pub(crate) fn read_file(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        into: &mut [u8],
        at: At,
    ) -> Attempt<usize> {
        let length = into.len().min(MAX_TRANSFER);
        let into = &mut into[..length];
        let file = self.file_mut(id)?;
        if !file.can_read() {
            return Err(Errno::EBADF.into());
        }
        let offset = match at {
            At::Offset => file.offset,
            At::Here(offset) => offset,
        };
        let count = match &mut file.object {
            &mut Object::File { server, handle } => {
                self.read_server(server, handle, offset, into)?
            }
            Object::Directory { .. } => return Err(Errno::EISDIR.into()),
            Object::Text(text) => {
                let rest = text
                    .get(usize::try_from(offset).unwrap_or(usize::MAX)..)
                    .unwrap_or(&[]);
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                count
            }
            Object::Null => return Ok(0),
            Object::Zero | Object::Full => {
                into.fill(0);
                return Ok(into.len());
            }
            Object::Random => {
                self.random.fill(into);
                return Ok(into.len());
            }
            _ if at != At::Offset => return Err(Errno::ESPIPE.into()),
            &mut Object::Pipe(pipe) => return self.read_pipe(id, pipe, into),
            &mut Object::Terminal(terminal) => return self.read_terminal(cx, id, terminal, into),
            &mut Object::Master(terminal) => return self.read_master(id, terminal, into),
            &mut Object::Socket(end) => return self.read_socket(id, end, into),
            &mut Object::Event(counter) => return self.read_event(id, counter, into),
            Object::Other(object) => {
                let (result, queue) = (object.read(into), object.queue());
                return self.or_wait(id, result, queue);
            }
            Object::Path | Object::Epoll(_) => return Err(Errno::EINVAL.into()),
        };
        if at == At::Offset {
            self.file_mut(id)?.offset = offset + count as u64;
        }
        Ok(count)
    }

    /// Writes an open file.
    pub(crate) fn write_file(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        from: &[u8],
        at: At,
    ) -> Attempt<usize> {
        let from = &from[..from.len().min(MAX_TRANSFER)];
        let file = self.file_mut(id)?;
        if !file.can_write() {
            return Err(Errno::EBADF.into());
        }
        match &mut file.object {
            &mut Object::File { server, handle } => {
                Ok(self.write_regular(cx, id, (server, handle), from, at)?)
            }
            Object::Null | Object::Zero | Object::Random => Ok(from.len()),
            Object::Full => Err(Errno::ENOSPC.into()),
            _ if at != At::Offset => Err(Errno::ESPIPE.into()),
            &mut Object::Pipe(pipe) => self.write_pipe(id, pipe, from),
            &mut Object::Terminal(terminal) => self.write_terminal(cx, id, terminal, from),
            &mut Object::Master(terminal) => self.write_master(id, terminal, from),
            &mut Object::Socket(end) => self.write_socket(id, end, from),
            &mut Object::Event(counter) => self.write_event(id, counter, from),
            Object::Other(object) => {
                let (result, queue) = (object.write(from), object.queue());
                self.or_wait(id, result, queue)
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    pub(crate) fn size_exceeded(&mut self) -> Errno {
        self.events.push_back(Event::Signal {
            to: Target::Caller,
            signal: signal::XFSZ,
        });
        Errno::EFBIG
    }

    fn write_regular(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        (server, handle): (ServerId, Handle),
        from: &[u8],
        at: At,
    ) -> Result<usize, Errno> {
        let file = self.file(id)?;
        let append = file.flags & O_APPEND != 0;
        let mut offset = match at {
            At::Offset => file.offset,
            At::Here(offset) => offset,
        };
        if append {
            offset = self.server(server)?.getattr(handle)?.size;
        }
        if from.is_empty() {
            return Ok(0);
        }
        if offset >= cx.max_file_size {
            return Err(self.size_exceeded());
        }
        let room = usize::try_from(cx.max_file_size - offset).unwrap_or(usize::MAX);
        let from = &from[..from.len().min(room)];
        self.seals_allow_write(server, handle, offset + from.len() as u64)?;
        let files = self.server(server)?;
        let mut done = 0;
        while done < from.len() {
            match files.write(handle, offset + done as u64, &from[done..]) {
                Ok(0) => break,
                Ok(count) => done += count.min(from.len() - done),
                Err(error) if done == 0 => return Err(error.into()),
                Err(_) => break,
            }
        }
        if at == At::Offset {
            self.file_mut(id)?.offset = offset + done as u64;
        }
        Ok(done)
    }

    /// Moves the offset. `ESPIPE` for pipes and the like, `EINVAL` for a negative result, `ENXIO` for data or holes behind the
    /// end. For folders the offset is where listing goes on.
    pub fn lseek(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        offset: i64,
        whence: u32,
    ) -> Result<u64, Errno> {
        let id = self.data_descriptor(cx, fd)?;
        let file = self.file(id)?;
        let current = file.offset;
        let new = match file.object {
            Object::File { server, handle } => {
                let size = self.server(server)?.getattr(handle)?.size;
                match whence {
                    SEEK_SET => Some(offset),
                    SEEK_CUR => (current as i64).checked_add(offset),
                    SEEK_END => (size as i64).checked_add(offset),
                    SEEK_DATA | SEEK_HOLE => {
                        let from = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
                        Some(
                            self.server(server)?
                                .seek(handle, from, whence == SEEK_HOLE)?
                                as i64,
                        )
                    }
                    _ => return Err(Errno::EINVAL),
                }
                .ok_or(Errno::EOVERFLOW)?
            }
            Object::Text(_) | Object::Directory { .. } => match whence {
                SEEK_SET => offset,
                SEEK_CUR => (current as i64)
                    .checked_add(offset)
                    .ok_or(Errno::EOVERFLOW)?,
                _ => return Err(Errno::EINVAL),
            },
            Object::Null | Object::Zero | Object::Full | Object::Random => 0,
            _ => return Err(Errno::ESPIPE),
        };
        let new = u64::try_from(new).map_err(|_| Errno::EINVAL)?;
        self.file_mut(id)?.offset = new;
        Ok(new)
    }

    /// Brings what was written to stable storage. `EINVAL` for what has none.
    pub fn fsync(&mut self, cx: &Context<'_>, fd: i32, data_only: bool) -> Result<(), Errno> {
        let id = self.data_descriptor(cx, fd)?;
        match self.file(id)?.object {
            Object::File { server, handle }
            | Object::Directory {
                server: Some((server, handle)),
            } => Ok(self.server(server)?.fsync(handle, data_only)?),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Gives a range storage or takes it away. `mode` is a combination of `FALLOC_FL_KEEP_SIZE` 1, `PUNCH_HOLE` 2 (only with
    /// 1) and `ZERO_RANGE` 16. `EOPNOTSUPP` for others, `ENODEV` for what is no regular file.
    pub fn fallocate(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        mode: u32,
        offset: i64,
        length: i64,
    ) -> Result<(), Errno> {
        let id = self.data_descriptor(cx, fd)?;
        let file = self.file(id)?;
        if !file.can_write() {
            return Err(Errno::EBADF);
        }
        let (Ok(offset), Ok(length @ 1..)) = (u64::try_from(offset), u64::try_from(length)) else {
            return Err(Errno::EINVAL);
        };
        let how = match mode {
            0 => Allocate::Extend,
            1 => Allocate::KeepSize,
            3 => Allocate::PunchHole,
            16 => Allocate::ZeroRange,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        let (server, handle) = match file.object {
            Object::File { server, handle } => (server, handle),
            Object::Pipe(_) => return Err(Errno::ESPIPE),
            _ => return Err(Errno::ENODEV),
        };
        if offset.saturating_add(length) > cx.max_file_size {
            return Err(self.size_exceeded());
        }
        self.seals_allow_write(
            server,
            handle,
            if mode == 0 {
                offset.saturating_add(length)
            } else {
                0
            },
        )?;
        self.server(server)?.allocate(handle, how, offset, length)?;
        if matches!(how, Allocate::PunchHole | Allocate::ZeroRange) {
            // Mappings find the pages that are left again when they are touched.
            let inode = self.server(server)?.getattr(handle)?.id;
            self.truncated(server, inode, offset & !4095);
        }
        Ok(())
    }
}
