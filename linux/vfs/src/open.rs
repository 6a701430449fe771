//! Opening: openat's rules, then what kind of object the place becomes.

use crate::constants::{
    AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_ACCMODE, O_APPEND, O_ASYNC, O_CLOEXEC, O_CREAT, O_DIRECT,
    O_DIRECTORY, O_EXCL, O_NOATIME, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR,
    O_TMPFILE_BIT, O_TRUNC, O_WRONLY,
};
use crate::context::{Context, FileId};
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::file::Object;
use crate::mounts::Place;
use crate::outcome::Attempt;
use crate::resolve::{Found, Jump, Last};
use crate::vfs::{Vfs, node_body};
use sundog_protocols::file::{FileError, Handle, Kind, OpenFlags, Owner, SetAttr};

/// Flags that stay with the description and that `F_GETFL` shows.
const KEPT: u32 =
    O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_ASYNC | O_PATH | O_DIRECTORY | O_NOATIME;

/// What an existing name means for the open.
enum Target {
    Found(Found),
    /// The name is free in this folder.
    Missing(Place, alloc::vec::Vec<u8>),
}

impl Vfs {
    /// Opens or makes a file and gives it the lowest free descriptor. May wait: FIFOs without `O_NONBLOCK`, gated devices.
    pub fn openat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
        mode: u32,
    ) -> Attempt<i32> {
        self.room_for_descriptor(cx)?;
        let file = self.open_file(cx, dirfd, path, flags, mode)?;
        Ok(self.install(cx, file, flags & O_CLOEXEC != 0, 0)?)
    }

    /// Opens a program for execve or for mapping: a regular file that may be executed, without a descriptor. The caller owns
    /// one reference. `EACCES` also for a `noexec` mount and for what is no regular file; `ELOOP` with
    /// `AT_SYMLINK_NOFOLLOW`. With an empty path and `AT_EMPTY_PATH` it is the file of `dirfd`.
    pub fn open_exec(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
    ) -> Attempt<FileId> {
        self.trim();
        let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
        let place = match self.find_or_fd(cx, dirfd, path, flags, follow)? {
            Found::Place(place) => place,
            Found::File(file) => match self.file(file)?.place {
                Some(place) => place,
                None => return Ok(self.reopen(cx, file, O_RDONLY)?),
            },
        };
        match self.kind(place) {
            Kind::Regular => {}
            Kind::Symlink => return Err(Errno::ELOOP.into()),
            _ => return Err(Errno::EACCES.into()),
        }
        self.permission(cx, place, 1)?;
        if self.mounts.flags(place.mount).no_exec {
            return Err(Errno::EACCES.into());
        }
        let Body::Node { server, handle, .. } = self.dentries.body(place.dentry) else {
            return Err(Errno::EACCES.into());
        };
        let handle = self.server(server)?.open(handle, OpenFlags::READ)?;
        Ok(self.add_file(Object::File { server, handle }, O_RDONLY, Some(place))?)
    }

    /// Opens a file without giving it a descriptor. The caller owns one reference.
    pub fn open_file(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
        mode: u32,
    ) -> Attempt<FileId> {
        self.trim();
        let mut flags = flags;
        if flags & O_PATH != 0 {
            flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        } else if flags & O_TMPFILE_BIT != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        } else if flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY {
            return Err(Errno::EINVAL.into());
        }
        match self.find_target(cx, dirfd, path, flags)? {
            Target::Found(Found::Place(place)) => self.open_place(cx, place, flags),
            Target::Found(Found::File(file)) => Ok(self.reopen(cx, file, flags)?),
            Target::Missing(dir, name) => Ok(self.create(cx, dir, &name, flags, mode)?),
        }
    }

    fn find_target(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        flags: u32,
    ) -> Result<Target, Errno> {
        let create = flags & O_CREAT != 0;
        let exclusive = create && flags & O_EXCL != 0;
        let mut walk = self.start(cx, dirfd, path)?;
        loop {
            let (last, slash) = self.walk_parents(cx, &mut walk)?;
            let place = match last {
                Last::Root | Last::Dot => walk.at,
                Last::DotDot => self.up(cx, walk.at)?,
                Last::Name(_) if create && slash => return Err(Errno::EISDIR),
                Last::Name(name) => match self.child(cx, walk.at, walk.name(&name)) {
                    Ok(place) => {
                        let follow = slash || flags & O_NOFOLLOW == 0 && !exclusive;
                        if follow && self.kind(place) == Kind::Symlink {
                            match self.follow(cx, &mut walk, place)? {
                                Jump::On => continue,
                                Jump::To(found) => return Ok(Target::Found(found)),
                            }
                        }
                        place
                    }
                    Err(Errno::ENOENT) if create => {
                        return Ok(Target::Missing(walk.at, walk.name(&name).to_vec()));
                    }
                    Err(error) => return Err(error),
                },
            };
            if exclusive {
                return Err(Errno::EEXIST);
            }
            let directory = self.is_directory(place);
            if create && directory {
                return Err(Errno::EISDIR);
            }
            if slash && !directory {
                return Err(Errno::ENOTDIR);
            }
            return Ok(Target::Found(Found::Place(place)));
        }
    }

    fn create(
        &mut self,
        cx: &Context<'_>,
        dir: Place,
        name: &[u8],
        flags: u32,
        mode: u32,
    ) -> Result<FileId, Errno> {
        let (server, handle) = self.writable_folder(cx, dir)?;
        let mode = mode & 0o7777 & !self.current_umask(cx);
        let owner = Owner {
            uid: cx.creds.uid,
            gid: cx.creds.gid,
        };
        let files = self.server(server)?;
        let open = open_flags(flags, files.private());
        let made = files.create(handle, name, open, mode, owner)?;
        let dentry = self
            .dentries
            .add(dir.dentry, name, node_body(server, &made.node));
        let place = Place {
            mount: dir.mount,
            dentry,
        };
        self.add_file(
            Object::File {
                server,
                handle: made.open,
            },
            flags & KEPT,
            Some(place),
        )
    }

    /// The server and handle of a folder in which names can be made and removed. `EROFS`, `EACCES`, `ENOENT` in /proc.
    pub(crate) fn writable_folder(
        &mut self,
        cx: &Context<'_>,
        dir: Place,
    ) -> Result<(ServerId, Handle), Errno> {
        match self.dentries.body(dir.dentry) {
            Body::Phantom => Err(Errno::EROFS),
            Body::Proc(_) => Err(Errno::ENOENT),
            Body::Node { .. } if self.mounts.flags(dir.mount).read_only => Err(Errno::EROFS),
            Body::Node { server, handle, .. } => {
                self.permission(cx, dir, 3)?;
                Ok((server, handle))
            }
        }
    }

    fn open_place(&mut self, cx: &Context<'_>, place: Place, flags: u32) -> Attempt<FileId> {
        let kind = self.kind(place);
        if flags & O_DIRECTORY != 0 && kind != Kind::Directory {
            return Err(Errno::ENOTDIR.into());
        }
        if flags & O_PATH != 0 {
            return Ok(self.add_file(Object::Path, flags & KEPT, Some(place))?);
        }
        let writes = flags & O_ACCMODE != O_RDONLY || flags & O_TRUNC != 0;
        match kind {
            Kind::Symlink => return Err(Errno::ELOOP.into()),
            Kind::Directory if writes => return Err(Errno::EISDIR.into()),
            Kind::CharDevice | Kind::BlockDevice if !self.mounts.flags(place.mount).devices => {
                return Err(Errno::EACCES.into());
            }
            Kind::Socket => return Err(Errno::ENXIO.into()),
            _ => {}
        }
        self.permission(cx, place, access_bits(flags))?;
        if writes && kind == Kind::Regular && self.mounts.flags(place.mount).read_only {
            return Err(Errno::EROFS.into());
        }
        if flags & O_NOATIME != 0
            && !cx.creds.overrides
            && self.attr(cx, place)?.uid != cx.creds.uid
        {
            return Err(Errno::EPERM.into());
        }
        match (kind, self.dentries.body(place.dentry)) {
            (Kind::Directory, Body::Node { server, handle, .. }) => {
                let handle = self.server(server)?.open(handle, OpenFlags::READ)?;
                Ok(self.add_file(
                    Object::Directory {
                        server: Some((server, handle)),
                    },
                    flags & KEPT,
                    Some(place),
                )?)
            }
            (Kind::Directory, _) => Ok(self.add_file(
                Object::Directory { server: None },
                flags & KEPT,
                Some(place),
            )?),
            (Kind::Regular, Body::Node { server, handle, .. }) => {
                Ok(self.open_regular(server, handle, flags, Some(place))?)
            }
            (Kind::Regular, Body::Proc(_)) if writes => Err(Errno::EACCES.into()),
            (Kind::Regular, Body::Proc(node)) => {
                let text = self.proc_text(cx, node)?;
                Ok(self.add_file(Object::Text(text), flags & KEPT, Some(place))?)
            }
            (Kind::CharDevice, _) => self.open_device(cx, place, flags),
            (Kind::Fifo, _) => self.open_fifo(cx, place, flags),
            _ => Err(Errno::ENXIO.into()),
        }
    }

    fn open_regular(
        &mut self,
        server: ServerId,
        node: Handle,
        flags: u32,
        place: Option<Place>,
    ) -> Result<FileId, Errno> {
        let truncates = flags & O_TRUNC != 0;
        let id = if truncates {
            Some(self.server(server)?.getattr(node)?)
        } else {
            None
        };
        let files = self.server(server)?;
        let handle = files.open(node, open_flags(flags, files.private()))?;
        if truncates && flags & O_ACCMODE == O_RDONLY {
            files.setattr(
                handle,
                &SetAttr {
                    size: Some(0),
                    ..SetAttr::default()
                },
            )?;
        }
        if let Some(attr) = id
            && attr.size > 0
        {
            self.truncated(server, attr.id, 0);
        }
        self.add_file(Object::File { server, handle }, flags & KEPT, place)
    }

    /// Opens what is open already once more, through /proc/PID/fd. `ENXIO` for what cannot be.
    fn reopen(&mut self, cx: &Context<'_>, id: FileId, flags: u32) -> Result<FileId, Errno> {
        let file = self.file(id)?;
        let label = file.label.clone();
        if flags & O_PATH != 0 {
            return self.add_file(Object::Path, flags & KEPT, file.place);
        }
        if flags & O_DIRECTORY != 0 {
            return Err(Errno::ENOTDIR);
        }
        match file.object {
            Object::Pipe(pipe) => {
                self.pipe_opened(pipe, flags);
                self.add_file(Object::Pipe(pipe), flags & KEPT, None)
            }
            Object::File { server, handle } => {
                let writes = flags & O_ACCMODE != O_RDONLY || flags & O_TRUNC != 0;
                let attr = self.server(server)?.getattr(handle)?;
                crate::attributes::allowed(cx.creds, &attr, if writes { 6 } else { 4 })?;
                let opened = self.open_regular(server, handle, flags, None)?;
                self.file_mut(opened)?.label = label;
                self.memfd_opened(opened);
                Ok(opened)
            }
            _ => Err(Errno::ENXIO),
        }
    }

    /// Makes a file in a folder for the core's own use (a shared anonymous mapping): no name, no descriptor, one reference.
    pub fn anonymous_file(&mut self, size: u64) -> Result<FileId, Errno> {
        let (server, handle) = self.new_anonymous(0o600)?;
        self.server(server)?.setattr(
            handle,
            &SetAttr {
                size: Some(size),
                ..SetAttr::default()
            },
        )?;
        self.add_file(Object::File { server, handle }, O_RDWR, None)
    }

    /// A file without a name on the server that no name leads to.
    pub(crate) fn new_anonymous(&mut self, mode: u32) -> Result<(ServerId, Handle), Errno> {
        const NAME: &[u8] = b"memory";
        let server = crate::vfs::ANONYMOUS;
        let files = self.server(server)?;
        let root = files.attach(b"")?.handle;
        let flags = OpenFlags::READ.with(OpenFlags::WRITE);
        let made = files.create(root, NAME, flags, mode, Owner::default());
        let unlinked = made.and_then(|made| {
            files.clunk(made.node.handle);
            files.unlink(root, NAME, false)?;
            Ok::<_, FileError>(made.open)
        });
        files.clunk(root);
        Ok((server, unlinked?))
    }

    /// The text of a symbolic link, of `dirfd` itself with an empty path. `EINVAL` for what is none.
    pub fn readlinkat(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
    ) -> Result<alloc::vec::Vec<u8>, Errno> {
        self.trim();
        let place = if path.is_empty() && dirfd != AT_FDCWD {
            self.file(self.descriptor(cx, dirfd)?)?
                .place
                .ok_or(Errno::ENOENT)?
        } else {
            self.find_place(cx, dirfd, path, false)?
        };
        match (self.kind(place), self.dentries.body(place.dentry)) {
            (Kind::Symlink, Body::Node { server, handle, .. }) => {
                Ok(self.server(server)?.readlink(handle)?)
            }
            (Kind::Symlink, Body::Proc(node)) => self.proc_link_text(cx, node),
            _ if path.is_empty() => Err(Errno::ENOENT),
            _ => Err(Errno::EINVAL),
        }
    }
}

fn open_flags(flags: u32, private: bool) -> OpenFlags {
    let mut open = match flags & O_ACCMODE {
        O_RDONLY => OpenFlags::READ,
        O_WRONLY => OpenFlags::WRITE,
        _ => OpenFlags::READ.with(OpenFlags::WRITE),
    };
    if flags & O_TRUNC != 0 && open.has(OpenFlags::WRITE) {
        open = open.with(OpenFlags::TRUNCATE);
    }
    // In a tree of our own the end is found at each write, so that F_SETFL can turn O_APPEND on and off. Where others write too,
    // only the server can append without tearing; there F_SETFL changes what is shown and not what the server does.
    if flags & O_APPEND != 0 && !private {
        open = open.with(OpenFlags::APPEND);
    }
    open
}

/// The permission bits that an open needs.
fn access_bits(flags: u32) -> u32 {
    let access = match flags & O_ACCMODE {
        O_RDONLY => 4,
        O_WRONLY => 2,
        _ => 6,
    };
    if flags & O_TRUNC != 0 {
        access | 2
    } else {
        access
    }
}
