//! Making, removing and moving names.

use crate::constants::{AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, NAME_MAX};
use crate::context::Context;
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::file::Object;
use crate::mounts::Place;
use crate::resolve::{Found, Last, Parent};
use crate::vfs::{Vfs, node_body};
use alloc::vec::Vec;
use linux_raw_sys::general as linux;
use sundog_protocols::file::{Handle, Kind, Node, Owner, RenameFlags};

/// Where a new name goes.
struct NewName {
    dir: Place,
    name: Vec<u8>,
    server: ServerId,
    handle: Handle,
}

impl Vfs {
    /// The folder for a name that must not exist yet. `EEXIST`, `ENOENT` for a trailing slash on what is no folder, `EROFS`.
    fn new_name(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        folder: bool,
    ) -> Result<NewName, Errno> {
        let Parent { dir, last, slash } = self.find_parent(cx, dirfd, path)?;
        let Last::Name(name) = last else {
            return Err(Errno::EEXIST);
        };
        match self.child(cx, dir, &name) {
            Ok(_) => return Err(Errno::EEXIST),
            Err(Errno::ENOENT) if slash && !folder => return Err(Errno::ENOENT),
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        let (server, handle) = self.writable_folder(cx, dir)?;
        Ok(NewName {
            dir,
            name,
            server,
            handle,
        })
    }

    fn made(&mut self, at: &NewName, node: &Node) {
        self.dentries
            .add(at.dir.dentry, &at.name, node_body(at.server, node));
    }

    fn owner(cx: &Context<'_>) -> Owner {
        Owner {
            uid: cx.creds.uid,
            gid: cx.creds.gid,
        }
    }

    /// Makes a folder. `EEXIST`, `ENOENT`, `ENOTDIR`, `EACCES`, `EROFS`, `ENOSPC`.
    pub fn mkdirat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        mode: u32,
    ) -> Result<(), Errno> {
        self.trim();
        let at = self.new_name(cx, dirfd, path, true)?;
        let mode = mode & 0o1777 & !self.current_umask(cx);
        let node = self
            .server(at.server)?
            .mkdir(at.handle, &at.name, mode, Vfs::owner(cx))?;
        self.made(&at, &node);
        Ok(())
    }

