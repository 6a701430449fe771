//! A small world to test in: a tmpfs at /, /dev, /proc, and two processes.

use crate::*;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::client::AREA_SIZE;
use sundog_protocols::file::wire::{DataArea, Message};
use sundog_protocols::file::{Client, FileServer, Owner, Session, Time, Transport};
use sundog_tmpfs_core::{HeapPages, Limits, StoppedClock, Tmpfs};

pub const AT: i32 = constants::AT_FDCWD;
pub use crate::constants::{
    O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH,
    O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
};

pub fn tmpfs() -> Box<dyn FileServer> {
    let clock = Box::new(StoppedClock(Time {
        seconds: 1000,
        nanos: 0,
    }));
    Box::new(Tmpfs::new(
        HeapPages::new(4096),
        clock,
        Limits::default(),
        0o755,
        Owner::default(),
    ))
}

/// A transport into a session in the same process.
struct Loop {
    server: Box<dyn FileServer>,
    session: Session,
    area: Vec<u8>,
}

impl Transport for Loop {
    fn call(&mut self, request: &Message) -> Option<Message> {
        Some(
            self.session
                .serve(&mut *self.server, request.words(), &mut self.area),
        )
    }
    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }
}

/// A tmpfs at the other end of the wire: names are not cached, everything goes through messages.
pub fn remote_tmpfs() -> Box<dyn FileServer> {
    let area = alloc::vec![0; AREA_SIZE as usize];
    Box::new(Client::new(Loop {
        server: tmpfs(),
        session: Session::new(b"", 10_000),
        area,
    }))
}

/// Asks for everything once, then lets "camera" through and nothing else.
#[derive(Default)]
pub struct Keeper {
    asked: Vec<Queue>,
}

pub struct Camera;

impl FileObject for Camera {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        into.fill(b'c');
        Ok(into.len())
    }
    fn write(&mut self, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EAGAIN)
    }
    fn ready(&self) -> Ready {
        Ready::IN
    }
    fn queue(&self) -> Queue {
        Queue(0)
    }
    fn attr(&self) -> sundog_protocols::file::Attr {
        sundog_protocols::file::Attr::new(sundog_protocols::file::Kind::CharDevice, 0o600, 9)
    }
    fn name(&self) -> Vec<u8> {
        b"camera".to_vec()
    }
}

impl Gatekeeper for Keeper {
    fn open(&mut self, request: &GateRequest<'_>) -> GateAnswer {
        if !self.asked.contains(&request.request) {
            self.asked.push(request.request);
            return GateAnswer::Pending;
        }
        match request.resource {
            "camera" => GateAnswer::Open(Box::new(Camera)),
            _ => GateAnswer::Denied(Errno::EACCES),
        }
    }
}

/// A process list.
#[derive(Default)]
pub struct Processes(pub Vec<(u32, ProcessView)>);

impl ProcInfo for Processes {
    fn pids(&self) -> Vec<u32> {
        self.0.iter().map(|(pid, _)| *pid).collect()
    }
    fn tasks(&self, pid: u32) -> Vec<u32> {
        self.process(pid).map(|_| pid).into_iter().collect()
    }
    fn process(&self, pid: u32) -> Option<ProcessView> {
        self.0
            .iter()
            .find(|(number, _)| *number == pid)
            .map(|(_, view)| *view)
    }
    fn is_orphaned(&self, _: u32) -> bool {
        false
    }
    fn group_session(&self, group: u32) -> Option<u32> {
        self.process(group)
            .map(|_| if group < 100 { 10 } else { 100 })
    }
    fn process_text(&self, pid: u32, file: ProcessFile) -> Option<Vec<u8>> {
        self.process(pid)
            .map(|_| format!("{file:?} of {pid}\n").into_bytes())
    }
    fn system_text(&self, file: SystemFile) -> Vec<u8> {
        format!("{file:?}\n").into_bytes()
    }
}

impl Vfs {
    /// All that happened.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.next_event()).collect()
    }
}

pub struct World {
    pub vfs: Vfs,
    pub processes: Processes,
}

/// Memory of a caller: address 0 is its first byte.
pub struct Memory(pub Vec<u8>);

impl UserMemory for Memory {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Errno> {
        let at = address as usize;
        into.copy_from_slice(self.0.get(at..at + into.len()).ok_or(Errno::EFAULT)?);
        Ok(())
    }
    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Errno> {
        let at = address as usize;
        self.0
            .get_mut(at..at + from.len())
            .ok_or(Errno::EFAULT)?
            .copy_from_slice(from);
        Ok(())
    }
}

impl World {
    /// Processes 10 and 11 of session 10 (10 leads it), 100 of session 100; each its own group.
    pub fn new() -> World {
        World::with_root(tmpfs())
    }

