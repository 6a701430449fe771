//! /dev: its nodes, and what opening one gives.

use crate::constants::{O_ACCMODE, O_APPEND, O_NOCTTY, O_NONBLOCK};
use crate::context::{Context, FileId};
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::file::{Object, OpenFile};
use crate::mounts::{MountFlags, Place};
use crate::outcome::Attempt;
use crate::vfs::Vfs;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::{
    Attr, FileError, FileServer, Handle, Kind, Node, Owner, device, device_major, device_minor,
};

/// Major number of pty slaves.
pub(crate) const PTS_MAJOR: u32 = 136;
const NULL: u64 = device(1, 3);
const ZERO: u64 = device(1, 5);
const FULL: u64 = device(1, 7);
const RANDOM: u64 = device(1, 8);
const URANDOM: u64 = device(1, 9);
const TTY: u64 = device(5, 0);
pub(crate) const CONSOLE: u64 = device(5, 1);
const PTMX: u64 = device(5, 2);

const NODES: [(&[u8], u64); 8] = [
    (b"null", NULL),
    (b"zero", ZERO),
    (b"full", FULL),
    (b"random", RANDOM),
    (b"urandom", URANDOM),
    (b"tty", TTY),
    (b"console", CONSOLE),
    (b"ptmx", PTMX),
];

const LINKS: [(&[u8], &[u8]); 4] = [
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
];

/// Whether a device is one that every sandbox has, and that leads nowhere.
pub(crate) fn is_harmless(number: u64) -> bool {
    matches!(number, NULL | ZERO | FULL | RANDOM | URANDOM | TTY)
}

impl Vfs {
    /// Mounts a writable tree (usually an empty tmpfs) at a path such as `/dev`, fills it with the ordinary nodes and makes
    /// `shm` and `pts` in it. Device nodes can be opened there and nowhere else.
    pub fn mount_dev(&mut self, path: &[u8], tree: Box<dyn FileServer>) -> Result<(), Errno> {
        let flags = MountFlags {
            devices: true,
            no_exec: true,
            no_suid: true,
            read_only: false,
        };
        let root = self.mount(path, tree, flags, b"dev", b"devtmpfs")?;
        let Body::Node { server, handle, .. } = self.dentries.body(root.dentry) else {
            return Err(Errno::EIO);
        };
        let owner = Owner::default();
        let files = self.server(server)?;
        for (name, number) in NODES {
            let mode = if number == CONSOLE { 0o600 } else { 0o666 };
            let node = files.mknod(handle, name, Kind::CharDevice, mode, number, owner)?;
            files.clunk(node.handle);
        }
        for (name, text) in LINKS {
            let node = files.symlink(handle, name, text, owner)?;
            files.clunk(node.handle);
        }
        for (name, mode) in [(&b"shm"[..], 0o1777), (b"pts", 0o755)] {
            let node = files.mkdir(handle, name, mode, owner)?;
            files.clunk(node.handle);
        }
        let pts = self.child_of(root, b"pts")?;
        self.pts = Some(self.hold(pts));
        Ok(())
    }

