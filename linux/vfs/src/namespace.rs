//! Building the namespace: mounts, binds, and mount points that exist without being made in the tree below.

use crate::constants::MAX_LINKS;
use crate::context::Context;
use crate::dentry::Body;
use crate::errno::Errno;
use crate::mounts::{Mount, MountFlags, MountId, Place};
use crate::proc::ProcNode;
use crate::resolve::Found;
use crate::vfs::{PROC_DEVICE, Vfs, node_body, server_device};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sundog_protocols::file::{FileError, FileServer, Kind, check_name};

impl Vfs {
    /// Mounts a tree at an absolute path. What is missing on the way appears as empty folders that exist only in this
    /// namespace; links are followed. `source` and `kind` are what /proc/mounts shows. Returns the root of the mount.
    pub fn mount(
        &mut self,
        path: &[u8],
        tree: Box<dyn FileServer>,
        flags: MountFlags,
        source: &[u8],
        kind: &[u8],
    ) -> Result<Place, Errno> {
        let at = self.mount_point(path)?;
        let (server, node) = self.add_server(tree)?;
        let is_directory = node.attr.kind == Kind::Directory;
        // A name that is there only for this may become either.
        let fresh = self.dentries.body(at.dentry) == Body::Phantom
            && self
                .dentries
                .get(at.dentry)
                .is_some_and(|dentry| dentry.children.is_empty());
        if !fresh && is_directory != self.is_directory(at) {
            return Err(match is_directory {
                true => Errno::ENOTDIR,
                false => Errno::EISDIR,
            });
        }
        let root = self.dentries.add_root(node_body(server, &node));
        let device = server_device(server);
        let mount = Mount {
            root,
            at: Some(at),
            flags,
            device,
            source: source.to_vec(),
            kind: kind.to_vec(),
        };
        self.add_mount(mount)
    }

    /// Mounts /proc.
    pub fn mount_proc(&mut self, path: &[u8], flags: MountFlags) -> Result<Place, Errno> {
        let at = self.mount_point(path)?;
        let root = self.dentries.add_root(Body::Proc(ProcNode::Root));
        let (source, kind) = (b"proc".to_vec(), b"proc".to_vec());
        self.add_mount(Mount {
            root,
            at: Some(at),
            flags,
            device: PROC_DEVICE,
            source,
            kind,
        })
    }

    /// Lets an existing file or folder appear at an absolute path too, with everything mounted below it. The source is found
    /// as `fstatat` finds it (with `AT_EMPTY_PATH` and an empty path it is the descriptor itself); the flags can only take away:
    /// what the source's mount forbids stays forbidden.
    pub fn bind(
        &mut self,
        cx: &Context<'_>,
        source: (i32, &[u8], u32),
        target: &[u8],
        flags: MountFlags,
    ) -> Result<Place, Errno> {
        let source = match self.find_or_fd(cx, source.0, source.1, source.2, true)? {
            Found::Place(place) => place,
            Found::File(file) => self.file(file)?.place.ok_or(Errno::EINVAL)?,
        };
        let at = self.mount_point(target)?;
        let place = self.bind_place(source, at, flags)?;
        // Mounts below the source, outermost first, at the same places of the copy.
        let mut pairs = Vec::from([(source, place.mount)]);
        while let Some((from, copy)) = pairs.pop() {
            let below: Vec<(MountId, Place, Place)> = self
                .mounts
                .iter()
                .filter_map(|(id, mount)| {
                    Some((
                        id,
                        mount.at?,
                        Place {
                            mount: id,
                            dentry: mount.root,
                        },
                    ))
                })
                .filter(|(id, at, _)| {
                    *id != copy
                        && at.mount == from.mount
                        && self.dentries.lies_within(at.dentry, from.dentry)
                })
                .collect();
            for (_, at, root) in below.into_iter().filter(|(_, at, _)| *at != from) {
                let made = self.bind_place(
                    root,
                    Place {
                        mount: copy,
                        dentry: at.dentry,
                    },
                    flags,
                )?;
                pairs.push((root, made.mount));
            }
        }
        Ok(place)
    }

    fn bind_place(&mut self, source: Place, at: Place, flags: MountFlags) -> Result<Place, Errno> {
        let from = self.mounts.get(source.mount).ok_or(Errno::EINVAL)?;
        let flags = MountFlags {
            read_only: flags.read_only || from.flags.read_only,
            devices: flags.devices && from.flags.devices,
            no_exec: flags.no_exec || from.flags.no_exec,
            no_suid: flags.no_suid || from.flags.no_suid,
        };
        let mount = Mount {
            root: source.dentry,
            at: Some(at),
            flags,
            device: from.device,
            source: from.source.clone(),
            kind: from.kind.clone(),
        };
        self.add_mount(mount)
    }

