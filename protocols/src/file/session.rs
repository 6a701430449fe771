//! A server's side of one client: decodes requests, keeps the client's handles apart from all others', answers.

use super::wire::{DataArea, MAX_DATA, Message, Reply, Request, Span};
use super::{Created, FileError, FileServer, Handle, NAME_MAX, Node, Result, Table};
use alloc::vec;
use alloc::vec::Vec;

/// Longest text of a symbolic link that is passed on.
const MAX_TEXT: usize = 4096;

/// One client of a file server. A server program keeps one for each badge.
pub struct Session {
    /// The tree that this client may attach to.
    tree: Vec<u8>,
    /// Its handles; what stands behind them is the server's handle.
    handles: Table<Handle>,
}

impl Session {
    /// A client that may attach to `tree` (a name for the server's `attach`) and hold `limit` handles.
    pub fn new(tree: &[u8], limit: usize) -> Session {
        Session {
            tree: tree.to_vec(),
            handles: Table::new(limit),
        }
    }

    /// Serves one request; any words are safe.
    pub fn serve(
        &mut self,
        server: &mut dyn FileServer,
        request: &[u64],
        area: &mut dyn DataArea,
    ) -> Message {
        let reply = Request::decode(request).and_then(|request| self.act(server, request, area));
        reply.unwrap_or_else(Reply::Error).encode()
    }

    /// The client is gone: gives its handles back.
    pub fn end(&mut self, server: &mut dyn FileServer) {
        let handles: Vec<u32> = self.handles.iter().map(|(number, _)| number).collect();
        for handle in handles
            .into_iter()
            .filter_map(|number| self.handles.remove(number))
        {
            server.clunk(handle);
        }
    }

    /// The server's handle behind one of the client's.
    ///
    /// # Errors
    /// `EBADF` if the client has none with this number.
    pub fn own(&self, handle: Handle) -> Result<Handle> {
        self.handles.get(handle.0).copied().ok_or(FileError::EBADF)
    }

    /// Gives the client a number for a server's handle; takes the handle back if the client has too many.
    fn hand_out(&mut self, server: &mut dyn FileServer, handle: Handle) -> Result<Handle> {
        self.handles.insert(handle).map(Handle).map_err(|handle| {
            server.clunk(handle);
            FileError::EMFILE
        })
    }

    fn node(&mut self, server: &mut dyn FileServer, node: Node) -> Result<Reply> {
        let handle = self.hand_out(server, node.handle)?;
        Ok(Reply::Node(Node {
            handle,
            attr: node.attr,
        }))
    }

    fn act(
        &mut self,
        server: &mut dyn FileServer,
        request: Request,
        area: &mut dyn DataArea,
    ) -> Result<Reply> {
        match request {
            Request::Attach { tree } if tree.length != 0 => Err(FileError::ENOENT),
            Request::Attach { .. } => {
                let node = server.attach(&self.tree)?;
                self.node(server, node)
            }
            Request::Walk { dir, name } => {
                let node = server.walk(self.own(dir)?, &fetch_name(area, name)?)?;
                self.node(server, node)
            }
            Request::Open { node, flags } => {
                let open = server.open(self.own(node)?, flags)?;
                Ok(Reply::Handle(self.hand_out(server, open)?))
            }
            Request::Create {
                dir,
                name,
                flags,
                mode,
                owner,
            } => {
                let made =
                    server.create(self.own(dir)?, &fetch_name(area, name)?, flags, mode, owner)?;
                let open = match self.hand_out(server, made.open) {
                    Ok(open) => open,
                    Err(error) => {
                        server.clunk(made.node.handle);
                        return Err(error);
                    }
                };
                let handle = self.hand_out(server, made.node.handle)?;
                Ok(Reply::Created(Created {
                    node: Node {
                        handle,
                        attr: made.node.attr,
                    },
                    open,
                }))
            }
            Request::Symlink {
                dir,
                name,
                target,
                owner,
            } => {
                let text = fetch(area, target, MAX_TEXT)?;
                let node =
                    server.symlink(self.own(dir)?, &fetch_name(area, name)?, &text, owner)?;
                self.node(server, node)
            }
            Request::Mkdir {
                dir,
                name,
                mode,
                owner,
            } => {
                let node = server.mkdir(self.own(dir)?, &fetch_name(area, name)?, mode, owner)?;
                self.node(server, node)
            }
            Request::Mknod {
                dir,
                name,
                kind,
                mode,
                device,
                owner,
            } => {
                let node = server.mknod(
                    self.own(dir)?,
                    &fetch_name(area, name)?,
                    kind,
                    mode,
                    device,
                    owner,
                )?;
                self.node(server, node)
            }
            Request::Clunk { handle } => {
                server.clunk(self.handles.remove(handle.0).ok_or(FileError::EBADF)?);
                Ok(Reply::Done)
            }
            other => self.act_on_data(server, other, area),
        }
    }

