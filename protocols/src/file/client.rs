//! A client's side of a file server that is elsewhere: a [`FileServer`] that sends each operation over the wire.

use super::wire::{DataArea, MAX_DATA, Message, Reply, Request, Span};
use super::{
    Allocate, Attr, Created, DirEntry, FileError, FileServer, Handle, Kind, Node, OpenFlags, Owner,
    RenameFlags, Result, SetAttr, StatFs, check_name,
};
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of the shared area that a client uses if its transport says nothing else: what one request moves at most.
pub const AREA_SIZE: u32 = MAX_DATA;
/// Longest text of a symbolic link that is asked for.
const MAX_TEXT: usize = 4096;

/// Carries messages to one server and back.
pub trait Transport: Send {
    /// Sends a request and waits for the reply; `None` if the server is gone.
    fn call(&mut self, request: &Message) -> Option<Message>;
    /// The memory that both see, at least [`Transport::room`] bytes.
    fn area(&mut self) -> &mut dyn DataArea;
    /// The most bytes that names and data of one request take together.
    fn room(&self) -> u32 {
        AREA_SIZE
    }
    /// Where the next `length` bytes of a request or its answer go, `at` bytes behind its first one. `length` and `at` are together at
    /// most the room. Usually the beginning of the area; a ring goes on behind the last request.
    fn place(&mut self, at: u32, length: u32) -> u32 {
        let _ = length;
        at
    }
}

/// A file tree at the other end of a transport. What the server says is checked like a stranger's word.
pub struct Client<T> {
    transport: T,
}

impl<T: Transport> Client<T> {
    /// Talks over this transport.
    pub fn new(transport: T) -> Client<T> {
        Client { transport }
    }

    /// The transport.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    fn call(&mut self, request: Request) -> Result<Reply> {
        match self.transport.call(&request.encode()) {
            Some(message) => match Reply::decode(message.words()) {
                Reply::Error(error) => Err(error),
                reply => Ok(reply),
            },
            None => Err(FileError::EIO),
        }
    }

    fn done(&mut self, request: Request) -> Result<()> {
        match self.call(request)? {
            Reply::Done => Ok(()),
            _ => Err(FileError::EIO),
        }
    }

    fn node(&mut self, request: Request) -> Result<Node> {
        match self.call(request)? {
            Reply::Node(node) => Ok(node),
            _ => Err(FileError::EIO),
        }
    }

    /// A count that must not be above `limit`.
    fn count(&mut self, request: Request, limit: usize) -> Result<usize> {
        match self.call(request)? {
            Reply::Number(count) if count <= limit as u64 => Ok(count as usize),
            _ => Err(FileError::EIO),
        }
    }

    /// Sets a place for `length` bytes aside, `at` bytes behind the first one of this request.
    fn place(&mut self, at: u32, length: usize) -> Result<Span> {
        let length = u32::try_from(length).map_err(|_| FileError::ENAMETOOLONG)?;
        let end = at.checked_add(length);
        if end.is_none_or(|end| end > self.transport.room()) {
            return Err(FileError::ENAMETOOLONG);
        }
        Ok(Span {
            offset: self.transport.place(at, length),
            length,
        })
    }

    fn put(&mut self, at: u32, bytes: &[u8]) -> Result<Span> {
        let span = self.place(at, bytes.len())?;
        if self.transport.area().copy_in(span.offset, bytes) {
            Ok(span)
        } else {
            Err(FileError::EIO)
        }
    }

    fn name(&mut self, name: &[u8]) -> Result<Span> {
        check_name(name)?;
        self.put(0, name)
    }

    fn take(&mut self, from: Span, into: &mut [u8]) -> Result<()> {
        if self.transport.area().copy_out(from.offset, into) {
            Ok(())
        } else {
            Err(FileError::EIO)
        }
    }

    /// The most bytes of data that one request moves.
    fn most(&self) -> usize {
        self.transport.room().min(MAX_DATA) as usize
    }
}

/// One entry of a packed listing, and what follows.
fn unpack(packed: &[u8]) -> Option<(DirEntry<'_>, &[u8])> {
    let (id, rest) = packed.split_first_chunk()?;
    let (next, rest) = rest.split_first_chunk()?;
    let (&[kind, length], rest) = rest.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked(usize::from(length))?;
    check_name(name).ok()?;
    let kind = Kind::from_number(kind)?;
    Some((
        DirEntry {
            id: u64::from_le_bytes(*id),
            next: u64::from_le_bytes(*next),
            kind,
            name,
        },
        rest,
    ))
}

impl<T: Transport> FileServer for Client<T> {
    fn attach(&mut self, tree: &[u8]) -> Result<Node> {
        let tree = self.put(0, tree)?;
        self.node(Request::Attach { tree })
    }

    fn walk(&mut self, dir: Handle, name: &[u8]) -> Result<Node> {
        let name = self.name(name)?;
        self.node(Request::Walk { dir, name })
    }

    fn open(&mut self, node: Handle, flags: OpenFlags) -> Result<Handle> {
        match self.call(Request::Open { node, flags })? {
            Reply::Handle(handle) => Ok(handle),
            _ => Err(FileError::EIO),
        }
    }

