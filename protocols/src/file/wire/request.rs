//! Requests as words. Word 0: operation in bits 0-7, a small number in bits 8-31, a handle in bits 32-63.

use super::{Message, Request, Span};
use crate::file::{
    Allocate, FileError, Handle, Kind, OpenFlags, Owner, RenameFlags, SetAttr, SetTime, Time,
};

/// Word 0.
const fn head(operation: u8, small: u32, handle: Handle) -> u64 {
    operation as u64 | ((small as u64 & 0xff_ffff) << 8) | (handle.0 as u64) << 32
}

const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

const fn owner_word(owner: Owner) -> u64 {
    pair(owner.uid, owner.gid)
}

/// Bits of `Setattr` that say which attributes are there.
mod set {
    pub const MODE: u32 = 1;
    pub const UID: u32 = 2;
    pub const GID: u32 = 4;
    pub const SIZE: u32 = 8;
    pub const ACCESSED: u32 = 16;
    pub const ACCESSED_NOW: u32 = 32;
    pub const MODIFIED: u32 = 64;
    pub const MODIFIED_NOW: u32 = 128;
    pub const ALL: u32 = 255;
}

fn time_bits(time: Option<SetTime>, given: u32, now: u32) -> (u32, Time) {
    match time {
        None => (0, Time::default()),
        Some(SetTime::Now) => (given | now, Time::default()),
        Some(SetTime::At(time)) => (given, time),
    }
}

fn setattr(node: Handle, set: &SetAttr) -> Message {
    let (accessed_bits, accessed) = time_bits(set.accessed, set::ACCESSED, set::ACCESSED_NOW);
    let (modified_bits, modified) = time_bits(set.modified, set::MODIFIED, set::MODIFIED_NOW);
    let bit = |given: bool, bit| if given { bit } else { 0 };
    let bits = accessed_bits
        | modified_bits
        | bit(set.mode.is_some(), set::MODE)
        | bit(set.uid.is_some(), set::UID)
        | bit(set.gid.is_some(), set::GID)
        | bit(set.size.is_some(), set::SIZE);
    Message::new(&[
        head(8, bits, node),
        u64::from(set.mode.unwrap_or(0)),
        pair(set.uid.unwrap_or(0), set.gid.unwrap_or(0)),
        set.size.unwrap_or(0),
        accessed.seconds as u64,
        modified.seconds as u64,
        pair(accessed.nanos, modified.nanos),
    ])
}

impl Request {
    /// The request's words.
    pub fn encode(&self) -> Message {
        match *self {
            Request::Attach { tree } => Message::new(&[head(1, 0, Handle(0)), tree.word()]),
            Request::Walk { dir, name } => Message::new(&[head(2, 0, dir), name.word()]),
            Request::Open { node, flags } => Message::new(&[head(3, flags.bits(), node)]),
            Request::Create {
                dir,
                name,
                flags,
                mode,
                owner,
            } => Message::new(&[
                head(4, flags.bits(), dir),
                name.word(),
                u64::from(mode),
                owner_word(owner),
            ]),
            Request::Read { file, offset, into } => {
                Message::new(&[head(5, 0, file), offset, into.word()])
            }
            Request::Write { file, offset, from } => {
                Message::new(&[head(6, 0, file), offset, from.word()])
            }
            Request::Getattr { node } => Message::new(&[head(7, 0, node)]),
            Request::Setattr { node, ref set } => setattr(node, set),
            Request::Readdir { dir, cookie, into } => {
                Message::new(&[head(9, 0, dir), cookie, into.word()])
            }
            Request::Readlink { node, into } => Message::new(&[head(10, 0, node), into.word()]),
            Request::Symlink {
                dir,
                name,
                target,
                owner,
            } => Message::new(&[
                head(11, 0, dir),
                name.word(),
                target.word(),
                owner_word(owner),
            ]),
            Request::Mkdir {
                dir,
                name,
                mode,
                owner,
            } => Message::new(&[head(12, mode, dir), name.word(), owner_word(owner)]),
            Request::Mknod {
                dir,
                name,
                kind,
                mode,
                device,
                owner,
            } => Message::new(&[
                head(13, kind as u32, dir),
                name.word(),
                u64::from(mode),
                device,
                owner_word(owner),
            ]),
            Request::Link { node, dir, name } => {
                Message::new(&[head(14, 0, node), u64::from(dir.0), name.word()])
            }
            Request::Unlink {
                dir,
                name,
                directory,
            } => Message::new(&[head(15, directory as u32, dir), name.word()]),
            Request::Rename {
                from,
                name,
                to,
                new,
                flags,
            } => Message::new(&[
                head(16, flags.bits(), from),
                name.word(),
                u64::from(to.0),
                new.word(),
            ]),
            Request::Fsync { file, data_only } => Message::new(&[head(17, data_only as u32, file)]),
            Request::Statfs { node } => Message::new(&[head(18, 0, node)]),
            Request::Clunk { handle } => Message::new(&[head(19, 0, handle)]),
            Request::Allocate {
                file,
                how,
                offset,
                length,
            } => Message::new(&[head(20, how as u32, file), offset, length]),
            Request::Seek { file, offset, hole } => {
                Message::new(&[head(21, hole as u32, file), offset])
            }
        }
    }