    pub(crate) fn add_mount(&mut self, mount: Mount) -> Result<Place, Errno> {
        let (root, at) = (mount.root, mount.at);
        self.dentries.hold(root);
        if let Some(at) = at {
            self.hold(at);
        }
        let mount = self.mounts.add(mount).ok_or(Errno::ENOMEM)?;
        Ok(Place {
            mount,
            dentry: root,
        })
    }

    /// Takes the mount away whose root is at this path. `EINVAL` if there is none, `EBUSY` if something is mounted below it.
    pub fn unmount(&mut self, path: &[u8]) -> Result<(), Errno> {
        let place = self.walk_plain(path, false)?;
        let place = self.mounts.top(place);
        let is_root = self
            .mounts
            .get(place.mount)
            .is_some_and(|mount| mount.root == place.dentry && mount.at.is_some());
        if !is_root {
            return Err(Errno::EINVAL);
        }
        if self.mounts.has_children(place.mount) {
            return Err(Errno::EBUSY);
        }
        if let Some(mount) = self.mounts.remove(place.mount) {
            self.release(place);
            if let Some(at) = mount.at {
                self.release(at);
            }
        }
        Ok(())
    }

    /// Changes what may not be done through the mount at this path; it can only take away. `EINVAL` if there is none.
    pub fn restrict(&mut self, path: &[u8], flags: MountFlags) -> Result<(), Errno> {
        let place = self.walk_plain(path, false)?;
        let place = self.mounts.top(place);
        let mount = self
            .mounts
            .get(place.mount)
            .filter(|mount| mount.root == place.dentry)
            .ok_or(Errno::EINVAL)?;
        let old = mount.flags;
        let flags = MountFlags {
            read_only: old.read_only || flags.read_only,
            devices: old.devices && flags.devices,
            no_exec: old.no_exec || flags.no_exec,
            no_suid: old.no_suid || flags.no_suid,
        };
        self.mounts.set_flags(place.mount, flags);
        Ok(())
    }

    /// The place where something is to be mounted, on top of what is there.
    pub(crate) fn mount_point(&mut self, path: &[u8]) -> Result<Place, Errno> {
        let place = self.walk_plain(path, true)?;
        Ok(self.mounts.top(place))
    }

    /// A child outside of /proc, without a caller.
    pub(crate) fn child_of(&mut self, dir: Place, name: &[u8]) -> Result<Place, Errno> {
        let at = |dentry| Place {
            mount: dir.mount,
            dentry,
        };
        if let Some(known) = self.dentries.child(dir.dentry, name) {
            return Ok(at(known));
        }
        match self.dentries.body(dir.dentry) {
            Body::Node {
                server,
                handle,
                kind: Kind::Directory,
                ..
            } => {
                let node = self.server(server)?.walk(handle, name)?;
                Ok(at(self.dentries.add(
                    dir.dentry,
                    name,
                    node_body(server, &node),
                )))
            }
            Body::Phantom => Err(Errno::ENOENT),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// Walks an absolute path from the namespace's root, following links; `phantoms` makes what is missing.
    fn walk_plain(&mut self, path: &[u8], phantoms: bool) -> Result<Place, Errno> {
        if path.first() != Some(&b'/') {
            return Err(Errno::EINVAL);
        }
        let mut rest: Vec<Vec<u8>> = components(path);
        let mut links = 0;
        let mut stack = Vec::from([self.root]);
        while let Some(name) = rest.pop() {
            if name == b".." {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            }
            check_name(&name).map_err(Errno::from)?;
            let dir = stack.last().copied().unwrap_or(self.root);
            let dir = self.mounts.top(dir);
            let place = match self.child_of(dir, &name) {
                Err(Errno::ENOENT) if phantoms => Place {
                    mount: dir.mount,
                    dentry: self.dentries.add(dir.dentry, &name, Body::Phantom),
                },
                other => other?,
            };
            let Body::Node {
                server,
                handle,
                kind: Kind::Symlink,
                ..
            } = self.dentries.body(place.dentry)
            else {
                stack.push(place);
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::ELOOP);
            }
            let text = self
                .server(server)?
                .readlink(handle)
                .map_err(|_: FileError| Errno::EIO)?;
            if text.first() == Some(&b'/') {
                stack.truncate(1);
            }
            rest.extend(components(&text));
        }
        Ok(stack.pop().unwrap_or(self.root))
    }
}

/// The names of a path, last first, without empty ones and dots.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
        .rev()
        .collect()
}
