//! Copies from descriptor to descriptor that never pass the caller's memory.

use crate::constants::{MAX_TRANSFER, O_APPEND};
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::Object;
use crate::outcome::Attempt;
use crate::transfer::At;
use crate::vfs::Vfs;
use alloc::vec;

impl Vfs {
    /// Copies from a file to another descriptor inside the personality. With `offset` the file's own offset stays and the
    /// new one is returned besides the count. `EINVAL` for a source without offset or a target with `O_APPEND`.
    pub fn sendfile(
        &mut self,
        cx: &Context<'_>,
        to: i32,
        from: i32,
        offset: Option<i64>,
        count: usize,
    ) -> Attempt<(usize, Option<i64>)> {
        let (source, target) = (
            self.data_descriptor(cx, from)?,
            self.data_descriptor(cx, to)?,
        );
        if !self.file(source)?.can_read() || !self.file(target)?.can_write() {
            return Err(Errno::EBADF.into());
        }
        if !matches!(
            self.file(source)?.object,
            Object::File { .. } | Object::Text(_)
        ) {
            return Err(Errno::EINVAL.into());
        }
        if self.file(target)?.flags & O_APPEND != 0 {
            return Err(Errno::EINVAL.into());
        }
        let start = match offset {
            Some(offset) => u64::try_from(offset).map_err(|_| Errno::EINVAL)?,
            None => self.file(source)?.offset,
        };
        let done = self.copy(cx, (source, start), (target, At::Offset), count)?;
        let end = start + done as u64;
        if offset.is_none() {
            self.file_mut(source)?.offset = end;
        }
        Ok((done, offset.map(|_| end as i64)))
    }

    /// Copies between two regular files; `None` means a file's own offset, which then moves. Returns the count.
    /// `EINVAL` for overlapping ranges of one file and for what is no regular file, `EISDIR`, `EBADF`.
    pub fn copy_file_range(
        &mut self,
        cx: &Context<'_>,
        from: (i32, Option<i64>),
        to: (i32, Option<i64>),
        count: usize,
    ) -> Attempt<usize> {
        let (source, target) = (
            self.data_descriptor(cx, from.0)?,
            self.data_descriptor(cx, to.0)?,
        );
        for id in [source, target] {
            match self.file(id)?.object {
                Object::File { .. } => {}
                Object::Directory { .. } => return Err(Errno::EISDIR.into()),
                _ => return Err(Errno::EINVAL.into()),
            }
        }
        let appends = self.file(target)?.flags & O_APPEND != 0;
        if !self.file(source)?.can_read() || !self.file(target)?.can_write() || appends {
            return Err(Errno::EBADF.into());
        }
        let position = |vfs: &Vfs, id, own: Option<i64>| match own {
            Some(offset) => u64::try_from(offset).map_err(|_| Errno::EINVAL),
            None => Ok(vfs.file(id)?.offset),
        };
        let (start, goal) = (
            position(self, source, from.1)?,
            position(self, target, to.1)?,
        );
        let count = count.min(MAX_TRANSFER);
        let overlap = start.abs_diff(goal) < count as u64;
        if overlap && self.file_identity(cx, source)? == self.file_identity(cx, target)? {
            return Err(Errno::EINVAL.into());
        }
        let done = self.copy(cx, (source, start), (target, At::Here(goal)), count)?;
        if from.1.is_none() {
            self.file_mut(source)?.offset = start + done as u64;
        }
        if to.1.is_none() {
            self.file_mut(target)?.offset = goal + done as u64;
        }
        Ok(done)
    }

    fn copy(
        &mut self,
        cx: &Context<'_>,
        from: (FileId, u64),
        to: (FileId, At),
        count: usize,
    ) -> Attempt<usize> {
        const CHUNK: usize = 64 * 1024;
        let mut buffer = vec![0; CHUNK.min(count)];
        let mut done = 0;
        while done < count {
            let part = buffer.len().min(count - done);
            let read = self.read_file(
                cx,
                from.0,
                &mut buffer[..part],
                At::Here(from.1 + done as u64),
            )?;
            if read == 0 {
                break;
            }
            let at = match to.1 {
                At::Offset => At::Offset,
                At::Here(goal) => At::Here(goal + done as u64),
            };
            match self.write_file(cx, to.0, &buffer[..read], at) {
                Ok(written) => {
                    done += written;
                    if written < read {
                        break;
                    }
                }
                Err(stop) if done == 0 => return Err(stop),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}