    /// Reads a request. `EINVAL` for everything that `encode` does not make.
    pub fn decode(words: &[u64]) -> Result<Request, FileError> {
        decode(words).ok_or(FileError::EINVAL)
    }
}

fn owner(word: u64) -> Owner {
    Owner {
        uid: word as u32,
        gid: (word >> 32) as u32,
    }
}

fn number(word: u64) -> Option<u32> {
    u32::try_from(word).ok()
}

fn flag(small: u32) -> Option<bool> {
    match small {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn time(bits: u32, given: u32, now: u32, seconds: u64, nanos: u32) -> Option<Option<SetTime>> {
    match (bits & given != 0, bits & now != 0) {
        (false, true) => None,
        (false, false) => Some(None),
        (true, true) => Some(Some(SetTime::Now)),
        (true, false) if nanos >= 1_000_000_000 => None,
        (true, false) => Some(Some(SetTime::At(Time {
            seconds: seconds as i64,
            nanos,
        }))),
    }
}

fn decode_set(bits: u32, words: &[u64]) -> Option<SetAttr> {
    let &[mode, owners, size, accessed, modified, nanos] = words else {
        return None;
    };
    if bits & !set::ALL != 0 {
        return None;
    }
    let given = |bit| bits & bit != 0;
    let Owner { uid, gid } = owner(owners);
    let mode = number(mode)?;
    Some(SetAttr {
        mode: given(set::MODE).then_some(mode),
        uid: given(set::UID).then_some(uid),
        gid: given(set::GID).then_some(gid),
        size: given(set::SIZE).then_some(size),
        accessed: time(
            bits,
            set::ACCESSED,
            set::ACCESSED_NOW,
            accessed,
            nanos as u32,
        )?,
        modified: time(
            bits,
            set::MODIFIED,
            set::MODIFIED_NOW,
            modified,
            (nanos >> 32) as u32,
        )?,
    })
}

fn decode(words: &[u64]) -> Option<Request> {
    let (&first, rest) = words.split_first()?;
    let handle = Handle((first >> 32) as u32);
    let small = (first >> 8) as u32 & 0xff_ffff;
    let span = Span::from_word;
    Some(match (first as u8, rest) {
        (1, &[tree]) => Request::Attach { tree: span(tree) },
        (2, &[name]) => Request::Walk {
            dir: handle,
            name: span(name),
        },
        (3, &[]) => Request::Open {
            node: handle,
            flags: OpenFlags::from_bits(small)?,
        },
        (4, &[name, mode, own]) => Request::Create {
            dir: handle,
            name: span(name),
            flags: OpenFlags::from_bits(small)?,
            mode: number(mode)?,
            owner: owner(own),
        },
        (5, &[offset, into]) => Request::Read {
            file: handle,
            offset,
            into: span(into),
        },
        (6, &[offset, from]) => Request::Write {
            file: handle,
            offset,
            from: span(from),
        },
        (7, &[]) => Request::Getattr { node: handle },
        (8, rest) => Request::Setattr {
            node: handle,
            set: decode_set(small, rest)?,
        },
        (9, &[cookie, into]) => Request::Readdir {
            dir: handle,
            cookie,
            into: span(into),
        },
        (10, &[into]) => Request::Readlink {
            node: handle,
            into: span(into),
        },
        (11, &[name, target, own]) => Request::Symlink {
            dir: handle,
            name: span(name),
            target: span(target),
            owner: owner(own),
        },
        (12, &[name, own]) => Request::Mkdir {
            dir: handle,
            name: span(name),
            mode: small,
            owner: owner(own),
        },
        (13, &[name, mode, device, own]) => Request::Mknod {
            dir: handle,
            name: span(name),
            kind: Kind::from_number(u8::try_from(small).ok()?)?,
            mode: number(mode)?,
            device,
            owner: owner(own),
        },
        (14, &[dir, name]) => Request::Link {
            node: handle,
            dir: Handle(number(dir)?),
            name: span(name),
        },
        (15, &[name]) => Request::Unlink {
            dir: handle,
            name: span(name),
            directory: flag(small)?,
        },
        (16, &[name, to, new]) => Request::Rename {
            from: handle,
            name: span(name),
            to: Handle(number(to)?),
            new: span(new),
            flags: RenameFlags::from_bits(small)?,
        },
        (17, &[]) => Request::Fsync {
            file: handle,
            data_only: flag(small)?,
        },
        (18, &[]) => Request::Statfs { node: handle },
        (19, &[]) => Request::Clunk { handle },
        (20, &[offset, length]) => Request::Allocate {
            file: handle,
            how: how(small)?,
            offset,
            length,
        },
        (21, &[offset]) => Request::Seek {
            file: handle,
            offset,
            hole: flag(small)?,
        },
        _ => return None,
    })
}

fn how(small: u32) -> Option<Allocate> {
    [
        Allocate::Extend,
        Allocate::KeepSize,
        Allocate::PunchHole,
        Allocate::ZeroRange,
    ]
    .into_iter()
    .find(|how| *how as u32 == small)
}
