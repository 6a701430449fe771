//! Replies as words. Word 0: error number in bits 0-15 (0: none), kind of reply in bits 16-23, a handle in bits 32-63.

use super::{Message, Reply};
use crate::file::{Attr, Created, FileError, Handle, Kind, Node, StatFs, Time};

const DONE: u8 = 0;
const NUMBER: u8 = 1;
const HANDLE: u8 = 2;
const ATTR: u8 = 3;
const NODE: u8 = 4;
const CREATED: u8 = 5;
const STATFS: u8 = 6;

const fn head(kind: u8, handle: Handle) -> u64 {
    (kind as u64) << 16 | (handle.0 as u64) << 32
}

const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// Attributes take this many words.
const ATTR_WORDS: usize = 12;

fn attr_words(attr: &Attr) -> [u64; ATTR_WORDS] {
    [
        attr.id,
        pair(attr.kind as u32 | attr.mode << 8, attr.links),
        pair(attr.uid, attr.gid),
        attr.device,
        attr.size,
        attr.blocks,
        attr.accessed.seconds as u64,
        attr.modified.seconds as u64,
        attr.changed.seconds as u64,
        attr.created.seconds as u64,
        pair(attr.accessed.nanos, attr.modified.nanos),
        pair(attr.changed.nanos, attr.created.nanos),
    ]
}

fn with_attr(first: &[u64], attr: &Attr) -> Message {
    let mut words = [0; ATTR_WORDS + 2];
    let length = first.len() + ATTR_WORDS;
    words[..first.len()].copy_from_slice(first);
    words[first.len()..length].copy_from_slice(&attr_words(attr));
    Message::new(&words[..length])
}

impl Reply {
    /// The reply's words.
    pub fn encode(&self) -> Message {
        match self {
            Reply::Error(error) => Message::new(&[u64::from(error.number())]),
            Reply::Done => Message::new(&[head(DONE, Handle(0))]),
            Reply::Number(number) => Message::new(&[head(NUMBER, Handle(0)), *number]),
            Reply::Handle(handle) => Message::new(&[head(HANDLE, *handle)]),
            Reply::Attr(attr) => with_attr(&[head(ATTR, Handle(0))], attr),
            Reply::Node(node) => with_attr(&[head(NODE, node.handle)], &node.attr),
            Reply::Created(made) => with_attr(
                &[head(CREATED, made.node.handle), u64::from(made.open.0)],
                &made.node.attr,
            ),
            Reply::StatFs(statfs) => Message::new(&[
                head(STATFS, Handle(0)),
                pair(statfs.magic, statfs.block_size),
                statfs.blocks,
                statfs.free,
                statfs.nodes,
                statfs.free_nodes,
            ]),
        }
    }

    /// Reads a reply; what makes no sense becomes the error `EIO`.
    pub fn decode(words: &[u64]) -> Reply {
        decode(words).unwrap_or(Reply::Error(FileError::EIO))
    }
}

fn decode_attr(words: &[u64]) -> Option<Attr> {
    let words: &[u64; ATTR_WORDS] = words.try_into().ok()?;
    let [id, kind, owners, device, size, blocks, times @ ..] = *words;
    let time = |seconds: u64, nanos: u64| {
        let nanos = nanos as u32;
        (nanos < 1_000_000_000).then_some(Time {
            seconds: seconds as i64,
            nanos,
        })
    };
    let mode = (kind as u32) >> 8;
    if mode > 0o7777 {
        return None;
    }
    Some(Attr {
        id,
        kind: Kind::from_number(kind as u8)?,
        mode,
        links: (kind >> 32) as u32,
        uid: owners as u32,
        gid: (owners >> 32) as u32,
        device,
        size,
        blocks,
        accessed: time(times[0], times[4])?,
        modified: time(times[1], times[4] >> 32)?,
        changed: time(times[2], times[5])?,
        created: time(times[3], times[5] >> 32)?,
    })
}

fn decode(words: &[u64]) -> Option<Reply> {
    let (&first, rest) = words.split_first()?;
    if first & 0xffff != 0 {
        return Some(Reply::Error(FileError::from_number(first & 0xffff)));
    }
    let handle = Handle((first >> 32) as u32);
    Some(match ((first >> 16) as u8, rest) {
        (DONE, &[]) => Reply::Done,
        (NUMBER, &[number]) => Reply::Number(number),
        (HANDLE, &[]) => Reply::Handle(handle),
        (ATTR, rest) => Reply::Attr(decode_attr(rest)?),
        (NODE, rest) => Reply::Node(Node {
            handle,
            attr: decode_attr(rest)?,
        }),
        (CREATED, [open, rest @ ..]) => {
            let open = Handle(u32::try_from(*open).ok()?);
            Reply::Created(Created {
                node: Node {
                    handle,
                    attr: decode_attr(rest)?,
                },
                open,
            })
        }
        (STATFS, &[kind, blocks, free, nodes, free_nodes]) => Reply::StatFs(StatFs {
            magic: kind as u32,
            block_size: (kind >> 32) as u32,
            blocks,
            free,
            nodes,
            free_nodes,
        }),
        _ => return None,
    })
}
