//! Everything behind the descriptors of one sandbox, and the small helpers that all operations use.

use crate::context::{FdsId, FileId, FsId};
use crate::dentry::{Body, Dentries, ServerId};
use crate::descriptors::Descriptors;
use crate::errno::Errno;
use crate::file::{Object, OpenFile};
use crate::gate::Gates;
use crate::locks::Locks;
use crate::mounts::{Mount, MountFlags, Mounts, Place};
use crate::objects::epoll::Epolls;
use crate::objects::eventfd::EventCounter;
use crate::objects::memfd::Seals;
use crate::objects::pipe::{Fifos, Pipe};
use crate::objects::socket::End;
use crate::outcome::{Event, FileIdentity, Queue};
use crate::tty::terminal::Terminal;
use crate::working::Working;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use sundog_protocols::file::{FileServer, Node, Table, device};

/// A source of random bytes that cannot be told from true ones.
pub trait Random: Send {
    /// Fills the buffer.
    fn fill(&mut self, into: &mut [u8]);
}

impl<F: FnMut(&mut [u8]) + Send> Random for F {
    fn fill(&mut self, into: &mut [u8]) {
        self(into);
    }
}

/// What a `Vfs` starts with.
pub struct Setup {
    /// The tree at `/`.
    pub root: Box<dyn FileServer>,
    /// How `/` is mounted.
    pub flags: MountFlags,
    /// A tree that no name leads to, for `memfd_create`; a tmpfs of its own.
    pub anonymous: Box<dyn FileServer>,
    /// Behind /dev/random and /dev/urandom.
    pub random: Box<dyn Random>,
    /// Answers opens of gated devices.
    pub gates: Box<dyn crate::gate::Gatekeeper>,
    /// How many looked-up names are kept.
    pub names: usize,
}

/// Everything behind the descriptors of one sandbox.
pub struct Vfs {
    /// Trees that somebody else can change too.
    pub(crate) written: BTreeSet<ServerId>,
    pub(crate) servers: Vec<Box<dyn FileServer>>,
    pub(crate) mounts: Mounts,
    pub(crate) dentries: Dentries,
    pub(crate) working: Table<Working>,
    pub(crate) descriptors: Table<Descriptors>,
    pub(crate) files: Table<OpenFile>,
    pub(crate) pipes: Table<Pipe>,
    /// Number of the latest bytes in an ordered pipe.
    pub(crate) latest_piece: u64,
    pub(crate) fifos: Fifos,
    pub(crate) sockets: Table<End>,
    pub(crate) counters: Table<EventCounter>,
    pub(crate) epolls: Epolls,
    pub(crate) terminals: Table<Terminal>,
    pub(crate) console: Option<u32>,
    pub(crate) pts: Option<Place>,
    pub(crate) seals: BTreeMap<FileIdentity, Seals>,
    pub(crate) locks: Locks,
    pub(crate) gates: Gates,
    pub(crate) random: Box<dyn Random>,
    pub(crate) events: VecDeque<Event>,
    next_queue: u64,
    next_object: u64,
    pub(crate) root: Place,
}

/// The server for files without a name.
pub(crate) const ANONYMOUS: ServerId = 0;

/// Device number of /proc.
pub(crate) const PROC_DEVICE: u64 = device(0, 2);

/// Device number of pipes, sockets and other things that are in no tree.
pub(crate) const OBJECT_DEVICE: u64 = device(0, 3);

pub(crate) fn server_device(server: ServerId) -> u64 {
    device(0, 16 + server)
}

impl Vfs {
    /// A namespace with one tree. Fails as the tree's `attach` does.
    pub fn new(setup: Setup) -> Result<Vfs, Errno> {
        const MANY: usize = 1 << 20;
        let mut vfs = Vfs {
            servers: Vec::from([setup.anonymous]),
            written: BTreeSet::new(),
            mounts: Mounts::new(),
            dentries: Dentries::new(setup.names),
            working: Table::new(MANY),
            descriptors: Table::new(MANY),
            files: Table::new(MANY),
            pipes: Table::new(MANY),
            latest_piece: 0,
            fifos: Fifos::default(),
            sockets: Table::new(MANY),
            counters: Table::new(MANY),
            epolls: Epolls::new(),
            terminals: Table::new(4096),
            console: None,
            pts: None,
            seals: BTreeMap::new(),
            locks: Locks::default(),
            gates: Gates::new(setup.gates),
            random: setup.random,
            events: VecDeque::new(),
            next_queue: 1,
            next_object: 1,
            root: Place {
                mount: 0,
                dentry: 0,
            },
        };
        let (server, node) = vfs.add_server(setup.root)?;
        let root = vfs.dentries.add_root(node_body(server, &node));
        vfs.dentries.hold(root);
        let mount = Mount {
            root,
            at: None,
            flags: setup.flags,
            device: server_device(server),
            source: b"sundog".to_vec(),
            kind: b"rootfs".to_vec(),
        };
        let mount = vfs.mounts.add(mount).ok_or(Errno::ENOMEM)?;
        vfs.root = Place {
            mount,
            dentry: root,
        };
        Ok(vfs)
    }

    /// Adds a server and attaches to its tree.
    pub(crate) fn add_server(
        &mut self,
        mut server: Box<dyn FileServer>,
    ) -> Result<(ServerId, Node), Errno> {
        let node = server.attach(b"")?;
        self.servers.push(server);
        Ok((self.servers.len() as ServerId - 1, node))
    }

    pub(crate) fn server(&mut self, id: ServerId) -> Result<&mut dyn FileServer, Errno> {
        match self.servers.get_mut(id as usize) {
            Some(server) => Ok(&mut **server),
            None => Err(Errno::EIO),
        }
    }

