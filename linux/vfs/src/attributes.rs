//! Attributes: stat, chmod, chown, times, sizes, access checks.

use crate::constants::{AT_EACCESS, AT_SYMLINK_NOFOLLOW};
use crate::context::{Context, Creds, FileId};
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::file::Object;
use crate::mounts::Place;
use crate::outcome::{Event, FileIdentity};
use crate::resolve::Found;
use crate::stat::{Stat, encode_statfs};
use crate::vfs::{OBJECT_DEVICE, PROC_DEVICE, Vfs, server_device};
use sundog_protocols::file::{Attr, Handle, Kind, SetAttr, SetTime, StatFs};

/// Compares permission bits with the caller's labels. `EACCES`.
pub(crate) fn allowed(creds: Creds<'_>, attr: &Attr, want: u32) -> Result<(), Errno> {
    if creds.overrides {
        let executable = attr.kind == Kind::Directory || attr.mode & 0o111 != 0;
        return if want & 1 == 0 || executable {
            Ok(())
        } else {
            Err(Errno::EACCES)
        };
    }
    let bits = if creds.uid == attr.uid {
        attr.mode >> 6
    } else if creds.gid == attr.gid || creds.groups.contains(&attr.gid) {
        attr.mode >> 3
    } else {
        attr.mode
    };
    if bits & want == want {
        Ok(())
    } else {
        Err(Errno::EACCES)
    }
}

/// Who owns what an operation changes.
struct Subject {
    server: ServerId,
    handle: Handle,
    attr: Attr,
}

impl Vfs {
    pub(crate) fn stat_place(&mut self, cx: &Context<'_>, place: Place) -> Result<Stat, Errno> {
        let attr = self.attr(cx, place)?;
        let device = match self.dentries.body(place.dentry) {
            Body::Node { server, .. } => server_device(server),
            Body::Proc(_) => PROC_DEVICE,
            Body::Phantom => self
                .mounts
                .get(place.mount)
                .map_or(OBJECT_DEVICE, |mount| mount.device),
        };
        Ok(Stat {
            device,
            mount: u64::from(place.mount),
            attr,
        })
    }