    /// The same over another tree at `/`.
    pub fn with_root(root: Box<dyn FileServer>) -> World {
        let mut byte = 0u8;
        let random = move |into: &mut [u8]| {
            into.iter_mut().for_each(|to| {
                byte = byte.wrapping_add(97);
                *to = byte;
            });
        };
        let setup = Setup {
            root,
            flags: MountFlags::default(),
            anonymous: tmpfs(),
            random: Box::new(random),
            gates: Box::new(Keeper::default()),
            names: 64,
        };
        let mut vfs = Vfs::new(setup).unwrap();
        vfs.mount_dev(b"/dev", tmpfs()).unwrap();
        vfs.mount_proc(b"/proc", MountFlags::default()).unwrap();
        let mut processes = Processes::default();
        for pid in [10, 11, 100] {
            let (fs, fds) = (vfs.new_fs().unwrap(), vfs.new_fds().unwrap());
            let view = ProcessView {
                uid: 0,
                gid: 0,
                fs: Some(fs),
                fds: Some(fds),
                exe: None,
            };
            processes.0.push((pid, view));
        }
        World { vfs, processes }
    }

    /// Runs a call as a process, as root.
    pub fn by<T>(&mut self, pid: u32, call: impl FnOnce(&mut Vfs, &Context<'_>) -> T) -> T {
        self.by_user(pid, 0, call)
    }

    /// Runs a call as a process with a label.
    pub fn by_user<T>(
        &mut self,
        pid: u32,
        uid: u32,
        call: impl FnOnce(&mut Vfs, &Context<'_>) -> T,
    ) -> T {
        let view = self.processes.process(pid).unwrap();
        let session = if pid < 100 { 10 } else { 100 };
        let cx = Context {
            fs: view.fs.unwrap(),
            fds: view.fds.unwrap(),
            creds: Creds {
                uid,
                gid: uid,
                real_uid: uid,
                real_gid: uid,
                groups: &[],
                overrides: uid == 0,
            },
            job: Job {
                pid,
                group: pid,
                session,
                ..Job::default()
            },
            max_files: 256,
            max_file_size: u64::MAX,
            timed_out: false,
            info: &self.processes,
        };
        call(&mut self.vfs, &cx)
    }

    /// Runs a call as process 10.
    pub fn run<T>(&mut self, call: impl FnOnce(&mut Vfs, &Context<'_>) -> T) -> T {
        self.by(10, call)
    }

    pub fn open(&mut self, path: &str, flags: u32) -> Attempt<i32> {
        self.run(|vfs, cx| vfs.openat(cx, AT, path.as_bytes(), flags, 0o666))
    }

    pub fn mkdir(&mut self, path: &str) -> Result<(), Errno> {
        self.run(|vfs, cx| vfs.mkdirat(cx, AT, path.as_bytes(), 0o777))
    }

    pub fn symlink(&mut self, text: &str, path: &str) -> Result<(), Errno> {
        self.run(|vfs, cx| vfs.symlinkat(cx, text.as_bytes(), AT, path.as_bytes()))
    }

    pub fn stat(&mut self, path: &str) -> Result<Stat, Errno> {
        self.run(|vfs, cx| vfs.fstatat(cx, AT, path.as_bytes(), 0))
    }

    pub fn write_file(&mut self, path: &str, text: &str) {
        let fd = self.open(path, O_WRONLY | O_CREAT | O_TRUNC).unwrap();
        assert_eq!(
            self.run(|vfs, cx| vfs.write(cx, fd, text.as_bytes())),
            Ok(text.len())
        );
        self.run(|vfs, cx| vfs.close(cx, fd)).unwrap();
    }

    pub fn read_fd(&mut self, fd: i32) -> Attempt<Vec<u8>> {
        let mut buffer = alloc::vec![0; 8192];
        let count = self.run(|vfs, cx| vfs.read(cx, fd, &mut buffer))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    pub fn read_file(&mut self, path: &str) -> Attempt<Vec<u8>> {
        let fd = self.open(path, O_RDONLY)?;
        let text = self.read_fd(fd);
        self.run(|vfs, cx| vfs.close(cx, fd)).unwrap();
        text
    }

    /// Names of a folder as getdents64 gives them, by buffers of this size.
    pub fn list(&mut self, path: &str, size: usize) -> Vec<Vec<u8>> {
        let fd = self.open(path, O_RDONLY | O_DIRECTORY).unwrap();
        let mut names = Vec::new();
        loop {
            let mut buffer = alloc::vec![0; size];
            let count = self
                .run(|vfs, cx| vfs.getdents64(cx, fd, &mut buffer))
                .unwrap();
            if count == 0 {
                break;
            }
            let mut at = 0;
            while at < count {
                let length = u16::from_le_bytes([buffer[at + 16], buffer[at + 17]]) as usize;
                let name = &buffer[at + 19..at + length];
                names.push(name.iter().copied().take_while(|&byte| byte != 0).collect());
                at += length;
            }
        }
        self.run(|vfs, cx| vfs.close(cx, fd)).unwrap();
        names
    }
}

/// The error of an attempt.
pub fn errno<T: core::fmt::Debug>(result: Attempt<T>) -> Errno {
    match result {
        Err(Stop::Errno(errno)) => errno,
        other => panic!("no error but {other:?}"),
    }
}