    /// Requests that make no handles.
    fn act_on_data(
        &self,
        server: &mut dyn FileServer,
        request: Request,
        area: &mut dyn DataArea,
    ) -> Result<Reply> {
        match request {
            Request::Read { file, offset, into } => {
                let mut buffer = vec![0; into.length.min(MAX_DATA) as usize];
                let count = server.read(self.own(file)?, offset, &mut buffer)?;
                deliver(area, into, &buffer[..count])
            }
            Request::Write { file, offset, from } => {
                let from = Span {
                    length: from.length.min(MAX_DATA),
                    ..from
                };
                let data = fetch(area, from, MAX_DATA as usize)?;
                Ok(Reply::Number(
                    server.write(self.own(file)?, offset, &data)? as u64
                ))
            }
            Request::Getattr { node } => Ok(Reply::Attr(server.getattr(self.own(node)?)?)),
            Request::Setattr { node, set } => {
                server.setattr(self.own(node)?, &set).map(|()| Reply::Done)
            }
            Request::Readdir { dir, cookie, into } => {
                let room = into.length.min(MAX_DATA) as usize;
                let mut packed = Vec::new();
                let mut missed = false;
                server.readdir(self.own(dir)?, cookie, &mut |entry| {
                    missed = packed.len() + 18 + entry.name.len() > room;
                    if !missed {
                        packed.extend_from_slice(&entry.id.to_le_bytes());
                        packed.extend_from_slice(&entry.next.to_le_bytes());
                        packed.extend_from_slice(&[entry.kind as u8, entry.name.len() as u8]);
                        packed.extend_from_slice(entry.name);
                    }
                    !missed
                })?;
                if missed && packed.is_empty() {
                    return Err(FileError::EINVAL);
                }
                deliver(area, into, &packed)
            }
            Request::Readlink { node, into } => {
                deliver(area, into, &server.readlink(self.own(node)?)?)
            }
            Request::Link { node, dir, name } => server
                .link(self.own(node)?, self.own(dir)?, &fetch_name(area, name)?)
                .map(|()| Reply::Done),
            Request::Unlink {
                dir,
                name,
                directory,
            } => server
                .unlink(self.own(dir)?, &fetch_name(area, name)?, directory)
                .map(|()| Reply::Done),
            Request::Rename {
                from,
                name,
                to,
                new,
                flags,
            } => {
                let (old, new) = (fetch_name(area, name)?, fetch_name(area, new)?);
                server
                    .rename(self.own(from)?, &old, self.own(to)?, &new, flags)
                    .map(|()| Reply::Done)
            }
            Request::Fsync { file, data_only } => server
                .fsync(self.own(file)?, data_only)
                .map(|()| Reply::Done),
            Request::Statfs { node } => Ok(Reply::StatFs(server.statfs(self.own(node)?)?)),
            Request::Allocate {
                file,
                how,
                offset,
                length,
            } => server
                .allocate(self.own(file)?, how, offset, length)
                .map(|()| Reply::Done),
            Request::Seek { file, offset, hole } => {
                Ok(Reply::Number(server.seek(self.own(file)?, offset, hole)?))
            }
            _ => Err(FileError::EINVAL),
        }
    }
}

fn fetch(area: &dyn DataArea, span: Span, limit: usize) -> Result<Vec<u8>> {
    if span.length as usize > limit {
        return Err(FileError::ENAMETOOLONG);
    }
    let mut bytes = vec![0; span.length as usize];
    if area.copy_out(span.offset, &mut bytes) {
        Ok(bytes)
    } else {
        Err(FileError::EINVAL)
    }
}

fn fetch_name(area: &dyn DataArea, span: Span) -> Result<Vec<u8>> {
    fetch(area, span, NAME_MAX)
}

/// Puts an answer where the client wants it. `EINVAL` if that is not in the area or too small.
fn deliver(area: &mut dyn DataArea, into: Span, bytes: &[u8]) -> Result<Reply> {
    let fits = bytes.len() <= into.length as usize && area.copy_in(into.offset, bytes);
    if fits {
        Ok(Reply::Number(bytes.len() as u64))
    } else {
        Err(FileError::EINVAL)
    }
}
