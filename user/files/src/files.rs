//! A client's files: paths resolve in its own table of names, and the server of that subtree walks the rest.
//!
//! Symbolic links are not followed: a path that goes through one is refused with `ELOOP`.

use crate::connection::{Caller, Connection, Remote};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_namespace::{Namespace, PathError};
use sundog_protocols::file::{
    Attr, Client, FileError, FileServer, Handle, Kind, OpenFlags, Owner, RenameFlags, Result,
    StatFs,
};
use sundog_rt::Environment;
use sundog_rt::cap::Error;
use sundog_rt::ring::{Mapped, Memory};

/// An open file. It is given back by [`Files::close`], not by dropping it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File {
    slot: u32,
    handle: Handle,
    life: u32,
}

impl File {
    /// The server's number for it, which means something in this client's session only.
    pub fn handle(&self) -> Handle {
        self.handle
    }
}

/// An entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
}

struct Server<C, M> {
    client: Client<Connection<C, M>>,
    /// The root of its tree, and in which of the server's lives it was had.
    root: Option<(Handle, u32)>,
}

/// The files of one program.
pub struct Files<C, M> {
    names: Namespace,
    servers: BTreeMap<u32, Server<C, M>>,
}

impl Files<Remote, Mapped> {
    /// The names that the parent gave, and behind each the server whose endpoint `E` comes with a ring `E-data`. `patience`: TSC ticks
    /// after which a call is given up.
    ///
    /// # Errors
    /// Those of mapping; `InvalidArgument` if a name has no ring or is no path.
    pub fn given(
        environment: &mut Environment,
        patience: Option<u64>,
    ) -> core::result::Result<Files<Remote, Mapped>, Error> {
        let start = environment.start.clone();
        let rows = start
            .names()
            .map(|name| (name.prefix, name.slot, name.create));
        let names = Namespace::filled(rows, start.sealed).map_err(|_| Error::InvalidArgument)?;
        let mut files = Files::new(names);
        for slot in start.names().map(|name| name.slot) {
            if files.servers.contains_key(&slot) {
                continue;
            }
            files.add(slot, Connection::given(environment, slot, patience)?);
        }
        Ok(files)
    }
}

fn of_path(error: sundog_namespace::Error) -> FileError {
    match error {
        sundog_namespace::Error::NotBound => FileError::ENOENT,
        sundog_namespace::Error::Path(PathError::TooLong) => FileError::ENAMETOOLONG,
        _ => FileError::EINVAL,
    }
}

impl<C: Caller, M: Memory + Send> Server<C, M> {
    fn life(&mut self) -> u32 {
        self.client.transport().life()
    }

    /// What an operation gave that used handles of the server's life `life`: they were a dead server's if it is another by now.
    fn checked<T>(&mut self, life: u32, result: Result<T>) -> Result<T> {
        if self.life() == life {
            result
        } else {
            Err(FileError::ESTALE)
        }
    }

    fn root(&mut self) -> Result<(Handle, u32)> {
        let life = self.life();
        if let Some(root) = self.root.filter(|(_, known)| *known == life) {
            return Ok(root);
        }
        let node = self.client.attach(b"")?;
        let root = (node.handle, self.life());
        self.root = Some(root);
        Ok(root)
    }

    /// Walks down from the root; what it gives is the caller's to give back, unless the path is empty.
    fn walk(&mut self, path: &str) -> Result<(Handle, u32)> {
        let (root, life) = self.root()?;
        let mut at = root;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let next = self.client.walk(at, name.as_bytes());
            let next = self.checked(life, next);
            self.give_back(at);
            let next = next?;
            if next.attr.kind == Kind::Symlink {
                self.give_back(next.handle);
                return Err(FileError::ELOOP);
            }
            at = next.handle;
        }
        Ok((at, life))
    }

    fn give_back(&mut self, handle: Handle) {
        if self.root.is_none_or(|(root, _)| root != handle) {
            self.client.clunk(handle);
        }
    }

    /// Does something at the node of a path.
    fn at<T>(
        &mut self,
        path: &str,
        work: impl FnOnce(&mut Client<Connection<C, M>>, Handle) -> Result<T>,
    ) -> Result<(T, u32)> {
        let (node, life) = self.walk(path)?;
        let done = work(&mut self.client, node);
        let done = self.checked(life, done);
        if !matches!(done, Err(FileError::ESTALE)) {
            self.give_back(node);
        }
        Ok((done?, life))
    }
}

