//! epoll: interest in files, level- and edge-triggered and one-shot.

use crate::constants::{O_CLOEXEC, O_RDWR};
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::outcome::{Attempt, Queue, Ready, Stop};
use crate::vfs::Vfs;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use linux_raw_sys::general as linux;
use sundog_protocols::file::Table;

const EDGE: u32 = linux::EPOLLET;
const ONE_SHOT: u32 = linux::EPOLLONESHOT;
/// Reported whether asked for or not.
const ALWAYS: u32 = 0x18;
/// How deep epoll instances may watch each other.
const MAX_DEPTH: u32 = 5;

type Key = (i32, FileId);

struct Interest {
    events: u32,
    data: u64,
    /// It is in the list of those that may be ready.
    listed: bool,
    queues: Vec<Queue>,
}

/// One epoll instance.
pub struct Epoll {
    interests: BTreeMap<Key, Interest>,
    /// Those that may be ready: woken since they were last found not to be, or (not edge-triggered) reported. A wait looks only
    /// at these, so what can become ready must wake its queue.
    listed: VecDeque<Key>,
    pub queue: Queue,
}

impl Epoll {
    /// Puts an interest into the list of those that may be ready.
    fn list(&mut self, key: Key) {
        if let Some(interest) = self.interests.get_mut(&key)
            && !core::mem::replace(&mut interest.listed, true)
        {
            self.listed.push_back(key);
        }
    }
}

/// All instances and which queues they watch.
pub struct Epolls {
    table: Table<Epoll>,
    watchers: BTreeMap<Queue, BTreeSet<(ObjectId, Key)>>,
}

impl Epolls {
    pub fn new() -> Epolls {
        Epolls {
            table: Table::new(1 << 20),
            watchers: BTreeMap::new(),
        }
    }

    /// Whether any instance watches the queue.
    pub fn is_watched(&self, queue: Queue) -> bool {
        self.watchers.contains_key(&queue)
    }

    /// Notes that a queue was woken; adds the queues of the instances that watch it.
    pub fn woken(&mut self, queue: Queue, further: &mut Vec<Queue>) {
        for (id, key) in self.watchers.get(&queue).into_iter().flatten() {
            if let Some(epoll) = self.table.get_mut(*id) {
                epoll.list(*key);
                further.push(epoll.queue);
            }
        }
    }

    fn remove(&mut self, id: ObjectId, key: Key) -> bool {
        let Some(epoll) = self.table.get_mut(id) else {
            return false;
        };
        let Some(interest) = epoll.interests.remove(&key) else {
            return false;
        };
        if interest.listed {
            epoll.listed.retain(|other| *other != key);
        }
        for queue in interest.queues {
            if let Some(watchers) = self.watchers.get_mut(&queue) {
                watchers.remove(&(id, key));
                if watchers.is_empty() {
                    self.watchers.remove(&queue);
                }
            }
        }
        true
    }

    /// A file is gone; nobody is interested any more.
    pub fn file_closed(&mut self, file: FileId) {
        let of_file = |(id, epoll): (ObjectId, &Epoll)| {
            let keys: Vec<Key> = epoll
                .interests
                .keys()
                .filter(|key| key.1 == file)
                .copied()
                .collect();
            keys.into_iter()
                .map(move |key| (id, key))
                .collect::<Vec<_>>()
        };
        let doomed: Vec<(ObjectId, Key)> = self.table.iter().flat_map(of_file).collect();
        for (id, key) in doomed {
            self.remove(id, key);
        }
    }
}

impl Vfs {
    /// A new instance. `EINVAL` for other flags than `EPOLL_CLOEXEC`, `EMFILE`.
    pub fn epoll_create1(&mut self, cx: &Context<'_>, flags: u32) -> Result<i32, Errno> {
        if flags & !O_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let epoll = Epoll {
            interests: BTreeMap::new(),
            listed: VecDeque::new(),
            queue: self.new_queue(),
        };
        let epoll = self.epolls.table.insert(epoll).map_err(|_| Errno::ENFILE)?;
        let file = self.add_file(Object::Epoll(epoll), O_RDWR, None)?;
        self.install(cx, file, flags & O_CLOEXEC != 0, 0)
    }

