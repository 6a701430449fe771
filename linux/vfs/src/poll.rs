//! Readiness of open files, for poll, select and epoll.

use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::Object;
use crate::outcome::{Queue, Ready};
use crate::vfs::Vfs;
use alloc::vec::Vec;

/// What a file is ready for, and where to wait for a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Readiness {
    /// Poll's bits.
    pub ready: Ready,
    /// Queues that are woken when it changes; none for files that are always ready.
    pub queues: Vec<Queue>,
}

impl Vfs {
    /// Readiness of a descriptor. `EBADF` (poll then says `POLLNVAL`).
    pub fn poll(&mut self, cx: &Context<'_>, fd: i32) -> Result<Readiness, Errno> {
        let id = self.data_descriptor(cx, fd)?;
        Ok(Readiness {
            ready: self.file_ready(id),
            queues: self.file_queues(id)?,
        })
    }

    pub(crate) fn file_ready(&mut self, id: FileId) -> Ready {
        let Ok(file) = self.file(id) else {
            return Ready::ERROR;
        };
        let (reads, writes) = (file.can_read(), file.can_write());
        match &file.object {
            Object::Pipe(pipe) => self
                .pipes
                .get(*pipe)
                .map_or(Ready::ERROR, |pipe| pipe.ready(reads, writes)),
            Object::Terminal(terminal) => self
                .terminals
                .get(*terminal)
                .map_or(Ready::HANGUP, |tty| tty.ready()),
            Object::Master(terminal) => self
                .terminals
                .get(*terminal)
                .map_or(Ready::HANGUP, |tty| tty.master_ready()),
            Object::Socket(end) => self.socket_ready(*end),
            Object::Event(counter) => self
                .counters
                .get(*counter)
                .map_or(Ready::ERROR, |counter| counter.ready()),
            &Object::Epoll(epoll) => self.epoll_ready(epoll),
            Object::Other(object) => object.ready(),
            _ => Ready::FILE,
        }
    }

    pub(crate) fn file_queues(&self, id: FileId) -> Result<Vec<Queue>, Errno> {
        let file = self.file(id)?;
        let mut queues = Vec::new();
        match &file.object {
            Object::Pipe(pipe) => {
                if let Some(pipe) = self.pipes.get(*pipe) {
                    queues.extend(file.can_read().then_some(pipe.read_queue));
                    queues.extend(file.can_write().then_some(pipe.write_queue));
                }
            }
            Object::Terminal(terminal) => {
                queues.extend(self.terminals.get(*terminal).map(|tty| tty.queue))
            }
            Object::Master(terminal) => {
                queues.extend(self.terminals.get(*terminal).map(|tty| tty.master_queue))
            }
            Object::Socket(end) => queues.extend(self.sockets.get(*end).map(|end| end.queue)),
            Object::Event(counter) => {
                queues.extend(self.counters.get(*counter).map(|counter| counter.queue))
            }
            Object::Epoll(epoll) => queues.extend(self.epoll_queue(*epoll)),
            Object::Other(object) => queues.push(object.queue()),
            _ => {}
        }
        Ok(queues)
    }
}