    /// What happened, oldest first, and each told once. A queue that was woken twice may be told twice.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A new wait queue, for objects that the core brings.
    pub fn new_queue(&mut self) -> Queue {
        self.next_queue += 1;
        Queue(self.next_queue)
    }

    /// A new number for an object that is in no tree (`pipe:[7]`).
    pub fn new_object_number(&mut self) -> u64 {
        self.next_object += 1;
        self.next_object
    }

    /// Wakes whoever waits in the queue, and the epoll instances that watch it.
    pub fn wake(&mut self, queue: Queue) {
        self.note_wake(queue);
        if !self.epolls.is_watched(queue) {
            return;
        }
        let mut queues = Vec::new();
        self.epolls.woken(queue, &mut queues);
        let mut seen = BTreeSet::from([queue]);
        while let Some(queue) = queues.pop() {
            if seen.insert(queue) {
                self.note_wake(queue);
                self.epolls.woken(queue, &mut queues);
            }
        }
    }

    fn note_wake(&mut self, queue: Queue) {
        // The same queue is often woken several times within one call; looking back a little is enough to tell it once.
        const LOOK_BACK: usize = 8;
        let wake = Event::Wake(queue);
        if !self
            .events
            .iter()
            .rev()
            .take(LOOK_BACK)
            .any(|event| *event == wake)
        {
            self.events.push_back(wake);
        }
    }

    pub(crate) fn hold(&mut self, place: Place) -> Place {
        self.dentries.hold(place.dentry);
        place
    }

    pub(crate) fn release(&mut self, place: Place) {
        let forgotten = self.dentries.release(place.dentry);
        self.forget(forgotten);
    }

    /// Gives handles of names that are no longer kept back to their servers.
    pub(crate) fn forget(&mut self, bodies: Vec<Body>) {
        for body in bodies {
            if let Body::Node { server, handle, .. } = body
                && let Some(server) = self.servers.get_mut(server as usize)
            {
                server.clunk(handle);
            }
        }
    }

    /// Says who tells whether there is memory for names that nobody uses; without it, few are kept.
    pub fn keep_room(&mut self, room: fn() -> bool) {
        self.dentries.room = room;
    }

    /// Drops unused names if there are too many. Called where no look-up is under way.
    pub(crate) fn trim(&mut self) {
        let forgotten = self.dentries.trim();
        self.forget(forgotten);
    }

    pub(crate) fn file(&self, id: FileId) -> Result<&OpenFile, Errno> {
        self.files.get(id.0).ok_or(Errno::EBADF)
    }

    pub(crate) fn file_mut(&mut self, id: FileId) -> Result<&mut OpenFile, Errno> {
        self.files.get_mut(id.0).ok_or(Errno::EBADF)
    }

    /// Puts a new description into the table. It has one reference, the caller's.
    pub(crate) fn add_file(
        &mut self,
        object: Object,
        flags: u32,
        place: Option<Place>,
    ) -> Result<FileId, Errno> {
        if let Some(place) = place {
            self.hold(place);
        }
        match self.files.insert(OpenFile::new(object, flags, place)) {
            Ok(id) => Ok(FileId(id)),
            Err(file) => {
                self.end_file(file, None);
                Err(Errno::ENFILE)
            }
        }
    }

    /// One more reference to a description.
    pub fn retain_file(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(id.0) {
            file.refs += 1;
        }
    }

    /// One reference less; the last one closes the file.
    pub fn release_file(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id.0) else {
            return;
        };
        file.refs -= 1;
        if file.refs == 0
            && let Some(file) = self.files.remove(id.0)
        {
            self.end_file(file, Some(id));
        }
    }

    fn end_file(&mut self, file: OpenFile, id: Option<FileId>) {
        if let Some(id) = id {
            if file.watched > 0 {
                self.epolls.file_closed(id);
            }
            let freed = self.locks.file_closed(id);
            self.wake_all(freed);
        }
        let (reads, writes) = (file.can_read(), file.can_write());
        if let Object::File {
            server: ANONYMOUS,
            handle,
        } = file.object
        {
            self.memfd_closed(handle);
        }
        match file.object {
            Object::File { server, handle }
            | Object::Directory {
                server: Some((server, handle)),
            } => {
                if let Ok(server) = self.server(server) {
                    server.clunk(handle);
                }
            }
            Object::Pipe(pipe) => self.close_pipe(pipe, reads, writes),
            Object::Terminal(terminal) => self.close_terminal(terminal),
            Object::Master(terminal) => self.close_master(terminal),
            Object::Socket(end) => self.close_socket(end),
            Object::Event(counter) => drop(self.counters.remove(counter)),
            Object::Epoll(epoll) => self.close_epoll(epoll),
            _ => {}
        }
        if let Some(place) = file.place {
            self.release(place);
        }
    }

    pub(crate) fn wake_all(&mut self, queues: Vec<Queue>) {
        for queue in queues {
            self.wake(queue);
        }
    }

    pub(crate) fn working(&self, id: FsId) -> Result<&Working, Errno> {
        self.working.get(id.0).ok_or(Errno::EIO)
    }

    pub(crate) fn table(&self, id: FdsId) -> Result<&Descriptors, Errno> {
        self.descriptors.get(id.0).ok_or(Errno::EBADF)
    }

    pub(crate) fn table_mut(&mut self, id: FdsId) -> Result<&mut Descriptors, Errno> {
        self.descriptors.get_mut(id.0).ok_or(Errno::EBADF)
    }
}

/// The body of an entry for a server's node.
pub(crate) fn node_body(server: ServerId, node: &Node) -> Body {
    Body::Node {
        server,
        handle: node.handle,
        id: node.attr.id,
        kind: node.attr.kind,
    }
}