    fn epoll(&self, cx: &Context<'_>, fd: i32) -> Result<ObjectId, Errno> {
        match self.file(self.data_descriptor(cx, fd)?)?.object {
            Object::Epoll(epoll) => Ok(epoll),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Adds (1), removes (2) or changes (3) an interest: `event` is (events, data). `EEXIST`, `ENOENT`, `EPERM` for files that
    /// are always ready, `ELOOP` for circles.
    pub fn epoll_ctl(
        &mut self,
        cx: &Context<'_>,
        epoll_fd: i32,
        operation: u32,
        fd: i32,
        event: (u32, u64),
    ) -> Result<(), Errno> {
        let file = self.data_descriptor(cx, fd)?;
        let id = self.epoll(cx, epoll_fd)?;
        if matches!(self.file(file)?.object, Object::Epoll(other) if other == id) {
            return Err(Errno::EINVAL);
        }
        let key = (fd, file);
        let known = self
            .epolls
            .table
            .get(id)
            .is_some_and(|epoll| epoll.interests.contains_key(&key));
        match (operation, known) {
            (linux::EPOLL_CTL_ADD, true) => Err(Errno::EEXIST),
            (linux::EPOLL_CTL_DEL | linux::EPOLL_CTL_MOD, false) => Err(Errno::ENOENT),
            (linux::EPOLL_CTL_ADD, false) => self.add_interest(id, key, event),
            (linux::EPOLL_CTL_DEL, true) => {
                self.epolls.remove(id, key);
                self.file_mut(file)?.watched -= 1;
                Ok(())
            }
            (linux::EPOLL_CTL_MOD, true) => {
                if let Some(epoll) = self.epolls.table.get_mut(id)
                    && let Some(interest) = epoll.interests.get_mut(&key)
                {
                    (interest.events, interest.data) = event;
                    epoll.list(key);
                    let queue = epoll.queue;
                    self.wake(queue);
                }
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn add_interest(&mut self, id: ObjectId, key: Key, event: (u32, u64)) -> Result<(), Errno> {
        let queues = self.file_queues(key.1)?;
        if queues.is_empty() {
            return Err(Errno::EPERM);
        }
        if self.epoll_depth(key.1, id, 0)? >= MAX_DEPTH {
            return Err(Errno::ELOOP);
        }
        for queue in &queues {
            self.epolls
                .watchers
                .entry(*queue)
                .or_default()
                .insert((id, key));
        }
        let epoll = self.epolls.table.get_mut(id).ok_or(Errno::EIO)?;
        epoll.interests.insert(
            key,
            Interest {
                events: event.0,
                data: event.1,
                listed: false,
                queues,
            },
        );
        epoll.list(key);
        let queue = epoll.queue;
        self.file_mut(key.1)?.watched += 1;
        self.wake(queue);
        Ok(())
    }

    /// How many instances lie behind a file. `ELOOP` if `target` is among them.
    fn epoll_depth(&self, file: FileId, target: ObjectId, depth: u32) -> Result<u32, Errno> {
        let Object::Epoll(id) = self.file(file)?.object else {
            return Ok(depth);
        };
        if id == target || depth >= MAX_DEPTH {
            return Err(Errno::ELOOP);
        }
        let inner = self
            .epolls
            .table
            .get(id)
            .map(|epoll| epoll.interests.keys().map(|key| key.1).collect::<Vec<_>>());
        let mut deepest = depth + 1;
        for file in inner.unwrap_or_default() {
            deepest = deepest.max(self.epoll_depth(file, target, depth + 1)?);
        }
        Ok(deepest)
    }

    /// Up to `max` events (events, data), or waits. The core keeps the time-out.
    pub fn epoll_wait(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        max: usize,
    ) -> Attempt<Vec<(u32, u64)>> {
        let id = self.epoll(cx, fd)?;
        if max == 0 {
            return Err(Errno::EINVAL.into());
        }
        let found = self.collect(id, max, true);
        if !found.is_empty() {
            return Ok(found);
        }
        let queue = self.epolls.table.get(id).ok_or(Errno::EIO)?.queue;
        Err(Stop::Block(queue))
    }

    /// What a listed interest has to report now: its events and its data.
    fn due(&mut self, id: ObjectId, key: Key) -> Option<(u32, u64)> {
        let interest = self.epolls.table.get(id)?.interests.get(&key)?;
        let (events, data) = (interest.events, interest.data);
        let wanted = events & !(EDGE | ONE_SHOT | linux::EPOLLEXCLUSIVE | linux::EPOLLWAKEUP);
        // A one-shot interest that was reported wants nothing any more, errors included.
        let mask = if wanted == 0 { 0 } else { wanted | ALWAYS };
        let ready = self.file_ready(key.1).0 & mask;
        (ready != 0).then_some((ready, data))
    }

    /// What is ready in an instance. `report` says that it is told, so edges are used up; else the list stays as it is but for
    /// those that are not ready.
    fn collect(&mut self, id: ObjectId, max: usize, report: bool) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        let listed = self
            .epolls
            .table
            .get(id)
            .map_or(0, |epoll| epoll.listed.len());
        for _ in 0..listed {
            if found.len() == max {
                break;
            }
            let Some(key) = self
                .epolls
                .table
                .get_mut(id)
                .and_then(|epoll| epoll.listed.pop_front())
            else {
                break;
            };
            let due = self.due(id, key);
            let Some(epoll) = self.epolls.table.get_mut(id) else {
                break;
            };
            let Some(interest) = epoll.interests.get_mut(&key) else {
                continue;
            };
            let one_shot = interest.events & ONE_SHOT != 0;
            let stays = due.is_some() && !(report && (one_shot || interest.events & EDGE != 0));
            if report && due.is_some() && one_shot {
                interest.events &= EDGE;
            }
            interest.listed = stays;
            if stays {
                epoll.listed.push_back(key);
            }
            found.extend(due);
        }
        found
    }

    pub(crate) fn epoll_ready(&mut self, id: ObjectId) -> Ready {
        Ready::IN.when(!self.collect(id, 1, false).is_empty())
    }

    pub(crate) fn epoll_queue(&self, id: ObjectId) -> Option<Queue> {
        self.epolls.table.get(id).map(|epoll| epoll.queue)
    }

    pub(crate) fn close_epoll(&mut self, id: ObjectId) {
        let Some(epoll) = self.epolls.table.get(id) else {
            return;
        };
        let keys: Vec<Key> = epoll.interests.keys().copied().collect();
        for key in keys {
            self.epolls.remove(id, key);
            if let Some(file) = self.files.get_mut(key.1.0) {
                file.watched = file.watched.saturating_sub(1);
            }
        }
        self.epolls.table.remove(id);
    }
}
