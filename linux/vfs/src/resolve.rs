//! Path resolution, component by component, by Linux's rules.

use crate::constants::{AT_FDCWD, MAX_LINKS, NAME_MAX, PATH_MAX};
use crate::context::{Context, FileId};
use crate::dentry::Body;
use crate::errno::Errno;
use crate::mounts::Place;
use crate::proc::Lookup;
use crate::vfs::{Vfs, node_body};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;
use sundog_protocols::file::{Attr, FileError, Kind};

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// A place in the namespace.
    Place(Place),
    /// An open file, through a link of /proc/PID/fd that leads to no place.
    File(FileId),
}

/// The last component of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Last<N = Vec<u8>> {
    Name(N),
    Dot,
    DotDot,
    /// The path was all slashes.
    Root,
}

/// A path up to its last component.
pub(crate) struct Parent {
    pub dir: Place,
    pub last: Last,
    /// Slashes followed.
    pub slash: bool,
}

/// A look-up under way.
pub(crate) struct Walk<'p> {
    pub at: Place,
    /// The path, or the text of a link with the rest of the path behind it.
    rest: Cow<'p, [u8]>,
    position: usize,
    links: u32,
}

/// Where a link leads.
pub(crate) enum Jump {
    /// The walk goes on along the link's text.
    On,
    /// The link was one of /proc that leads straight to something.
    To(Found),
}

impl Walk<'_> {
    /// A name that `walk_parents` found.
    pub(crate) fn name(&self, at: &Range<usize>) -> &[u8] {
        &self.rest[at.clone()]
    }
}

