//! Pipes and FIFOs.

use crate::constants::{
    O_ACCMODE, O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, signal,
};
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::mounts::Place;
use crate::objects::order::Order;
use crate::outcome::{Attempt, Event, FileIdentity, Queue, Ready, Stop, Target};
use crate::vfs::Vfs;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// Writes up to this many bytes are never torn apart.
pub const PIPE_BUF: usize = 4096;
/// What a new pipe holds.
const CAPACITY: usize = 64 * 1024;
/// The most that `F_SETPIPE_SZ` gives.
const MAX_CAPACITY: usize = 1 << 20;

/// A pipe.
pub struct Pipe {
    pub number: u64,
    bytes: VecDeque<u8>,
    capacity: usize,
    readers: u32,
    writers: u32,
    /// Where readers wait, and where writers wait.
    pub read_queue: Queue,
    pub write_queue: Queue,
    /// The FIFO that it belongs to.
    fifo: Option<FileIdentity>,
    /// When its bytes were written, if somebody wants to know.
    pub order: Option<Order>,
}

impl Pipe {
    fn room(&self) -> usize {
        if self.order.as_ref().is_some_and(Order::is_full) {
            return 0;
        }
        self.capacity - self.bytes.len()
    }

    /// Takes what is there.
    fn take(&mut self, into: &mut [u8]) -> usize {
        let count = crate::bytes::take(&mut self.bytes, into);
        if let Some(order) = &mut self.order {
            order.taken(count);
        }
        count
    }

    /// Puts in what fits; a small write whole or not at all.
    fn put(&mut self, from: &[u8], may_grow: fn() -> bool) -> usize {
        let wanted = from.len().min(self.room());
        let room = crate::bytes::room(&mut self.bytes, wanted, may_grow);
        if from.len() <= PIPE_BUF && room < from.len() {
            return 0;
        }
        let count = from.len().min(room);
        self.bytes.extend(&from[..count]);
        count
    }

    pub fn ready(&self, reads: bool, writes: bool) -> Ready {
        let read = Ready::IN.when(!self.bytes.is_empty()).with(
            Ready::HANGUP
                .when(self.writers == 0 && self.fifo.is_none_or(|_| self.bytes.is_empty())),
        );
        let write = Ready::OUT
            .when(self.room() >= PIPE_BUF)
            .with(Ready::ERROR.when(self.readers == 0));
        Ready::NONE
            .with(if reads { read } else { Ready::NONE })
            .with(if writes { write } else { Ready::NONE })
    }

    pub fn pending(&self) -> usize {
        self.bytes.len()
    }
}

/// FIFOs that are open, and who waits for the other side.
#[derive(Default)]
pub struct Fifos {
    pipes: BTreeMap<FileIdentity, ObjectId>,
    /// Processes in a blocking open: (pipe, process, whether it writes), and whether its other side has come (it may have gone
    /// again before the process looks). Whoever waits is counted in the pipe already, as on Linux.
    waiting: BTreeMap<(ObjectId, u32, bool), bool>,
}

impl Vfs {
    fn new_pipe(&mut self, fifo: Option<FileIdentity>) -> Result<ObjectId, Errno> {
        let bytes = crate::bytes::queue()?;
        let pipe = Pipe {
            number: self.new_object_number(),
            bytes,
            capacity: CAPACITY,
            readers: 0,
            writers: 0,
            read_queue: self.new_queue(),
            write_queue: self.new_queue(),
            fifo,
            order: None,
        };
        self.pipes.insert(pipe).map_err(|_| Errno::ENFILE)
    }

