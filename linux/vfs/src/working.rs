//! Working folders, root folders and umasks.

use crate::constants::AT_EMPTY_PATH;
use crate::context::{Context, FsId};
use crate::errno::Errno;
use crate::mounts::Place;
use crate::resolve::Found;
use crate::vfs::Vfs;
use alloc::vec::Vec;

/// The state that threads with `CLONE_FS` share.
pub struct Working {
    pub refs: u32,
    pub cwd: Place,
    pub root: Place,
    pub umask: u32,
}

impl Vfs {
    /// A working folder and root at `/`, umask 022. `ENOMEM`.
    pub fn new_fs(&mut self) -> Result<FsId, Errno> {
        let root = self.mounts.top(self.root);
        self.add_working(root, root, 0o022)
    }

    fn add_working(&mut self, cwd: Place, root: Place, umask: u32) -> Result<FsId, Errno> {
        let id = self
            .working
            .insert(Working {
                refs: 1,
                cwd,
                root,
                umask,
            })
            .map_err(|_| Errno::ENOMEM)?;
        self.hold(cwd);
        self.hold(root);
        Ok(FsId(id))
    }

    /// A copy, for fork. `ENOMEM`.
    pub fn clone_fs(&mut self, id: FsId) -> Result<FsId, Errno> {
        let Working {
            cwd, root, umask, ..
        } = *self.working(id)?;
        self.add_working(cwd, root, umask)
    }

    /// One more user of the same state, for `CLONE_FS`.
    pub fn retain_fs(&mut self, id: FsId) {
        if let Some(working) = self.working.get_mut(id.0) {
            working.refs += 1;
        }
    }

    /// One user less; the last one ends it.
    pub fn release_fs(&mut self, id: FsId) {
        let Some(working) = self.working.get_mut(id.0) else {
            return;
        };
        working.refs -= 1;
        if working.refs == 0
            && let Some(working) = self.working.remove(id.0)
        {
            self.release(working.cwd);
            self.release(working.root);
        }
    }

    /// Sets the mask of permission bits that new files do not get; returns the old one.
    pub fn umask(&mut self, cx: &Context<'_>, mask: u32) -> u32 {
        match self.working.get_mut(cx.fs.0) {
            Some(working) => core::mem::replace(&mut working.umask, mask & 0o777),
            None => 0o022,
        }
    }

    pub(crate) fn current_umask(&self, cx: &Context<'_>) -> u32 {
        self.working(cx.fs).map_or(0o022, |working| working.umask)
    }

    /// Changes the working folder. `ENOENT`, `ENOTDIR`, `EACCES`.
    pub fn chdir(&mut self, cx: &Context<'_>, path: &[u8]) -> Result<(), Errno> {
        let place = self.find_folder(cx, path)?;
        self.set_cwd(cx, place)
    }

    /// Changes the working folder to an open one. `EBADF`, `ENOTDIR`, `EACCES`.
    pub fn fchdir(&mut self, cx: &Context<'_>, fd: i32) -> Result<(), Errno> {
        let place = self.place_of_fd(cx, fd)?;
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        self.permission(cx, place, 1)?;
        self.set_cwd(cx, place)
    }

    fn find_folder(&mut self, cx: &Context<'_>, path: &[u8]) -> Result<Place, Errno> {
        let place = match self.find(cx, linux_raw_sys::general::AT_FDCWD, path, true)? {
            Found::Place(place) => place,
            Found::File(_) => return Err(Errno::ENOTDIR),
        };
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        self.permission(cx, place, 1)?;
        Ok(place)
    }

    fn set_cwd(&mut self, cx: &Context<'_>, place: Place) -> Result<(), Errno> {
        self.hold(place);
        let working = self.working.get_mut(cx.fs.0).ok_or(Errno::EIO)?;
        let old = core::mem::replace(&mut working.cwd, place);
        self.release(old);
        Ok(())
    }

    /// Changes the root folder. `EPERM` without `overrides`, else as `chdir`.
    pub fn chroot(&mut self, cx: &Context<'_>, path: &[u8]) -> Result<(), Errno> {
        let place = self.find_folder(cx, path)?;
        if !cx.creds.overrides {
            return Err(Errno::EPERM);
        }
        self.hold(place);
        let working = self.working.get_mut(cx.fs.0).ok_or(Errno::EIO)?;
        let old = core::mem::replace(&mut working.root, place);
        self.release(old);
        Ok(())
    }

    /// The working folder's path, without a final zero byte. `ENOENT` if it was removed, `ERANGE` if `room` bytes are too few
    /// for it and a zero byte.
    pub fn getcwd(&mut self, cx: &Context<'_>, room: usize) -> Result<Vec<u8>, Errno> {
        let Working { cwd, root, .. } = *self.working(cx.fs)?;
        if self
            .dentries
            .get(cwd.dentry)
            .is_none_or(|dentry| dentry.deleted)
        {
            return Err(Errno::ENOENT);
        }
        let path = self.path_below(cwd, root);
        if path.len() >= room {
            Err(Errno::ERANGE)
        } else {
            Ok(path)
        }
    }

    /// The path of a place as seen from a root; `(unreachable)` in front if it is not below that root, as Linux says it.
    pub(crate) fn path_below(&self, place: Place, root: Place) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = place;
        let mut reached = true;
        while at != root {
            let Some(dentry) = self.dentries.get(at.dentry) else {
                break;
            };
            let is_mount_root = self
                .mounts
                .get(at.mount)
                .is_none_or(|mount| mount.root == at.dentry);
            match (is_mount_root, self.mounts.parent(at.mount), dentry.parent) {
                (true, Some(above), _) => at = above,
                (false, _, Some(parent)) => {
                    names.push(&dentry.name);
                    at.dentry = parent;
                }
                _ => {
                    reached = false;
                    break;
                }
            }
        }
        let mut path = if reached {
            Vec::new()
        } else {
            b"(unreachable)".to_vec()
        };
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if names.is_empty() {
            path.push(b'/');
        }
        path
    }

    /// The path of an open file as its opener would write it, with ` (deleted)` behind it if its name is gone.
    pub fn file_path(&self, cx: &Context<'_>, id: crate::FileId) -> Result<Vec<u8>, Errno> {
        let file = self.file(id)?;
        let Some(place) = file.place else {
            return Ok(self.object_name(file));
        };
        let root = self.working(cx.fs)?.root;
        let mut path = self.path_below(place, root);
        if self
            .dentries
            .get(place.dentry)
            .is_some_and(|dentry| dentry.deleted)
        {
            path.extend_from_slice(b" (deleted)");
        }
        Ok(path)
    }

    /// The place that a descriptor was opened at. `EBADF`; `ENOTDIR` for pipes and the like.
    pub(crate) fn place_of_fd(&self, cx: &Context<'_>, fd: i32) -> Result<Place, Errno> {
        self.file(self.descriptor(cx, fd)?)?
            .place
            .ok_or(Errno::ENOTDIR)
    }

    /// What a path call means that may have an empty path with `AT_EMPTY_PATH`.
    pub(crate) fn find_or_fd(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
        follow: bool,
    ) -> Result<Found, Errno> {
        if !path.is_empty() || flags & AT_EMPTY_PATH == 0 {
            return self.find(cx, dirfd, path, follow);
        }
        if dirfd == linux_raw_sys::general::AT_FDCWD {
            return Ok(Found::Place(self.working(cx.fs)?.cwd));
        }
        Ok(Found::File(self.descriptor(cx, dirfd)?))
    }
}