impl Vfs {
    /// Starts a look-up. `ENOENT` for an empty path, `ENAMETOOLONG`, `EBADF`, `ENOTDIR` for a dirfd that is no folder.
    pub(crate) fn start<'p>(
        &self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &'p [u8],
    ) -> Result<Walk<'p>, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let working = self.working(cx.fs)?;
        let at = match (path[0], dirfd) {
            (b'/', _) => working.root,
            (_, AT_FDCWD) => working.cwd,
            _ => {
                let place = self.place_of_fd(cx, dirfd)?;
                if !self.is_directory(place) {
                    return Err(Errno::ENOTDIR);
                }
                place
            }
        };
        Ok(Walk {
            at,
            rest: Cow::Borrowed(path),
            position: 0,
            links: 0,
        })
    }

    /// Goes through all components but the last.
    pub(crate) fn walk_parents(
        &mut self,
        cx: &Context<'_>,
        walk: &mut Walk<'_>,
    ) -> Result<(Last<Range<usize>>, bool), Errno> {
        loop {
            let rest = &walk.rest[walk.position..];
            let slashes = rest.iter().take_while(|&&byte| byte == b'/').count();
            walk.position += slashes;
            let rest = &rest[slashes..];
            if rest.is_empty() {
                return Ok((Last::Root, slashes > 0));
            }
            let length = rest
                .iter()
                .position(|&byte| byte == b'/')
                .unwrap_or(rest.len());
            let name = walk.position..walk.position + length;
            let is_last = rest[length..].iter().all(|&byte| byte == b'/');
            let slash = is_last && length < rest.len();
            walk.position += length;
            if !self.is_directory(walk.at) {
                return Err(Errno::ENOTDIR);
            }
            self.permission(cx, walk.at, 1)?;
            let last = match walk.name(&name) {
                b"." => Last::Dot,
                b".." => Last::DotDot,
                _ => Last::Name(name),
            };
            if is_last {
                return Ok((last, slash));
            }
            match last {
                Last::Name(name) => {
                    let place = self.child(cx, walk.at, walk.name(&name))?;
                    if self.kind(place) == Kind::Symlink {
                        if let Jump::To(found) = self.follow(cx, walk, place)? {
                            let Found::Place(place) = found else {
                                return Err(Errno::ENOTDIR);
                            };
                            walk.at = place;
                        }
                    } else {
                        walk.at = place;
                    }
                }
                Last::DotDot => walk.at = self.up(cx, walk.at)?,
                Last::Dot | Last::Root => {}
            }
        }
    }

    /// Puts a link's text in front of what is left of the path. `ELOOP`.
    pub(crate) fn follow(
        &mut self,
        cx: &Context<'_>,
        walk: &mut Walk<'_>,
        link: Place,
    ) -> Result<Jump, Errno> {
        walk.links += 1;
        if walk.links > MAX_LINKS {
            return Err(Errno::ELOOP);
        }
        let mut text = match self.dentries.body(link.dentry) {
            Body::Node { server, handle, .. } => self.server(server)?.readlink(handle)?,
            Body::Proc(node) => match self.proc_follow(cx, node)? {
                Lookup::Text(text) => text,
                Lookup::Jump(found) => return Ok(Jump::To(found)),
            },
            Body::Phantom => return Err(Errno::EIO),
        };
        if text.is_empty() {
            return Err(Errno::ENOENT);
        }
        if text[0] == b'/' {
            walk.at = self.working(cx.fs)?.root;
        }
        let rest = &walk.rest[walk.position..];
        text.extend_from_slice(rest);
        walk.rest = Cow::Owned(text);
        walk.position = 0;
        Ok(Jump::On)
    }

    /// One step down, across mounts.
    pub(crate) fn child(
        &mut self,
        cx: &Context<'_>,
        dir: Place,
        name: &[u8],
    ) -> Result<Place, Errno> {
        let place = self.child_below(cx, dir, name)?;
        Ok(self.mounts.top(place))
    }

    /// One step down, to the name itself even if something is mounted on it.
    pub(crate) fn child_below(
        &mut self,
        cx: &Context<'_>,
        dir: Place,
        name: &[u8],
    ) -> Result<Place, Errno> {
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let known = self.dentries.child(dir.dentry, name);
        let at = |dentry| Place {
            mount: dir.mount,
            dentry,
        };
        if let Some(known) = known
            && self.dentries.body(known) == Body::Phantom
        {
            return Ok(at(known));
        }
        let body = match self.dentries.body(dir.dentry) {
            Body::Phantom => return Err(Errno::ENOENT),
            Body::Proc(node) => match self.proc_child(cx, node, name) {
                Some(child) => Body::Proc(child),
                None => return self.lost(known),
            },
            Body::Node { server, handle, .. } => {
                let written = self.written.contains(&server);
                let server_ref = self.server(server)?;
                if let Some(known) = known
                    && !written
                    && server_ref.private()
                {
                    return Ok(at(known));
                }
                match server_ref.walk(handle, name) {
                    Ok(node) => node_body(server, &node),
                    Err(FileError::ENOENT) => return self.lost(known),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        if let Some(known) = known {
            if same_node(self.dentries.body(known), body) {
                self.forget(Vec::from([body]));
                return Ok(at(known));
            }
            let forgotten = self.dentries.delete(known);
            self.forget(forgotten);
        }
        Ok(at(self.dentries.add(dir.dentry, name, body)))
    }

    /// A name is not there (any more).
    fn lost<T>(&mut self, known: Option<u32>) -> Result<T, Errno> {
        if let Some(known) = known {
            let forgotten = self.dentries.delete(known);
            self.forget(forgotten);
        }
        Err(Errno::ENOENT)
    }

    /// `..`: never above the caller's root.
    pub(crate) fn up(&self, cx: &Context<'_>, mut place: Place) -> Result<Place, Errno> {
        let root = self.working(cx.fs)?.root;
        loop {
            if place == root {
                return Ok(self.mounts.top(place));
            }
            let is_mount_root = self
                .mounts
                .get(place.mount)
                .is_none_or(|mount| mount.root == place.dentry);
            if is_mount_root {
                match self.mounts.parent(place.mount) {
                    Some(above) => place = above,
                    None => return Ok(place),
                }
                continue;
            }
            return Ok(
                match self
                    .dentries
                    .get(place.dentry)
                    .and_then(|dentry| dentry.parent)
                {
                    Some(parent) => self.mounts.top(Place {
                        mount: place.mount,
                        dentry: parent,
                    }),
                    None => place,
                },
            );
        }
    }

    /// A whole path. `follow` says whether a link at its end is followed.
    pub(crate) fn find(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        follow: bool,
    ) -> Result<Found, Errno> {
        let mut walk = self.start(cx, dirfd, path)?;
        loop {
            let (last, slash) = self.walk_parents(cx, &mut walk)?;
            let place = match last {
                Last::Root | Last::Dot => walk.at,
                Last::DotDot => self.up(cx, walk.at)?,
                Last::Name(name) => {
                    let place = self.child(cx, walk.at, walk.name(&name))?;
                    if self.kind(place) == Kind::Symlink && (follow || slash) {
                        match self.follow(cx, &mut walk, place)? {
                            Jump::On => continue,
                            Jump::To(found) => return Ok(found),
                        }
                    }
                    place
                }
            };
            if slash && !self.is_directory(place) {
                return Err(Errno::ENOTDIR);
            }
            return Ok(Found::Place(place));
        }
    }

    /// A path that must lead to a place.
    pub(crate) fn find_place(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
        follow: bool,
    ) -> Result<Place, Errno> {
        match self.find(cx, dirfd, path, follow)? {
            Found::Place(place) => Ok(place),
            Found::File(_) => Err(Errno::EINVAL),
        }
    }

    /// The folder of a path's last component, which need not exist.
    pub(crate) fn find_parent(
        &mut self,
        cx: &Context<'_>,
        dirfd: i32,
        path: &[u8],
    ) -> Result<Parent, Errno> {
        let mut walk = self.start(cx, dirfd, path)?;
        let (last, slash) = self.walk_parents(cx, &mut walk)?;
        let last = match last {
            Last::Name(name) => Last::Name(walk.name(&name).to_vec()),
            Last::Dot => Last::Dot,
            Last::DotDot => Last::DotDot,
            Last::Root => Last::Root,
        };
        Ok(Parent {
            dir: walk.at,
            last,
            slash,
        })
    }

    pub(crate) fn kind(&self, place: Place) -> Kind {
        match self.dentries.body(place.dentry) {
            Body::Node { kind, .. } => kind,
            Body::Phantom => Kind::Directory,
            Body::Proc(node) => node.kind(),
        }
    }

    pub(crate) fn is_directory(&self, place: Place) -> bool {
        self.kind(place) == Kind::Directory
    }

    /// The attributes of the node at a place.
    pub(crate) fn attr(&mut self, cx: &Context<'_>, place: Place) -> Result<Attr, Errno> {
        match self.dentries.body(place.dentry) {
            Body::Node { server, handle, .. } => Ok(self.server(server)?.getattr(handle)?),
            Body::Phantom => Ok(Attr::new(
                Kind::Directory,
                0o755,
                u64::from(place.dentry) + (1 << 32),
            )),
            Body::Proc(node) => Ok(self.proc_attr(cx, node)),
        }
    }

    /// Whether the caller may do what `want` says (4 read, 2 write, 1 execute or search). `EACCES`.
    pub(crate) fn permission(
        &mut self,
        cx: &Context<'_>,
        place: Place,
        want: u32,
    ) -> Result<(), Errno> {
        if cx.creds.overrides && (want & 1 == 0 || self.is_directory(place)) {
            return Ok(());
        }
        let attr = self.attr(cx, place)?;
        crate::attributes::allowed(cx.creds, &attr, want)
    }
}

fn same_node(a: Body, b: Body) -> bool {
    match (a, b) {
        (
            Body::Node {
                server: a,
                id,
                kind,
                ..
            },
            Body::Node {
                server: b,
                id: other,
                kind: kind_b,
                ..
            },
        ) => a == b && id == other && kind == kind_b,
        (Body::Proc(a), Body::Proc(b)) => a == b,
        _ => false,
    }
}