    /// Adds a device node that asks before it opens, such as `video0` for `camera`, to the tree of `mount_dev`. Major and minor
    /// must not be those of another node. `mode` are its permission bits. `ENODEV` without `mount_dev`.
    pub fn add_gated_device(
        &mut self,
        name: &[u8],
        major: u32,
        minor: u32,
        mode: u32,
        resource: &str,
    ) -> Result<(), Errno> {
        let pts = self.pts.ok_or(Errno::ENODEV)?;
        let parent = self
            .dentries
            .get(pts.dentry)
            .and_then(|dentry| dentry.parent)
            .ok_or(Errno::ENODEV)?;
        let Body::Node {
            server, mut handle, ..
        } = self.dentries.body(parent)
        else {
            return Err(Errno::ENODEV);
        };
        let number = device(major, minor);
        let files = self.server(server)?;
        let mut folders = Vec::new();
        let mut parts = name.split(|&byte| byte == b'/').peekable();
        let mut made = Err(FileError::EINVAL);
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                made = files.mknod(
                    handle,
                    part,
                    Kind::CharDevice,
                    mode,
                    number,
                    Owner::default(),
                );
                break;
            }
            let folder = match files.walk(handle, part) {
                Err(FileError::ENOENT) => files.mkdir(handle, part, 0o755, Owner::default())?,
                other => other?,
            };
            folders.push(folder.handle);
            handle = folder.handle;
        }
        if let Ok(Node { handle, .. }) = made {
            files.clunk(handle);
        }
        folders.into_iter().for_each(|folder| files.clunk(folder));
        made?;
        self.gates.add(number, resource);
        Ok(())
    }

    /// The folder of pty slaves: server and handle.
    pub(crate) fn pts_folder(&self) -> Result<(Place, ServerId, Handle), Errno> {
        let pts = self.pts.ok_or(Errno::ENOENT)?;
        match self.dentries.body(pts.dentry) {
            Body::Node { server, handle, .. } => Ok((pts, server, handle)),
            _ => Err(Errno::ENOENT),
        }
    }

    /// Opens a character device by its number. `ENXIO` if nothing is behind it.
    pub(crate) fn open_device(
        &mut self,
        cx: &Context<'_>,
        place: Place,
        flags: u32,
    ) -> Attempt<FileId> {
        let number = self.attr(cx, place)?.device;
        let kept = flags & (O_ACCMODE | O_NONBLOCK | O_APPEND);
        let object = match number {
            NULL => Object::Null,
            ZERO => Object::Zero,
            FULL => Object::Full,
            RANDOM | URANDOM => Object::Random,
            TTY => {
                let terminal = self.controlling_terminal(cx).ok_or(Errno::ENXIO)?;
                return Ok(self.open_terminal(cx, terminal, place, flags | O_NOCTTY)?);
            }
            CONSOLE => {
                let terminal = self.console.ok_or(Errno::ENXIO)?;
                return Ok(self.open_terminal(cx, terminal, place, flags)?);
            }
            PTMX => return Ok(self.open_master(cx, place, flags)?),
            _ if device_major(number) == PTS_MAJOR => {
                let terminal = self.slave(device_minor(number)).ok_or(Errno::EIO)?;
                return Ok(self.open_terminal(cx, terminal, place, flags)?);
            }
            _ => return self.open_gated(cx, place, number, flags),
        };
        Ok(self.add_file(object, kept, Some(place))?)
    }

    /// Attributes of an object that is in no tree.
    pub(crate) fn object_attr(&self, object: &Object) -> Attr {
        let pipe_mode = 0o600;
        match object {
            Object::Pipe(id) => {
                let number = self.pipes.get(*id).map_or(0, |pipe| pipe.number);
                Attr::new(Kind::Fifo, pipe_mode, number)
            }
            Object::Socket(id) => {
                let number = self.sockets.get(*id).map_or(0, |end| end.number);
                Attr::new(Kind::Socket, 0o777, number)
            }
            Object::Other(object) => object.attr(),
            Object::Terminal(_) => Attr {
                device: CONSOLE,
                ..Attr::new(Kind::CharDevice, pipe_mode, 1)
            },
            _ => Attr::new(Kind::Regular, pipe_mode, 1),
        }
    }

    /// What /proc/PID/fd shows for an object that has no place.
    pub(crate) fn object_name(&self, file: &OpenFile) -> Vec<u8> {
        match &file.object {
            Object::Pipe(id) => format!(
                "pipe:[{}]",
                self.pipes.get(*id).map_or(0, |pipe| pipe.number)
            )
            .into_bytes(),
            Object::Socket(id) => format!(
                "socket:[{}]",
                self.sockets.get(*id).map_or(0, |end| end.number)
            )
            .into_bytes(),
            Object::Event(_) => b"anon_inode:[eventfd]".to_vec(),
            Object::Epoll(_) => b"anon_inode:[eventpoll]".to_vec(),
            Object::Other(object) => object.name(),
            _ => file.label.clone(),
        }
    }
}