    /// Makes a file, FIFO or socket name. Devices cannot be made: `EPERM`.
    pub fn mknodat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        mode: u32,
    ) -> Result<(), Errno> {
        self.trim();
        let kind = match mode & linux::S_IFMT {
            0 => Kind::Regular,
            _ => Kind::from_mode(mode).ok_or(Errno::EINVAL)?,
        };
        match kind {
            Kind::Directory => return Err(Errno::EPERM),
            Kind::Symlink => return Err(Errno::EINVAL),
            _ => {}
        }
        let at = self.new_name(cx, dirfd, path, false)?;
        if matches!(kind, Kind::CharDevice | Kind::BlockDevice) {
            return Err(Errno::EPERM);
        }
        let mode = mode & 0o7777 & !self.current_umask(cx);
        let node =
            self.server(at.server)?
                .mknod(at.handle, &at.name, kind, mode, 0, Vfs::owner(cx))?;
        self.made(&at, &node);
        Ok(())
    }

    /// Makes a symbolic link. `ENOENT` for an empty text; the rest as for `mkdirat`.
    pub fn symlinkat(
        &mut self,
        cx: &Context<'_>,
        text: &[u8],
        dirfd: i32,
        path: &[u8],
    ) -> Result<(), Errno> {
        self.trim();
        if text.is_empty() {
            return Err(Errno::ENOENT);
        }
        if text.len() >= crate::constants::PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let at = self.new_name(cx, dirfd, path, false)?;
        let node = self
            .server(at.server)?
            .symlink(at.handle, &at.name, text, Vfs::owner(cx))?;
        self.made(&at, &node);
        Ok(())
    }

    /// Gives a file one more name. `EXDEV` between mounts, `EPERM` for folders.
    pub fn linkat(
        &mut self,
        cx: &Context<'_>,
        from: (i32, &[u8]),
        to: (i32, &[u8]),
        flags: u32,
    ) -> Result<(), Errno> {
        self.trim();
        if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let found = self.find_or_fd(cx, from.0, from.1, flags, flags & AT_SYMLINK_FOLLOW != 0)?;
        let at = self.new_name(cx, to.0, to.1, false)?;
        let (mount, server, handle, kind) = match found {
            Found::Place(place) => match self.dentries.body(place.dentry) {
                Body::Node {
                    server,
                    handle,
                    kind,
                    ..
                } => (place.mount, server, handle, kind),
                _ => return Err(Errno::EXDEV),
            },
            Found::File(file) => match (&self.file(file)?.object, self.file(file)?.place) {
                (&Object::File { server, handle }, Some(place)) => {
                    (place.mount, server, handle, Kind::Regular)
                }
                _ => return Err(Errno::EXDEV),
            },
        };
        if mount != at.dir.mount || server != at.server {
            return Err(Errno::EXDEV);
        }
        if kind == Kind::Directory {
            return Err(Errno::EPERM);
        }
        // The new name gets its entry when it is looked up.
        Ok(self.server(server)?.link(handle, at.handle, &at.name)?)
    }

    /// Removes a name; with `AT_REMOVEDIR` an empty folder.
    pub fn unlinkat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        self.trim();
        if flags & !AT_REMOVEDIR != 0 {
            return Err(Errno::EINVAL);
        }
        let folder = flags & AT_REMOVEDIR != 0;
        let Parent { dir, last, slash } = self.find_parent(cx, dirfd, path)?;
        let name = match (last, folder) {
            (Last::Name(name), _) => name,
            (_, false) => return Err(Errno::EISDIR),
            (Last::DotDot, true) => return Err(Errno::ENOTEMPTY),
            (Last::Dot, true) => return Err(Errno::EINVAL),
            (Last::Root, true) => return Err(Errno::EBUSY),
        };
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        if self.mounts.flags(dir.mount).read_only {
            return Err(Errno::EROFS);
        }
        let place = self.child_below(cx, dir, &name)?;
        let is_folder = self.is_directory(place);
        if slash && !folder {
            return Err(if is_folder {
                Errno::EISDIR
            } else {
                Errno::ENOTDIR
            });
        }
        let (server, handle) = self.removable(cx, dir, place)?;
        match (folder, is_folder) {
            (true, false) => return Err(Errno::ENOTDIR),
            (false, true) => return Err(Errno::EISDIR),
            _ => {}
        }
        if self.mounts.is_mount_point(place.dentry) {
            return Err(Errno::EBUSY);
        }
        self.server(server)?.unlink(handle, &name, folder)?;
        let forgotten = self.dentries.delete(place.dentry);
        self.forget(forgotten);
        Ok(())
    }

    /// Whether a name may be removed from its folder. `EACCES`, `EROFS`; `EPERM` in a sticky folder and in /proc.
    fn removable(
        &mut self,
        cx: &Context<'_>,
        dir: Place,
        victim: Place,
    ) -> Result<(ServerId, Handle), Errno> {
        const STICKY: u32 = 0o1000;
        match self.dentries.body(victim.dentry) {
            Body::Phantom => return Err(Errno::EBUSY),
            Body::Proc(_) => return Err(Errno::EPERM),
            Body::Node { .. } => {}
        }
        let found = self.writable_folder(cx, dir)?;
        if !cx.creds.overrides {
            let folder = self.attr(cx, dir)?;
            let owners = [folder.uid, self.attr(cx, victim)?.uid];
            if folder.mode & STICKY != 0 && !owners.contains(&cx.creds.uid) {
                return Err(Errno::EPERM);
            }
        }
        Ok(found)
    }

    /// Moves a name, by Linux's rules for targets that exist (`RENAME_NOREPLACE`, `RENAME_EXCHANGE`).
    pub fn renameat2(
        &mut self,
        cx: &Context<'_>,
        from: (i32, &[u8]),
        to: (i32, &[u8]),
        flags: u32,
    ) -> Result<(), Errno> {
        self.trim();
        let rename = RenameFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
        let exchange = rename.has(RenameFlags::EXCHANGE);
        let no_replace = rename.has(RenameFlags::NO_REPLACE);
        if exchange && no_replace {
            return Err(Errno::EINVAL);
        }
        let old = self.find_parent(cx, from.0, from.1)?;
        let new = self.find_parent(cx, to.0, to.1)?;
        if old.dir.mount != new.dir.mount {
            return Err(Errno::EXDEV);
        }
        let Last::Name(old_name) = old.last else {
            return Err(Errno::EBUSY);
        };
        let Last::Name(new_name) = new.last else {
            return Err(if no_replace {
                Errno::EEXIST
            } else {
                Errno::EBUSY
            });
        };
        if self.mounts.flags(old.dir.mount).read_only {
            return Err(Errno::EROFS);
        }
        let source = self.child_below(cx, old.dir, &old_name)?;
        let target = match self.child_below(cx, new.dir, &new_name) {
            Ok(place) => Some(place),
            Err(Errno::ENOENT) => None,
            Err(error) => return Err(error),
        };
        match target {
            Some(_) if no_replace => return Err(Errno::EEXIST),
            None if exchange => return Err(Errno::ENOENT),
            Some(target) if exchange && new.slash && !self.is_directory(target) => {
                return Err(Errno::ENOTDIR);
            }
            _ => {}
        }
        let is_folder = self.is_directory(source);
        if !is_folder && (old.slash || !exchange && new.slash) {
            return Err(Errno::ENOTDIR);
        }
        if is_folder && self.dentries.lies_within(new.dir.dentry, source.dentry) {
            return Err(Errno::EINVAL);
        }
        if let Some(target) = target
            && self.dentries.lies_within(old.dir.dentry, target.dentry)
        {
            return Err(if exchange {
                Errno::EINVAL
            } else {
                Errno::ENOTEMPTY
            });
        }
        if target.is_some_and(|target| {
            same_file(
                self.dentries.body(source.dentry),
                self.dentries.body(target.dentry),
            )
        }) {
            return Ok(());
        }
        let (server, old_dir) = self.removable(cx, old.dir, source)?;
        let (_, new_dir) = match target {
            Some(target) => self.removable(cx, new.dir, target)?,
            None => self.writable_folder(cx, new.dir)?,
        };
        if let Some(target) = target
            && !exchange
            && is_folder != self.is_directory(target)
        {
            return Err(if is_folder {
                Errno::ENOTDIR
            } else {
                Errno::EISDIR
            });
        }
        let mounted = |place: Place| self.mounts.is_mount_point(place.dentry);
        if mounted(source) || target.is_some_and(mounted) {
            return Err(Errno::EBUSY);
        }
        self.server(server)?
            .rename(old_dir, &old_name, new_dir, &new_name, rename)?;
        self.renamed(
            (old.dir, old_name, source),
            (new.dir, new_name, target),
            exchange,
        );
        Ok(())
    }

    fn renamed(
        &mut self,
        old: (Place, Vec<u8>, Place),
        new: (Place, Vec<u8>, Option<Place>),
        exchange: bool,
    ) {
        const PARKED: &[u8] = b"\0";
        let mut forgotten = Vec::new();
        match new.2 {
            Some(target) if exchange => {
                // By way of a name that no path can have, since both names are taken.
                forgotten.extend(self.dentries.rename(target.dentry, old.0.dentry, PARKED));
                forgotten.extend(self.dentries.rename(old.2.dentry, new.0.dentry, &new.1));
                forgotten.extend(self.dentries.rename(target.dentry, old.0.dentry, &old.1));
            }
            target => {
                if let Some(target) = target {
                    forgotten.extend(self.dentries.delete(target.dentry));
                }
                forgotten.extend(self.dentries.rename(old.2.dentry, new.0.dentry, &new.1));
            }
        }
        self.forget(forgotten);
    }

    /// A socket's name in the tree, for bind. `EADDRINUSE` if it exists.
    pub fn make_socket_name(
        &mut self,
        cx: &Context<'_>,
        path: &[u8],
        mode: u32,
    ) -> Result<Place, Errno> {
        match self.mknodat(cx, AT_FDCWD, path, linux::S_IFSOCK | mode & 0o777) {
            Err(Errno::EEXIST) => return Err(Errno::EADDRINUSE),
            other => other?,
        }
        self.find_place(cx, AT_FDCWD, path, false)
    }
}

/// Whether two names are one file (hard links): renaming one to the other does nothing.
fn same_file(a: Body, b: Body) -> bool {
    match (a, b) {
        (
            Body::Node { server: a, id, .. },
            Body::Node {
                server: b,
                id: other,
                ..
            },
        ) => a == b && id == other,
        _ => false,
    }
}