    /// stat by path (`AT_SYMLINK_NOFOLLOW`, `AT_EMPTY_PATH`).
    pub fn fstatat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
    ) -> Result<Stat, Errno> {
        self.trim();
        match self.find_or_fd(cx, dirfd, path, flags, flags & AT_SYMLINK_NOFOLLOW == 0)? {
            Found::Place(place) => self.stat_place(cx, place),
            Found::File(file) => self.stat_file(cx, file),
        }
    }

    /// stat of a descriptor. `EBADF`.
    pub fn fstat(&mut self, cx: &Context<'_>, fd: i32) -> Result<Stat, Errno> {
        let file = self.descriptor(cx, fd)?;
        self.stat_file(cx, file)
    }

    /// stat of an open file.
    pub fn stat_file(&mut self, cx: &Context<'_>, id: FileId) -> Result<Stat, Errno> {
        let file = self.file(id)?;
        match (&file.object, file.place) {
            (
                &Object::File { server, handle }
                | &Object::Directory {
                    server: Some((server, handle)),
                },
                place,
            ) => {
                let mount = place.map_or(0, |place| u64::from(place.mount));
                let attr = self.server(server)?.getattr(handle)?;
                Ok(Stat {
                    device: server_device(server),
                    mount,
                    attr,
                })
            }
            (Object::Other(object), None) => Ok(Stat {
                device: OBJECT_DEVICE,
                mount: 0,
                attr: object.attr(),
            }),
            (_, Some(place)) => self.stat_place(cx, place),
            (object, None) => {
                let attr = self.object_attr(object);
                Ok(Stat {
                    device: OBJECT_DEVICE,
                    mount: 0,
                    attr,
                })
            }
        }
    }

    /// The same number for all opens of one file; key for mapped pages. `EBADF`.
    pub fn file_identity(&mut self, cx: &Context<'_>, id: FileId) -> Result<FileIdentity, Errno> {
        let stat = self.stat_file(cx, id)?;
        Ok(FileIdentity {
            device: stat.device,
            inode: stat.attr.id,
        })
    }

    fn place_or_file(&mut self, found: Found) -> Result<Result<Place, FileId>, Errno> {
        match found {
            Found::Place(place) => Ok(Ok(place)),
            Found::File(file) => match (&self.file(file)?.object, self.file(file)?.place) {
                (Object::File { .. }, _) | (_, None) => Ok(Err(file)),
                (_, Some(place)) => Ok(Ok(place)),
            },
        }
    }

    /// What an attribute change acts on. `EROFS`, `EPERM` for what has no server.
    fn subject(&mut self, found: Found) -> Result<Subject, Errno> {
        let (server, handle) = match self.place_or_file(found)? {
            Ok(place) => match self.dentries.body(place.dentry) {
                Body::Node { .. } if self.mounts.flags(place.mount).read_only => {
                    return Err(Errno::EROFS);
                }
                Body::Node { server, handle, .. } => (server, handle),
                Body::Phantom => return Err(Errno::EROFS),
                Body::Proc(_) => return Err(Errno::EPERM),
            },
            Err(file) => {
                let file = self.file(file)?;
                let read_only = file
                    .place
                    .is_some_and(|place| self.mounts.flags(place.mount).read_only);
                match file.object {
                    Object::File { .. } if read_only => return Err(Errno::EROFS),
                    Object::File { server, handle } => (server, handle),
                    _ => return Err(Errno::EPERM),
                }
            }
        };
        let attr = self.server(server)?.getattr(handle)?;
        Ok(Subject {
            server,
            handle,
            attr,
        })
    }

    fn set(&mut self, subject: &Subject, set: &SetAttr) -> Result<(), Errno> {
        Ok(self.server(subject.server)?.setattr(subject.handle, set)?)
    }

    fn change_mode(&mut self, cx: &Context<'_>, found: Found, mode: u32) -> Result<(), Errno> {
        let subject = self.subject(found)?;
        if !cx.creds.overrides && cx.creds.uid != subject.attr.uid {
            return Err(Errno::EPERM);
        }
        if subject.attr.kind == Kind::Symlink {
            return Err(Errno::EOPNOTSUPP);
        }
        self.set(
            &subject,
            &SetAttr {
                mode: Some(mode & 0o7777),
                ..SetAttr::default()
            },
        )
    }

    /// chmod by path. `EPERM` if neither owner nor overriding, `EROFS`, `EOPNOTSUPP` for a link itself.
    pub fn fchmodat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        mode: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        let found = self.find_or_fd(cx, dirfd, path, flags, flags & AT_SYMLINK_NOFOLLOW == 0)?;
        self.change_mode(cx, found, mode)
    }

    /// chmod of a descriptor.
    pub fn fchmod(&mut self, cx: &Context<'_>, fd: i32, mode: u32) -> Result<(), Errno> {
        let file = self.data_descriptor(cx, fd)?;
        self.change_mode(cx, Found::File(file), mode)
    }

    fn change_owner(
        &mut self,
        cx: &Context<'_>,
        found: Found,
        uid: u32,
        gid: u32,
    ) -> Result<(), Errno> {
        const KEEP: u32 = u32::MAX;
        let subject = self.subject(found)?;
        let attr = subject.attr;
        let own_group = cx.creds.gid == gid || cx.creds.groups.contains(&gid);
        let may = cx.creds.overrides
            || cx.creds.uid == attr.uid
                && (uid == KEEP || uid == attr.uid)
                && (gid == KEEP || gid == attr.gid || own_group);
        if !may {
            return Err(Errno::EPERM);
        }
        // A changed owner loses set-uid, and set-gid where it means a program's group, as on Linux.
        let clears = attr.kind != Kind::Directory && attr.mode & 0o6000 != 0;
        let keep_gid = attr.mode & 0o2010 == 0o2000;
        let cleared = attr.mode & if keep_gid { !0o4000 } else { !0o6000 };
        let set = SetAttr {
            uid: (uid != KEEP).then_some(uid),
            gid: (gid != KEEP).then_some(gid),
            mode: clears.then_some(cleared),
            ..SetAttr::default()
        };
        self.set(&subject, &set)
    }

    /// chown by path; `u32::MAX` leaves a label alone. `EPERM`, `EROFS`.
    pub fn fchownat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        owner: (u32, u32),
        flags: u32,
    ) -> Result<(), Errno> {
        let found = self.find_or_fd(cx, dirfd, path, flags, flags & AT_SYMLINK_NOFOLLOW == 0)?;
        self.change_owner(cx, found, owner.0, owner.1)
    }

    /// chown of a descriptor.
    pub fn fchown(&mut self, cx: &Context<'_>, fd: i32, uid: u32, gid: u32) -> Result<(), Errno> {
        let file = self.data_descriptor(cx, fd)?;
        self.change_owner(cx, Found::File(file), uid, gid)
    }

    /// Sets times (last read, last change); `None` leaves one alone. A missing path means the descriptor `dirfd`.
    /// `EPERM` for other times than now if neither owner nor overriding, `EACCES` for now without write permission.
    pub fn utimensat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: Option<&[u8]>,
        times: (Option<SetTime>, Option<SetTime>),
        flags: u32,
    ) -> Result<(), Errno> {
        let found = match path {
            Some(path) => {
                self.find_or_fd(cx, dirfd, path, flags, flags & AT_SYMLINK_NOFOLLOW == 0)?
            }
            None => Found::File(self.data_descriptor(cx, dirfd)?),
        };
        if times == (None, None) {
            return Ok(());
        }
        let subject = self.subject(found)?;
        let owner = cx.creds.overrides || cx.creds.uid == subject.attr.uid;
        if !owner && times != (Some(SetTime::Now), Some(SetTime::Now)) {
            return Err(Errno::EPERM);
        }
        if !owner {
            allowed(cx.creds, &subject.attr, 2)?;
        }
        self.set(
            &subject,
            &SetAttr {
                accessed: times.0,
                modified: times.1,
                ..SetAttr::default()
            },
        )
    }

    /// Checks permissions (`mode`: 4 read, 2 write, 1 execute, 0 exists) with the real labels, or with the effective ones for
    /// `AT_EACCESS`. `EACCES`, `EROFS`.
    pub fn faccessat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        mode: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        self.trim();
        if mode & !7 != 0 {
            return Err(Errno::EINVAL);
        }
        let mut cx = *cx;
        if flags & AT_EACCESS == 0 {
            cx.creds.uid = cx.creds.real_uid;
            cx.creds.gid = cx.creds.real_gid;
            cx.creds.overrides = cx.creds.overrides && cx.creds.real_uid == 0;
        }
        let found = self.find_or_fd(&cx, dirfd, path, flags, flags & AT_SYMLINK_NOFOLLOW == 0)?;
        let (attr, mount) = match found {
            Found::Place(place) => (self.attr(&cx, place)?, Some(place.mount)),
            Found::File(file) => (
                self.stat_file(&cx, file)?.attr,
                self.file(file)?.place.map(|place| place.mount),
            ),
        };
        allowed(cx.creds, &attr, mode)?;
        let flags = mount
            .map(|mount| self.mounts.flags(mount))
            .unwrap_or_default();
        let holds_data = matches!(attr.kind, Kind::Regular | Kind::Directory | Kind::Symlink);
        if mode & 2 != 0 && flags.read_only && holds_data {
            return Err(Errno::EROFS);
        }
        if mode & 1 != 0 && flags.no_exec && attr.kind == Kind::Regular {
            return Err(Errno::EACCES);
        }
        Ok(())
    }

    fn resize(&mut self, cx: &Context<'_>, subject: &Subject, size: u64) -> Result<(), Errno> {
        if size > cx.max_file_size {
            return Err(self.size_exceeded());
        }
        self.seals_allow_resize(subject.server, &subject.attr, size)?;
        self.set(
            subject,
            &SetAttr {
                size: Some(size),
                ..SetAttr::default()
            },
        )?;
        if size < subject.attr.size {
            self.truncated(subject.server, subject.attr.id, size);
        }
        Ok(())
    }

    pub(crate) fn truncated(&mut self, server: ServerId, inode: u64, size: u64) {
        let file = FileIdentity {
            device: server_device(server),
            inode,
        };
        self.events.push_back(Event::Truncated {
            file,
            first: size.div_ceil(4096),
        });
    }

    /// Sets a file's size by path. `EISDIR`, `EINVAL`, `EACCES`, `EROFS`, `EFBIG`.
    pub fn truncate(&mut self, cx: &Context<'_>, path: &[u8], size: i64) -> Result<(), Errno> {
        let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
        let found = self.find(cx, crate::constants::AT_FDCWD, path, true)?;
        let place = match found {
            Found::Place(place) => place,
            Found::File(_) => return Err(Errno::EINVAL),
        };
        match self.kind(place) {
            Kind::Directory => return Err(Errno::EISDIR),
            Kind::Regular => {}
            _ => return Err(Errno::EINVAL),
        }
        self.permission(cx, place, 2)?;
        let subject = self.subject(found)?;
        self.resize(cx, &subject, size)
    }

    /// Sets an open file's size. `EINVAL` if it is not open for writing or no regular file.
    pub fn ftruncate(&mut self, cx: &Context<'_>, fd: i32, size: i64) -> Result<(), Errno> {
        let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
        let id = self.data_descriptor(cx, fd)?;
        let file = self.file(id)?;
        let Object::File { server, handle } = file.object else {
            return Err(Errno::EINVAL);
        };
        if !file.can_write() {
            return Err(Errno::EINVAL);
        }
        let attr = self.server(server)?.getattr(handle)?;
        self.resize(
            cx,
            &Subject {
                server,
                handle,
                attr,
            },
            size,
        )
    }

    fn statfs_found(&mut self, found: Found) -> Result<[u8; 120], Errno> {
        const PROC_MAGIC: u32 = 0x9fa0;
        const PIPE_MAGIC: u32 = 0x5049_5045;
        let place = match found {
            Found::Place(place) => Some(place),
            Found::File(file) => self.file(file)?.place,
        };
        let Some(place) = place else {
            let statfs = StatFs {
                magic: PIPE_MAGIC,
                block_size: 4096,
                ..StatFs::default()
            };
            return Ok(encode_statfs(&statfs, OBJECT_DEVICE, 0));
        };
        let flags = self.mounts.flags(place.mount);
        let bits = [
            (flags.read_only, 1),
            (flags.no_suid, 2),
            (!flags.devices, 4),
            (flags.no_exec, 8),
        ];
        let bits = bits
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, bit)| bit)
            .sum();
        let (statfs, device) = match self.dentries.body(place.dentry) {
            Body::Node { server, handle, .. } => {
                (self.server(server)?.statfs(handle)?, server_device(server))
            }
            _ => (
                StatFs {
                    magic: PROC_MAGIC,
                    block_size: 4096,
                    ..StatFs::default()
                },
                PROC_DEVICE,
            ),
        };
        Ok(encode_statfs(&statfs, device, bits))
    }

    /// `struct statfs` of a path.
    pub fn statfs(&mut self, cx: &Context<'_>, path: &[u8]) -> Result<[u8; 120], Errno> {
        let found = self.find(cx, crate::constants::AT_FDCWD, path, true)?;
        self.statfs_found(found)
    }

    /// `struct statfs` of a descriptor.
    pub fn fstatfs(&mut self, cx: &Context<'_>, fd: i32) -> Result<[u8; 120], Errno> {
        let file = self.descriptor(cx, fd)?;
        self.statfs_found(Found::File(file))
    }
}
