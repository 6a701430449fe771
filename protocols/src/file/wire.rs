//! The fixed layout of requests and replies in message words, with names and data in a shared area.
//!
//! A request fits into the words of a register message; only replies with attributes are longer. Names and data lie in an area
//! that both sides have mapped; the message says where ([`Span`]). The area is a ring where it is mapped twice in a row: a span may
//! lie across its end. Nobody trusts the other side: decoding any words gives a value or an error, and every span is checked against
//! the area before it is used.

use super::{
    Allocate, Attr, Created, FileError, Handle, Kind, Node, OpenFlags, Owner, RenameFlags, SetAttr,
    StatFs,
};

mod reply;
mod request;

/// Most words of a message of this protocol.
pub const MAX_WORDS: usize = 16;
/// Most words of a request: one fewer than travel in registers, so that whoever carries it can add a word.
pub const REQUEST_WORDS: usize = 7;
/// Most bytes that one request moves.
pub const MAX_DATA: u32 = 64 * 1024;

/// A range of bytes in the shared area.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub offset: u32,
    /// How many bytes.
    pub length: u32,
}

impl Span {
    const fn word(self) -> u64 {
        self.offset as u64 | (self.length as u64) << 32
    }

    const fn from_word(word: u64) -> Span {
        Span {
            offset: word as u32,
            length: (word >> 32) as u32,
        }
    }
}

/// Words of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    words: [u64; MAX_WORDS],
    length: usize,
}

impl Message {
    fn new(words: &[u64]) -> Message {
        let mut message = Message {
            words: [0; MAX_WORDS],
            length: words.len().min(MAX_WORDS),
        };
        message.words[..message.length].copy_from_slice(&words[..message.length]);
        message
    }

    /// A message that was received; words beyond [`MAX_WORDS`] are dropped.
    pub fn received(words: &[u64]) -> Message {
        Message::new(words)
    }

    /// The words to send.
    pub fn words(&self) -> &[u64] {
        &self.words[..self.length]
    }
}

/// A request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(
    missing_docs,
    reason = "the fields are the arguments of the FileServer methods of the same names"
)]
pub enum Request {
    /// [`super::FileServer::attach`].
    Attach { tree: Span },
    /// [`super::FileServer::walk`].
    Walk { dir: Handle, name: Span },
    /// [`super::FileServer::open`].
    Open { node: Handle, flags: OpenFlags },
    /// [`super::FileServer::create`].
    Create {
        dir: Handle,
        name: Span,
        flags: OpenFlags,
        mode: u32,
        owner: Owner,
    },
    /// [`super::FileServer::read`]; the data goes to the span.
    Read {
        file: Handle,
        offset: u64,
        into: Span,
    },
    /// [`super::FileServer::write`]; the data is in the span.
    Write {
        file: Handle,
        offset: u64,
        from: Span,
    },
    /// [`super::FileServer::getattr`].
    Getattr { node: Handle },
    /// [`super::FileServer::setattr`].
    Setattr { node: Handle, set: SetAttr },
    /// [`super::FileServer::readdir`]; entries go to the span: number, next (8 bytes each), kind, length of the name, name.
    Readdir {
        dir: Handle,
        cookie: u64,
        into: Span,
    },
    /// [`super::FileServer::readlink`]; the text goes to the span.
    Readlink { node: Handle, into: Span },
    /// [`super::FileServer::symlink`].
    Symlink {
        dir: Handle,
        name: Span,
        target: Span,
        owner: Owner,
    },
    /// [`super::FileServer::mkdir`].
    Mkdir {
        dir: Handle,
        name: Span,
        mode: u32,
        owner: Owner,
    },
    /// [`super::FileServer::mknod`].
    Mknod {
        dir: Handle,
        name: Span,
        kind: Kind,
        mode: u32,
        device: u64,
        owner: Owner,
    },
    /// [`super::FileServer::link`].
    Link {
        node: Handle,
        dir: Handle,
        name: Span,
    },
    /// [`super::FileServer::unlink`].
    Unlink {
        dir: Handle,
        name: Span,
        directory: bool,
    },
    /// [`super::FileServer::rename`].
    Rename {
        from: Handle,
        name: Span,
        to: Handle,
        new: Span,
        flags: RenameFlags,
    },
    /// [`super::FileServer::fsync`].
    Fsync { file: Handle, data_only: bool },
    /// [`super::FileServer::statfs`].
    Statfs { node: Handle },
    /// [`super::FileServer::clunk`].
    Clunk { handle: Handle },
    /// [`super::FileServer::allocate`].
    Allocate {
        file: Handle,
        how: Allocate,
        offset: u64,
        length: u64,
    },
    /// [`super::FileServer::seek`].
    Seek {
        file: Handle,
        offset: u64,
        hole: bool,
    },
}

/// A reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The request failed.
    Error(FileError),
    /// It is done.
    Done,
    /// A number: bytes moved, or an offset.
    Number(u64),
    /// A new handle.
    Handle(Handle),
    /// Attributes.
    Attr(Attr),
    /// A node.
    Node(Node),
    /// A node and an open file.
    Created(Created),
    /// How full the tree is.
    StatFs(StatFs),
}

/// Memory that both sides see. The other side may change it at any time, so it is only ever copied.
pub trait DataArea: Send {
    /// Copies out; false if the range does not lie in the area. Where the area is a ring, it may lie across the end.
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool;
    /// Copies in; false if the range does not lie in the area.
    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool;
}

impl DataArea for alloc::vec::Vec<u8> {
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool {
        let start = offset as usize;
        let part = start
            .checked_add(into.len())
            .and_then(|end| self.get(start..end));
        part.is_some_and(|part| {
            into.copy_from_slice(part);
            true
        })
    }

    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool {
        let start = offset as usize;
        let part = start
            .checked_add(from.len())
            .and_then(|end| self.get_mut(start..end));
        part.is_some_and(|part| {
            part.copy_from_slice(from);
            true
        })
    }
}
