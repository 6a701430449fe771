//! `socketpair(AF_UNIX)`: two connected ends with a byte stream each way.

use crate::constants::{O_CLOEXEC, O_NONBLOCK, O_RDWR, signal};
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::outcome::{Attempt, Event, Queue, Ready, Target};
use crate::vfs::Vfs;
use alloc::collections::VecDeque;

/// Bytes that one direction holds.
const CAPACITY: usize = 208 * 1024;

/// One end of a pair.
pub struct End {
    pub number: u64,
    /// What the other end sent.
    inbox: VecDeque<u8>,
    peer: Option<ObjectId>,
    /// Nothing more will come in, because this end or the other said so.
    read_shut: bool,
    /// This end sends no more.
    write_shut: bool,
    /// The other end closed with bytes of ours unread.
    reset: bool,
    pub queue: Queue,
}

impl Vfs {
    /// Two connected stream sockets. `flags` are `SOCK_CLOEXEC` and `SOCK_NONBLOCK` (equal to `O_*`). `EINVAL`, `EMFILE`.
    pub fn socketpair(&mut self, cx: &Context<'_>, flags: u32) -> Result<(i32, i32), Errno> {
        if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        let a = self.new_end()?;
        let b = match self.new_end() {
            Ok(b) => b,
            Err(error) => {
                self.close_socket(a);
                return Err(error);
            }
        };
        for (end, peer) in [(a, b), (b, a)] {
            if let Some(end) = self.sockets.get_mut(end) {
                end.peer = Some(peer);
            }
        }
        let status = O_RDWR | flags & O_NONBLOCK;
        let first = self.add_file(Object::Socket(a), status, None)?;
        let second = match self.add_file(Object::Socket(b), status, None) {
            Ok(second) => second,
            Err(error) => {
                self.release_file(first);
                return Err(error);
            }
        };
        self.install_pair(cx, first, second, flags & O_CLOEXEC != 0)
    }

    fn new_end(&mut self) -> Result<ObjectId, Errno> {
        let inbox = crate::bytes::queue()?;
        let end = End {
            number: self.new_object_number(),
            inbox,
            peer: None,
            read_shut: false,
            write_shut: false,
            reset: false,
            queue: self.new_queue(),
        };
        self.sockets.insert(end).map_err(|_| Errno::ENFILE)
    }

    /// What an end is ready for.
    pub(crate) fn socket_ready(&self, id: ObjectId) -> Ready {
        let Some(end) = self.sockets.get(id) else {
            return Ready::ERROR;
        };
        let peer = end.peer.and_then(|peer| self.sockets.get(peer));
        let room = peer.is_none_or(|peer| peer.inbox.len() < CAPACITY);
        let gone = peer.is_none();
        Ready::IN
            .when(!end.inbox.is_empty() || end.read_shut || gone)
            .with(Ready::OUT.when(room))
            .with(Ready::READ_HANGUP.when(end.read_shut || gone))
            .with(Ready::HANGUP.when(gone || end.read_shut && end.write_shut))
    }

    pub(crate) fn socket_pending(&self, id: ObjectId) -> usize {
        self.sockets.get(id).map_or(0, |end| end.inbox.len())
    }

    pub(crate) fn read_socket(
        &mut self,
        id: FileId,
        end: ObjectId,
        into: &mut [u8],
    ) -> Attempt<usize> {
        let end = self.sockets.get_mut(end).ok_or(Errno::EIO)?;
        let count = crate::bytes::take(&mut end.inbox, into);
        let (queue, peer) = (end.queue, end.peer);
        if count > 0 || into.is_empty() {
            if let Some(other) = peer
                .and_then(|peer| self.sockets.get(peer))
                .map(|peer| peer.queue)
            {
                self.wake(other);
            }
            return Ok(count);
        }
        if core::mem::take(&mut end.reset) {
            return Err(Errno::ECONNRESET.into());
        }
        if end.read_shut || peer.is_none() {
            return Ok(0);
        }
        self.or_wait(id, Err(Errno::EAGAIN), queue)
    }

    pub(crate) fn write_socket(
        &mut self,
        id: FileId,
        end: ObjectId,
        from: &[u8],
    ) -> Attempt<usize> {
        let own = self.sockets.get(end).ok_or(Errno::EIO)?;
        let (queue, shut) = (own.queue, own.write_shut);
        let peer = own
            .peer
            .filter(|_| !shut)
            .and_then(|peer| self.sockets.get_mut(peer));
        let Some(peer) = peer.filter(|peer| !peer.read_shut) else {
            self.events.push_back(Event::Signal {
                to: Target::Caller,
                signal: signal::PIPE,
            });
            return Err(Errno::EPIPE.into());
        };
        let wanted = from.len().min(CAPACITY.saturating_sub(peer.inbox.len()));
        let count = crate::bytes::room(&mut peer.inbox, wanted, self.dentries.room);
        if count == 0 && !from.is_empty() {
            return self.or_wait(id, Err(Errno::EAGAIN), queue);
        }
        peer.inbox.extend(&from[..count]);
        let other = peer.queue;
        self.wake(other);
        Ok(count)
    }

    /// shutdown of one end: `how` 0 reading, 1 writing, 2 both. `ENOTSOCK`, `EINVAL`.
    pub fn socket_shutdown(&mut self, cx: &Context<'_>, fd: i32, how: u32) -> Result<(), Errno> {
        let id = self.data_descriptor(cx, fd)?;
        let Object::Socket(id) = self.file(id)?.object else {
            return Err(Errno::ENOTSOCK);
        };
        if how > 2 {
            return Err(Errno::EINVAL);
        }
        let end = self.sockets.get_mut(id).ok_or(Errno::EIO)?;
        end.read_shut |= how != 1;
        end.write_shut |= how != 0;
        let (peer, mut queues) = (end.peer, alloc::vec::Vec::from([end.queue]));
        if let Some(peer) = peer.and_then(|peer| self.sockets.get_mut(peer)) {
            peer.read_shut |= how != 0;
            peer.write_shut |= how != 1;
            queues.push(peer.queue);
        }
        self.wake_all(queues);
        Ok(())
    }

    pub(crate) fn close_socket(&mut self, id: ObjectId) {
        let Some(end) = self.sockets.remove(id) else {
            return;
        };
        if let Some(peer) = end.peer.and_then(|peer| self.sockets.get_mut(peer)) {
            peer.peer = None;
            peer.reset = !end.inbox.is_empty();
            let queue = peer.queue;
            self.wake(queue);
        }
    }
}
