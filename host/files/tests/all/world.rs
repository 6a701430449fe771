//! What the tests share: folders that go away, a server over some of them, clients of its binds.
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use sundog_host_files::handover::{Bind, NO_LANDLOCK, start};
use sundog_protocols::file::{Client, FileError, FileServer, Handle, Node, OpenFlags, Owner};
use sundog_protocols::host_files::{ByteStream, Carrier, FrameTransport, Kind, Link, Terms};

pub const SERVER: &str = env!("CARGO_BIN_EXE_hostfiles");
pub const TAKEN_OVER: &str = env!("CARGO_BIN_EXE_hostfiles_taken_over");
pub const READ: OpenFlags = OpenFlags::READ;
pub const WRITE: OpenFlags = OpenFlags::WRITE;
pub const BOTH: OpenFlags = OpenFlags::READ.with(OpenFlags::WRITE);
pub const OWNER: Owner = Owner { uid: 0, gid: 0 };

/// Whether this Linux has a Landlock that is new enough. Said once for each test that would be weaker without.
pub fn landlock() -> bool {
    let has = sundog_host_sys::landlock::version();
    let enough = has.is_some_and(|version| version >= sundog_host_sys::landlock::OLDEST);
    if !enough {
        eprintln!(
            "NO LANDLOCK HERE (found {has:?}): the server runs with {NO_LANDLOCK}, its filter is tested, and not that it stays in its folders"
        );
    }
    enough
}

/// A folder in the temporary one, removed with all that is in it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        Folder::beneath(&std::env::temp_dir())
    }

    pub fn beneath(parent: &Path) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (own, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(format!("sundog-host-files-{own}-{next}"));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// Lets the owner into all folders beneath, whatever a test made of their modes.
fn let_in(folder: &Path) {
    let _ = std::fs::set_permissions(folder, Permissions::from_mode(0o700));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let_in(&entry.path());
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let_in(&self.0);
        // What cannot be removed lies in the temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn bind(path: &Path, writable: bool) -> Bind {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, path, flags, Mode::empty()).unwrap();
    Bind { root, writable }
}

/// The test's end of the connection.
pub struct Socket(pub UnixStream);

impl ByteStream for Socket {
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 128 << 10];
        let count = self.0.read(&mut bytes).ok()?;
        bytes.truncate(count);
        (count > 0).then_some(bytes)
    }
}

/// One connection that the clients of several binds share.
#[derive(Clone)]
pub struct Line(Arc<Mutex<Link<Socket>>>);

impl Line {
    pub fn link(&self) -> MutexGuard<'_, Link<Socket>> {
        self.0.lock().unwrap()
    }
}

impl Carrier for Line {
    fn exchange(
        &mut self,
        bind: u16,
        kind: Kind,
        words: &[u64],
        data: &[u8],
    ) -> Option<(Vec<u64>, Vec<u8>)> {
        self.link().exchange(bind, kind, words, data)
    }
}

/// A running server.
pub struct Machine {
    pub child: Child,
    pub line: Line,
    pub terms: Terms,
}

pub type Tree = Client<FrameTransport<Line>>;

/// Starts the real server and leaves the connection raw.
pub fn raw(binds: &[Bind]) -> (Child, UnixStream) {
    let mut command = Command::new(SERVER);
    if !landlock() {
        command.arg(NO_LANDLOCK);
    }
    raw_as(command, binds)
}

pub fn raw_as(command: Command, binds: &[Bind]) -> (Child, UnixStream) {
    let (own, its) = UnixStream::pair().unwrap();
    // A server that hangs fails the test instead of holding it up.
    own.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = start(command, binds, its.as_fd()).unwrap();
    (child, own)
}

impl Machine {
    pub fn new(binds: &[Bind]) -> Machine {
        let (child, own) = raw(binds);
        Machine::over(child, own)
    }

    pub fn over(child: Child, own: UnixStream) -> Machine {
        let mut link = Link::new(Socket(own));
        let terms = link.hello().unwrap();
        let line = Line(Arc::new(Mutex::new(link)));
        Machine { child, line, terms }
    }

    /// A server with one bind.
    pub fn of(folder: &Folder, writable: bool) -> (Machine, Tree, Handle) {
        let machine = Machine::new(&[bind(&folder.0, writable)]);
        let mut tree = machine.tree(0);
        let root = tree.attach(b"").unwrap().handle;
        (machine, tree, root)
    }

    pub fn tree(&self, bind: u16) -> Tree {
        Client::new(FrameTransport::new(self.line.clone(), bind))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a file by its name.
pub fn content(tree: &mut Tree, folder: Handle, name: &[u8]) -> Result<Vec<u8>, FileError> {
    let node: Node = tree.walk(folder, name)?;
    let result = (|| {
        let open = tree.open(node.handle, READ)?;
        let mut bytes = vec![0; 1 << 16];
        let read = tree.read(open, 0, &mut bytes);
        tree.clunk(open);
        bytes.truncate(read?);
        Ok(bytes)
    })();
    tree.clunk(node.handle);
    result
}

/// The names in a folder, sorted.
pub fn names(tree: &mut Tree, folder: Handle) -> Result<Vec<Vec<u8>>, FileError> {
    let open = tree.open(folder, READ)?;
    let mut found = Vec::new();
    let listed = tree.readdir(open, 0, &mut |entry| {
        found.push(entry.name.to_vec());
        true
    });
    tree.clunk(open);
    found.sort();
    listed.map(|()| found)
}