    /// A pipe: descriptors of its read and its write end. `EMFILE`, `EINVAL` for other flags than `O_CLOEXEC`, `O_NONBLOCK`
    /// and `O_DIRECT` (which is taken for atomic writes only).
    pub fn pipe2(&mut self, cx: &Context<'_>, flags: u32) -> Result<(i32, i32), Errno> {
        if flags & !(O_CLOEXEC | O_NONBLOCK | O_DIRECT) != 0 {
            return Err(Errno::EINVAL);
        }
        let pipe = self.new_pipe(None)?;
        let kept = flags & (O_NONBLOCK | O_DIRECT);
        self.pipe_opened(pipe, O_RDWR);
        let read = match self.add_file(Object::Pipe(pipe), O_RDONLY | kept, None) {
            Ok(read) => read,
            Err(error) => {
                self.close_pipe(pipe, false, true);
                return Err(error);
            }
        };
        let write = match self.add_file(Object::Pipe(pipe), O_WRONLY | kept, None) {
            Ok(write) => write,
            Err(error) => {
                self.release_file(read);
                return Err(error);
            }
        };
        self.install_pair(cx, read, write, flags & O_CLOEXEC != 0)
    }

    /// Gives two files descriptors, both or none.
    pub(crate) fn install_pair(
        &mut self,
        cx: &Context<'_>,
        a: FileId,
        b: FileId,
        cloexec: bool,
    ) -> Result<(i32, i32), Errno> {
        let first = match self.install(cx, a, cloexec, 0) {
            Ok(fd) => fd,
            Err(error) => {
                self.release_file(b);
                return Err(error);
            }
        };
        match self.install(cx, b, cloexec, 0) {
            Ok(second) => Ok((first, second)),
            Err(error) => {
                self.close(cx, first)?;
                Err(error)
            }
        }
    }

    /// Counts a new opener.
    pub(crate) fn pipe_opened(&mut self, id: ObjectId, flags: u32) {
        let Some(pipe) = self.pipes.get_mut(id) else {
            return;
        };
        let access = flags & O_ACCMODE;
        pipe.readers += u32::from(access != O_WRONLY);
        pipe.writers += u32::from(access != O_RDONLY);
        let queues = [pipe.read_queue, pipe.write_queue];
        queues.into_iter().for_each(|queue| self.wake(queue));
    }

    pub(crate) fn close_pipe(&mut self, id: ObjectId, reads: bool, writes: bool) {
        let Some(pipe) = self.pipes.get_mut(id) else {
            return;
        };
        pipe.readers -= u32::from(reads && pipe.readers > 0);
        pipe.writers -= u32::from(writes && pipe.writers > 0);
        let queues = [pipe.read_queue, pipe.write_queue];
        let ended = pipe.readers == 0 && pipe.writers == 0;
        let fifo = pipe.fifo;
        queues.into_iter().for_each(|queue| self.wake(queue));
        if ended {
            self.pipes.remove(id);
            if let Some(fifo) = fifo {
                self.fifos.pipes.remove(&fifo);
            }
        }
    }