/// A path's folder and its last name.
fn parent(path: &str) -> Result<(&str, &[u8])> {
    match path.rsplit_once('/') {
        Some((folder, name)) => Ok((folder, name.as_bytes())),
        // The name of a tree itself.
        None if path.is_empty() => Err(FileError::EBUSY),
        None => Ok(("", path.as_bytes())),
    }
}

impl<C: Caller, M: Memory + Send> Files<C, M> {
    /// These names, and no servers yet.
    pub fn new(names: Namespace) -> Files<C, M> {
        Files {
            names,
            servers: BTreeMap::new(),
        }
    }

    /// The server behind the endpoint in `slot`.
    pub fn add(&mut self, slot: u32, connection: Connection<C, M>) {
        let client = Client::new(connection);
        self.servers.insert(slot, Server { client, root: None });
    }

    /// The table of names.
    pub fn names(&mut self) -> &mut Namespace {
        &mut self.names
    }

    /// The connection to the server behind the endpoint in `slot`.
    pub fn connection(&mut self, slot: u32) -> Option<&mut Client<Connection<C, M>>> {
        self.servers.get_mut(&slot).map(|server| &mut server.client)
    }

    fn server(&mut self, slot: u32) -> Result<&mut Server<C, M>> {
        self.servers.get_mut(&slot).ok_or(FileError::ENODEV)
    }

    /// The servers that a path may mean, in order, and the path below their roots.
    fn resolve(&self, path: &str) -> Result<(Vec<u32>, String)> {
        let found = self.names.resolve(path).map_err(of_path)?;
        let members = found.binding.members().iter();
        Ok((members.map(|member| member.slot).collect(), found.rest))
    }

    /// The server in which a path is made: the first that says so.
    fn resolve_new(&self, path: &str) -> Result<(u32, String)> {
        let found = self.names.resolve(path).map_err(of_path)?;
        let mut members = found.binding.members().iter();
        let member = members.find(|member| member.create);
        Ok((member.ok_or(FileError::EROFS)?.slot, found.rest))
    }

    /// Does something at the first of a path's servers that has it.
    fn first<T>(
        &mut self,
        path: &str,
        mut work: impl FnMut(&mut Client<Connection<C, M>>, Handle) -> Result<T>,
    ) -> Result<(T, u32, u32)> {
        let (slots, rest) = self.resolve(path)?;
        for slot in slots {
            match self.server(slot)?.at(&rest, &mut work) {
                Err(FileError::ENOENT) => {}
                done => return done.map(|(done, life)| (done, slot, life)),
            }
        }
        Err(FileError::ENOENT)
    }

    /// Does something in the folder in which a path is made.
    fn in_folder<T>(
        &mut self,
        path: &str,
        work: impl FnOnce(&mut Client<Connection<C, M>>, Handle, &[u8]) -> Result<T>,
    ) -> Result<(T, u32, u32)> {
        let (slot, rest) = self.resolve_new(path)?;
        let (folder, name) = parent(&rest)?;
        let server = self.server(slot)?;
        let (done, life) = server.at(folder, |client, folder| work(client, folder, name))?;
        Ok((done, slot, life))
    }

    /// Opens what is there.
    ///
    /// # Errors
    /// Those of the server; `ENOENT` if no name covers the path; `ESTALE` if the server was replaced meanwhile.
    pub fn open(&mut self, path: &str, flags: OpenFlags) -> Result<File> {
        let (handle, slot, life) = self.first(path, |client, node| client.open(node, flags))?;
        Ok(File { slot, handle, life })
    }

    /// Makes a regular file and opens it.
    ///
    /// # Errors
    /// As [`Files::open`]; `EEXIST`.
    pub fn create(&mut self, path: &str, flags: OpenFlags, mode: u32) -> Result<File> {
        let made = self.in_folder(path, |client, folder, name| {
            let made = client.create(folder, name, flags, mode, Owner::default())?;
            client.clunk(made.node.handle);
            Ok(made.open)
        });
        made.map(|(handle, slot, life)| File { slot, handle, life })
    }

    /// Does something with an open file.
    fn with<T>(
        &mut self,
        file: &File,
        work: impl FnOnce(&mut Client<Connection<C, M>>, Handle) -> Result<T>,
    ) -> Result<T> {
        let server = self.server(file.slot)?;
        if server.life() != file.life {
            return Err(FileError::ESTALE);
        }
        let done = work(&mut server.client, file.handle);
        server.checked(file.life, done)
    }