    fn create(
        &mut self,
        dir: Handle,
        name: &[u8],
        flags: OpenFlags,
        mode: u32,
        owner: Owner,
    ) -> Result<Created> {
        let name = self.name(name)?;
        match self.call(Request::Create {
            dir,
            name,
            flags,
            mode,
            owner,
        })? {
            Reply::Created(created) => Ok(created),
            _ => Err(FileError::EIO),
        }
    }

    fn read(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        let length = into.len().min(self.most());
        let span = self.place(0, length)?;
        let count = self.count(
            Request::Read {
                file,
                offset,
                into: span,
            },
            length,
        )?;
        self.take(span, &mut into[..count])?;
        Ok(count)
    }

    fn write(&mut self, file: Handle, offset: u64, from: &[u8]) -> Result<usize> {
        let length = from.len().min(self.most());
        let from = self.put(0, &from[..length])?;
        self.count(Request::Write { file, offset, from }, length)
    }

    fn getattr(&mut self, node: Handle) -> Result<Attr> {
        match self.call(Request::Getattr { node })? {
            Reply::Attr(attr) => Ok(attr),
            _ => Err(FileError::EIO),
        }
    }

    fn setattr(&mut self, node: Handle, set: &SetAttr) -> Result<()> {
        self.done(Request::Setattr { node, set: *set })
    }

    fn readdir(
        &mut self,
        dir: Handle,
        cookie: u64,
        entry: &mut dyn FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        // More than any buffer holds: a server whose listing never ends cannot keep us here.
        const BATCHES: usize = 1024;
        let mut cookie = cookie;
        for _ in 0..BATCHES {
            let most = self.most();
            let into = self.place(0, most)?;
            let count = self.count(Request::Readdir { dir, cookie, into }, most)?;
            if count == 0 {
                return Ok(());
            }
            let mut packed = vec![0; count];
            self.take(into, &mut packed)?;
            let mut rest = &packed[..];
            while !rest.is_empty() {
                let (found, after) = unpack(rest).ok_or(FileError::EIO)?;
                cookie = found.next;
                if !entry(found) {
                    return Ok(());
                }
                rest = after;
            }
        }
        Err(FileError::EIO)
    }

    fn readlink(&mut self, node: Handle) -> Result<Vec<u8>> {
        let most = self.most().min(MAX_TEXT);
        let into = self.place(0, most)?;
        let count = self.count(Request::Readlink { node, into }, most)?;
        let mut text = vec![0; count];
        self.take(into, &mut text)?;
        Ok(text)
    }

    fn symlink(&mut self, dir: Handle, name: &[u8], target: &[u8], owner: Owner) -> Result<Node> {
        let name = self.name(name)?;
        if target.len() > MAX_TEXT {
            return Err(FileError::ENAMETOOLONG);
        }
        let target = self.put(name.length, target)?;
        self.node(Request::Symlink {
            dir,
            name,
            target,
            owner,
        })
    }

    fn mkdir(&mut self, dir: Handle, name: &[u8], mode: u32, owner: Owner) -> Result<Node> {
        let name = self.name(name)?;
        self.node(Request::Mkdir {
            dir,
            name,
            mode,
            owner,
        })
    }

    fn mknod(
        &mut self,
        dir: Handle,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: u64,
        owner: Owner,
    ) -> Result<Node> {
        let name = self.name(name)?;
        self.node(Request::Mknod {
            dir,
            name,
            kind,
            mode,
            device,
            owner,
        })
    }

    fn link(&mut self, node: Handle, dir: Handle, name: &[u8]) -> Result<()> {
        let name = self.name(name)?;
        self.done(Request::Link { node, dir, name })
    }

    fn unlink(&mut self, dir: Handle, name: &[u8], directory: bool) -> Result<()> {
        let name = self.name(name)?;
        self.done(Request::Unlink {
            dir,
            name,
            directory,
        })
    }

    fn rename(
        &mut self,
        from: Handle,
        name: &[u8],
        to: Handle,
        new: &[u8],
        flags: RenameFlags,
    ) -> Result<()> {
        check_name(new)?;
        let name = self.name(name)?;
        let new = self.put(name.length, new)?;
        self.done(Request::Rename {
            from,
            name,
            to,
            new,
            flags,
        })
    }

    fn fsync(&mut self, file: Handle, data_only: bool) -> Result<()> {
        self.done(Request::Fsync { file, data_only })
    }

    fn statfs(&mut self, node: Handle) -> Result<StatFs> {
        match self.call(Request::Statfs { node })? {
            Reply::StatFs(statfs) => Ok(statfs),
            _ => Err(FileError::EIO),
        }
    }

    fn clunk(&mut self, handle: Handle) {
        // A server that does not know the handle has nothing to give back.
        let _ = self.done(Request::Clunk { handle });
    }

    fn allocate(&mut self, file: Handle, how: Allocate, offset: u64, length: u64) -> Result<()> {
        self.done(Request::Allocate {
            file,
            how,
            offset,
            length,
        })
    }

    fn seek(&mut self, file: Handle, offset: u64, hole: bool) -> Result<u64> {
        match self.call(Request::Seek { file, offset, hole })? {
            Reply::Number(offset) => Ok(offset),
            _ => Err(FileError::EIO),
        }
    }
}