    pub(crate) fn read_pipe(
        &mut self,
        id: FileId,
        pipe: ObjectId,
        into: &mut [u8],
    ) -> Attempt<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let pipe = self.pipes.get_mut(pipe).ok_or(Errno::EIO)?;
        let count = pipe.take(into);
        let (read_queue, write_queue) = (pipe.read_queue, pipe.write_queue);
        if count > 0 {
            self.wake(write_queue);
            return Ok(count);
        }
        if pipe.writers == 0 {
            return Ok(0);
        }
        self.or_wait(id, Err(Errno::EAGAIN), read_queue)
    }

    pub(crate) fn write_pipe(&mut self, id: FileId, pipe: ObjectId, from: &[u8]) -> Attempt<usize> {
        let pipe = self.pipes.get_mut(pipe).ok_or(Errno::EIO)?;
        let (read_queue, write_queue) = (pipe.read_queue, pipe.write_queue);
        if pipe.readers == 0 {
            self.events.push_back(Event::Signal {
                to: Target::Caller,
                signal: signal::PIPE,
            });
            return Err(Errno::EPIPE.into());
        }
        if from.is_empty() {
            return Ok(0);
        }
        let count = pipe.put(from, self.dentries.room);
        if count > 0 {
            if let Some(order) = &mut pipe.order {
                order.written(count, &mut self.latest_piece);
            }
            self.wake(read_queue);
            return Ok(count);
        }
        self.or_wait(id, Err(Errno::EAGAIN), write_queue)
    }

    /// Opens a FIFO: without `O_NONBLOCK` it waits for the other side. `ENXIO` for a writer that will not wait.
    pub(crate) fn open_fifo(
        &mut self,
        cx: &Context<'_>,
        place: Place,
        flags: u32,
    ) -> Attempt<FileId> {
        let stat = self.stat_place(cx, place)?;
        let identity = FileIdentity {
            device: stat.device,
            inode: stat.attr.id,
        };
        let id = match self.fifos.pipes.get(&identity) {
            Some(&id) => id,
            None => {
                let id = self.new_pipe(Some(identity))?;
                self.fifos.pipes.insert(identity, id);
                id
            }
        };
        let access = flags & O_ACCMODE;
        let (reads, writes) = (access != O_WRONLY, access != O_RDONLY);
        let key = (id, cx.job.pid, writes);
        let admitted = self.fifos.waiting.get(&key).copied();
        let pipe = self.pipes.get(id).ok_or(Errno::EIO)?;
        if admitted.is_none() {
            let nobody_reads = pipe.readers == 0;
            if writes && !reads && nobody_reads && flags & O_NONBLOCK != 0 {
                self.close_pipe(id, false, false);
                return Err(Errno::ENXIO.into());
            }
            self.pipe_opened(id, flags);
            let others = self
                .fifos
                .waiting
                .iter_mut()
                .filter(|((pipe, _, waits_to_write), _)| {
                    *pipe == id && if *waits_to_write { reads } else { writes }
                });
            others.for_each(|(_, admitted)| *admitted = true);
        }
        let pipe = self.pipes.get(id).ok_or(Errno::EIO)?;
        let alone = if writes {
            pipe.readers == 0
        } else {
            pipe.writers == 0
        };
        if alone && admitted != Some(true) && flags & O_NONBLOCK == 0 {
            let queue = if writes {
                pipe.write_queue
            } else {
                pipe.read_queue
            };
            self.fifos.waiting.insert(key, false);
            return Err(Stop::Block(queue));
        }
        self.fifos.waiting.remove(&key);
        Ok(self.add_file(Object::Pipe(id), access | flags & O_NONBLOCK, Some(place))?)
    }

    /// A process stopped waiting for the other side of FIFOs (a signal came, or it died).
    pub(crate) fn cancel_fifos(&mut self, pid: u32) {
        let mine: Vec<_> = self
            .fifos
            .waiting
            .keys()
            .filter(|key| key.1 == pid)
            .copied()
            .collect();
        for key in mine {
            self.fifos.waiting.remove(&key);
            self.close_pipe(key.0, !key.2, key.2);
        }
    }

    pub(crate) fn pipe_capacity(&self, id: FileId) -> Result<u64, Errno> {
        match self.file(id)?.object {
            Object::Pipe(pipe) => Ok(self.pipes.get(pipe).ok_or(Errno::EIO)?.capacity as u64),
            _ => Err(Errno::EBADF),
        }
    }

    pub(crate) fn set_pipe_capacity(&mut self, id: FileId, size: u64) -> Result<u64, Errno> {
        let Object::Pipe(pipe) = self.file(id)?.object else {
            return Err(Errno::EBADF);
        };
        let pipe = self.pipes.get_mut(pipe).ok_or(Errno::EIO)?;
        let size = usize::try_from(size)
            .map_err(|_| Errno::EINVAL)?
            .max(PIPE_BUF);
        if size > MAX_CAPACITY {
            return Err(Errno::EPERM);
        }
        let size = size.next_power_of_two();
        if size < pipe.bytes.len() {
            return Err(Errno::EBUSY);
        }
        pipe.capacity = size;
        Ok(size as u64)
    }
}