    /// Reads at an offset until `into` is full or the file ends; how many bytes.
    ///
    /// # Errors
    /// Those of the server; `ESTALE` if it was replaced since the file was opened.
    pub fn read(&mut self, file: &File, offset: u64, into: &mut [u8]) -> Result<usize> {
        self.with(file, |client, handle| {
            let mut done = 0;
            while done < into.len() {
                match client.read(handle, offset + done as u64, &mut into[done..])? {
                    0 => break,
                    count => done += count,
                }
            }
            Ok(done)
        })
    }

    /// Writes all of `from` at an offset, or as much as there is room for; how many bytes.
    ///
    /// # Errors
    /// As [`Files::read`]; an error only if not a byte was written.
    pub fn write(&mut self, file: &File, offset: u64, from: &[u8]) -> Result<usize> {
        self.with(file, |client, handle| {
            let mut done = 0;
            while done < from.len() {
                match client.write(handle, offset + done as u64, &from[done..]) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(error) if done == 0 => return Err(error),
                    Err(_) => break,
                }
            }
            Ok(done)
        })
    }

    /// Gives an open file back.
    pub fn close(&mut self, file: File) {
        // What a dead server knew is gone with it.
        let _ = self.with(&file, |client, handle| {
            client.clunk(handle);
            Ok(())
        });
    }

    /// What is known about a path.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn stat(&mut self, path: &str) -> Result<Attr> {
        let found = self.first(path, |client, node| client.getattr(node));
        found.map(|(attr, ..)| attr)
    }

    /// How full the tree is that a path lies in.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn room(&mut self, path: &str) -> Result<StatFs> {
        let found = self.first(path, |client, node| client.statfs(node));
        found.map(|(room, ..)| room)
    }

    /// Lists a folder: what its server has there, and the names of the table that lie directly below.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn list(&mut self, path: &str) -> Result<Vec<Entry>> {
        let (mut entries, ..) = self.first(path, |client, node| {
            let open = client.open(node, OpenFlags::READ)?;
            let mut entries = Vec::new();
            let listed = client.readdir(open, 0, &mut |entry| {
                entries.push(Entry {
                    name: entry.name.to_vec(),
                    kind: entry.kind,
                });
                true
            });
            client.clunk(open);
            listed.map(|()| entries)
        })?;
        let folder = sundog_namespace::clean(path).map_err(|_| FileError::EINVAL)?;
        let folder = folder.trim_end_matches('/');
        for binding in self.names.below(path).map_err(of_path)? {
            let name = binding.prefix()[folder.len()..].trim_start_matches('/');
            let known = |entry: &Entry| entry.name == name.as_bytes();
            if !name.contains('/') && !entries.iter().any(known) {
                entries.push(Entry {
                    name: name.into(),
                    kind: Kind::Directory,
                });
            }
        }
        Ok(entries)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`Files::create`].
    pub fn make_folder(&mut self, path: &str, mode: u32) -> Result<()> {
        let made = self.in_folder(path, |client, folder, name| {
            let made = client.mkdir(folder, name, mode, Owner::default())?;
            client.clunk(made.handle);
            Ok(())
        });
        made.map(|_| ())
    }

    /// Takes a name away; `folder` says that it is a folder's.
    ///
    /// # Errors
    /// As [`Files::open`]; `EISDIR`, `ENOTDIR`, `ENOTEMPTY`.
    pub fn remove(&mut self, path: &str, folder: bool) -> Result<()> {
        let removed = self.in_folder(path, |client, dir, name| client.unlink(dir, name, folder));
        removed.map(|_| ())
    }

    /// Moves a name within one tree.
    ///
    /// # Errors
    /// As [`Files::open`]; `EXDEV` for two trees.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let ((slot, from), (other, to)) = (self.resolve_new(from)?, self.resolve_new(to)?);
        if slot != other {
            return Err(FileError::EXDEV);
        }
        let ((folder, name), (to_folder, new)) = (parent(&from)?, parent(&to)?);
        let server = self.server(slot)?;
        let (target, life) = server.walk(to_folder)?;
        let renamed = server.at(folder, |client, source| {
            client.rename(source, name, target, new, RenameFlags::default())
        });
        let renamed = server.checked(life, renamed);
        if !matches!(renamed, Err(FileError::ESTALE)) {
            server.give_back(target);
        }
        renamed.map(|_| ())
    }
}
