//! A folder or file of the namespace as a file tree for somebody else: nothing above it can be reached, and perhaps nothing changed.

use crate::constants::{AT_FDCWD, O_PATH};
use crate::context::{Context, FileId};
use crate::dentry::{Body, ServerId};
use crate::errno::Errno;
use crate::file::Object;
use crate::mounts::Place;
use crate::numbers::Numbers;
use crate::proc::ProcNode;
use crate::shown::Shown;
use crate::vfs::Vfs;
use alloc::vec::Vec;
use sundog_protocols::file::{FileServer, Handle};

/// A folder or file that is shown to somebody else. It is found once; a later change of the namespace does not move it. What is
/// mounted below it is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    file: FileId,
    server: ServerId,
    root: Handle,
    read_only: bool,
}

/// A part of what is bound: the source itself, or what is mounted below it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its path below the source, without a leading slash; empty for the source.
    pub path: Vec<u8>,
    /// What is there.
    pub what: Bound,
}

/// What is bound at a place.
#[derive(Clone, Debug)]
pub enum Bound {
    /// A tree or a file.
    Tree(Export),
    /// A /proc: whoever sees it has one of his own.
    Proc,
    /// A folder of devices: whoever sees it has one of his own.
    Devices,
}

impl Export {
    /// Whether nothing can be changed through it.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// An exported folder for the time of a request.
pub type Exported<'a> = Shown<&'a mut dyn FileServer, &'a mut Numbers>;

impl Vfs {
    /// Exports a folder or file that the caller can read, and what is mounted below it, outermost first; read only if asked or if its
    /// mount is. With `devices` folders of devices are trees like others. Each export keeps its folder until [`Vfs::end_export`].
    /// `EOPNOTSUPP` for what is in /proc, and what looking it up says.
    pub fn export(
        &mut self,
        cx: &Context<'_>,
        path: &[u8],
        read_only: bool,
        devices: bool,
    ) -> Result<Vec<Part>, Errno> {
        let root = self.find_place(cx, AT_FDCWD, path, true)?;
        self.permission(cx, root, 4)?;
        let mut parts = Vec::new();
        let done = self.export_parts(root, read_only, devices, &mut parts);
        if let Err(error) = done {
            self.end_parts(parts);
            return Err(error);
        }
        Ok(parts)
    }

    fn export_parts(
        &mut self,
        root: Place,
        read_only: bool,
        devices: bool,
        parts: &mut Vec<Part>,
    ) -> Result<(), Errno> {
        let below = self.mounted_below(root);
        // Folders below which all is left out.
        let mut closed: Vec<Vec<u8>> = Vec::new();
        for (path, place) in core::iter::once((Vec::new(), root)).chain(below) {
            if closed.iter().any(|outer| lies_below(&path, outer)) {
                continue;
            }
            let mount = self.mounts.get(place.mount).ok_or(Errno::EIO)?;
            let is_root = mount.root == place.dentry;
            let what =
                if is_root && mount.kind == b"devtmpfs" && self.is_directory(place) && !devices {
                    Bound::Devices
                } else {
                    match self.dentries.body(place.dentry) {
                        Body::Proc(ProcNode::Root) => Bound::Proc,
                        Body::Node { .. } => Bound::Tree(self.export_place(place, read_only)?),
                        // A folder that exists only because something is mounted below it.
                        _ if !path.is_empty() => continue,
                        _ => return Err(Errno::EOPNOTSUPP),
                    }
                };
            if !matches!(what, Bound::Tree(_)) {
                closed.push(path.clone());
            }
            parts.push(Part { path, what });
        }
        Ok(())
    }

    /// What is mounted below a place and not covered by anything: paths from there, and the roots of the mounts.
    fn mounted_below(&self, root: Place) -> Vec<(Vec<u8>, Place)> {
        let mounts = self.mounts.iter().filter_map(|(id, mount)| {
            let top = Place {
                mount: id,
                dentry: mount.root,
            };
            let at = mount.at.filter(|at| self.mounts.top(*at) == top)?;
            Some((self.path_between(root, at)?, top))
        });
        mounts.filter(|(path, _)| !path.is_empty()).collect()
    }

    /// The path from a place to one below it, if nothing on the way is covered.
    fn path_between(&self, root: Place, mut place: Place) -> Option<Vec<u8>> {
        let mut names: Vec<&[u8]> = Vec::new();
        while place != root {
            let mount = self.mounts.get(place.mount)?;
            if mount.root == place.dentry {
                let at = mount.at?;
                if self.mounts.top(at) != place {
                    return None;
                }
                place = at;
                continue;
            }
            let dentry = self.dentries.get(place.dentry)?;
            if dentry.deleted {
                return None;
            }
            names.push(&dentry.name);
            place = Place {
                mount: place.mount,
                dentry: dentry.parent?,
            };
            if place != root && self.mounts.top(place) != place {
                return None;
            }
        }
        names.reverse();
        Some(names.join(&b'/'))
    }

    fn export_place(&mut self, place: Place, read_only: bool) -> Result<Export, Errno> {
        let Body::Node { server, handle, .. } = self.dentries.body(place.dentry) else {
            return Err(Errno::EOPNOTSUPP);
        };
        let file = self.add_file(Object::Path, O_PATH, Some(place))?;
        let read_only = read_only || self.mounts.flags(place.mount).read_only;
        if !read_only {
            // Names can change behind this namespace's back from now on.
            self.written.insert(server);
        }
        Ok(Export {
            file,
            server,
            root: handle,
            read_only,
        })
    }

    /// Gives up what [`Vfs::export`] made.
    pub fn end_parts(&mut self, parts: Vec<Part>) {
        for part in parts {
            if let Bound::Tree(export) = part.what {
                self.end_export(&export);
            }
        }
    }

    /// Numbers for the nodes of an export.
    pub fn numbers(&mut self) -> Numbers {
        let mut key = [0; 8];
        self.random.fill(&mut key);
        Numbers::new(u64::from_le_bytes(key), self.dentries.room)
    }

    /// An export, to serve a request; its nodes go by the numbers of `numbers`, always the same ones.
    pub fn exported<'a>(
        &'a mut self,
        export: &Export,
        numbers: &'a mut Numbers,
    ) -> Result<Exported<'a>, Errno> {
        let files = self.server(export.server)?;
        Ok(Shown::part(files, numbers, export.root, export.read_only))
    }

    /// Gives an export up.
    pub fn end_export(&mut self, export: &Export) {
        self.release_file(export.file);
    }
}

/// Whether a path is another, or below it.
fn lies_below(path: &[u8], outer: &[u8]) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest[0] == b'/')
}
