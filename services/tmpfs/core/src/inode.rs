//! One node: its attributes and its body.

use crate::data::Data;
use crate::directory::Directory;
use alloc::boxed::Box;
use sundog_protocols::file::{Attr, FileError, Kind, Owner, Result, Time};

/// Index of an inode in its tree's table.
pub type Index = u32;

/// What a node holds.
pub enum Body {
    File(Data),
    Directory(Directory),
    Symlink(Box<[u8]>),
    /// Pipes, sockets and devices: kind and device number.
    Special(Kind, u64),
}

/// A node.
pub struct Inode {
    /// Number that clients see; never used twice.
    pub id: u64,
    pub body: Body,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Names; a directory counts its own `.` and its children's `..`.
    pub links: u32,
    /// Handles.
    pub handles: u32,
    pub accessed: Time,
    pub modified: Time,
    pub changed: Time,
    pub created: Time,
}

impl Inode {
    pub fn new(id: u64, body: Body, mode: u32, owner: Owner, now: Time) -> Inode {
        let links = if matches!(body, Body::Directory(_)) {
            2
        } else {
            1
        };
        Inode {
            id,
            body,
            mode: mode & 0o7777,
            uid: owner.uid,
            gid: owner.gid,
            links,
            handles: 0,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
        }
    }

    pub fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::Regular,
            Body::Directory(_) => Kind::Directory,
            Body::Symlink(_) => Kind::Symlink,
            Body::Special(kind, _) => kind,
        }
    }

    pub fn attr(&self) -> Attr {
        let (size, blocks, device) = match &self.body {
            Body::File(data) => (data.size(), data.block_count() * 8, 0),
            Body::Directory(directory) => (directory.len() as u64 * 20 + 40, 0, 0),
            Body::Symlink(text) => (text.len() as u64, 0, 0),
            Body::Special(_, device) => (0, 0, *device),
        };
        Attr {
            id: self.id,
            kind: self.kind(),
            mode: self.mode,
            links: self.links,
            uid: self.uid,
            gid: self.gid,
            device,
            size,
            blocks,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.changed,
            created: self.created,
        }
    }

    pub fn directory(&self) -> Result<&Directory> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(FileError::ENOTDIR),
        }
    }

    pub fn directory_mut(&mut self) -> Result<&mut Directory> {
        match &mut self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(FileError::ENOTDIR),
        }
    }

    pub fn data(&mut self) -> Result<&mut Data> {
        match &mut self.body {
            Body::File(data) => Ok(data),
            Body::Directory(_) => Err(FileError::EISDIR),
            _ => Err(FileError::EINVAL),
        }
    }

    /// Notes a read, as Linux's `relatime` does: only if the last one is not newer than the last change, or a day old.
    pub fn touch_read(&mut self, now: Time) {
        const DAY: i64 = 24 * 60 * 60;
        if self.accessed <= self.modified
            || self.accessed <= self.changed
            || now.seconds - self.accessed.seconds > DAY
        {
            self.accessed = now;
        }
    }

    /// Notes a change of the data (or of a directory's names).
    pub fn touch_write(&mut self, now: Time) {
        self.modified = now;
        self.changed = now;
    }
}
