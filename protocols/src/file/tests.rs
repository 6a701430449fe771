//! Tests of the wire layout: everything comes back as it was sent, and no words do harm.

mod ends;

use super::wire::{MAX_WORDS, Message, REQUEST_WORDS, Reply, Request, Span};
use super::*;
use alloc::vec::Vec;

const SPAN: Span = Span {
    offset: 7,
    length: 0x1234_5678,
};
const HANDLE: Handle = Handle(0xdead_beef);
const OTHER: Handle = Handle(3);
const OWNER: Owner = Owner {
    uid: 1000,
    gid: u32::MAX,
};

fn attr(kind: Kind) -> Attr {
    let time = |seconds, nanos| Time { seconds, nanos };
    Attr {
        id: u64::MAX,
        kind,
        mode: 0o7777,
        links: 9,
        uid: 1,
        gid: 2,
        device: device(259, 70_000),
        size: 1 << 60,
        blocks: 5,
        accessed: time(-1, 999_999_999),
        modified: time(2, 3),
        changed: time(i64::MAX, 0),
        created: time(0, 1),
    }
}

fn requests() -> Vec<Request> {
    let (mode, flags) = (0o7777, OpenFlags::READ.with(OpenFlags::APPEND));
    let time = Time {
        seconds: -5,
        nanos: 999_999_999,
    };
    let sets = [
        SetAttr::default(),
        SetAttr {
            mode: Some(0),
            uid: Some(1),
            gid: Some(2),
            size: Some(u64::MAX),
            ..SetAttr::default()
        },
        SetAttr {
            accessed: Some(SetTime::Now),
            modified: Some(SetTime::At(time)),
            ..SetAttr::default()
        },
        SetAttr {
            accessed: Some(SetTime::At(time)),
            ..SetAttr::default()
        },
    ];
    let mut all = Vec::from([
        Request::Attach { tree: SPAN },
        Request::Walk {
            dir: HANDLE,
            name: SPAN,
        },
        Request::Open {
            node: HANDLE,
            flags,
        },
        Request::Create {
            dir: HANDLE,
            name: SPAN,
            flags,
            mode,
            owner: OWNER,
        },
        Request::Read {
            file: HANDLE,
            offset: u64::MAX,
            into: SPAN,
        },
        Request::Write {
            file: HANDLE,
            offset: 1 << 40,
            from: SPAN,
        },
        Request::Getattr { node: HANDLE },
        Request::Readdir {
            dir: HANDLE,
            cookie: 77,
            into: SPAN,
        },
        Request::Readlink {
            node: HANDLE,
            into: SPAN,
        },
        Request::Symlink {
            dir: HANDLE,
            name: SPAN,
            target: Span::default(),
            owner: OWNER,
        },
        Request::Mkdir {
            dir: HANDLE,
            name: SPAN,
            mode,
            owner: OWNER,
        },
        Request::Mknod {
            dir: HANDLE,
            name: SPAN,
            kind: Kind::CharDevice,
            mode,
            device: 0x103,
            owner: OWNER,
        },
        Request::Link {
            node: HANDLE,
            dir: OTHER,
            name: SPAN,
        },
        Request::Unlink {
            dir: HANDLE,
            name: SPAN,
            directory: true,
        },
        Request::Rename {
            from: HANDLE,
            name: SPAN,
            to: OTHER,
            new: Span::default(),
            flags: RenameFlags::EXCHANGE,
        },
        Request::Fsync {
            file: HANDLE,
            data_only: true,
        },
        Request::Statfs { node: HANDLE },
        Request::Clunk { handle: HANDLE },
        Request::Seek {
            file: HANDLE,
            offset: 5,
            hole: true,
        },
    ]);
    all.extend(sets.map(|set| Request::Setattr { node: HANDLE, set }));
    let hows = [
        Allocate::Extend,
        Allocate::KeepSize,
        Allocate::PunchHole,
        Allocate::ZeroRange,
    ];
    all.extend(hows.map(|how| Request::Allocate {
        file: HANDLE,
        how,
        offset: 1,
        length: u64::MAX,
    }));
    all
}

#[test]
fn requests_come_back_and_fit_into_registers() {
    for request in requests() {
        let message = request.encode();
        assert!(message.words().len() <= REQUEST_WORDS, "{request:?}");
        assert_eq!(Request::decode(message.words()), Ok(request));
        let longer: Vec<u64> = message.words().iter().copied().chain([0]).collect();
        assert_eq!(
            Request::decode(&longer),
            Err(FileError::EINVAL),
            "one word too many: {request:?}"
        );
    }
}

#[test]
fn replies_come_back() {
    let node = Node {
        handle: HANDLE,
        attr: attr(Kind::Symlink),
    };
    let statfs = StatFs {
        magic: 1,
        block_size: 2,
        blocks: 3,
        free: 4,
        nodes: 5,
        free_nodes: 6,
    };
    let replies = [
        Reply::Error(FileError::ENOTEMPTY),
        Reply::Error(FileError::from_number(4095)),
        Reply::Done,
        Reply::Number(u64::MAX),
        Reply::Handle(HANDLE),
        Reply::Attr(attr(Kind::Regular)),
        Reply::Node(node),
        Reply::Created(Created { node, open: OTHER }),
        Reply::StatFs(statfs),
    ];
    for reply in replies {
        assert_eq!(Reply::decode(reply.encode().words()), reply);
    }
    assert_eq!(Reply::decode(&[]), Reply::Error(FileError::EIO));
    assert_eq!(Reply::decode(&[9 << 16]), Reply::Error(FileError::EIO));
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Random words: wholly random, or a good message with some bits turned.
fn hostile(random: &mut Random, good: &[Message]) -> Vec<u64> {
    let length = random.next() as usize % (MAX_WORDS + 3);
    if random.next().is_multiple_of(3) {
        return (0..length)
            .map(|_| random.next() >> (random.next() % 64))
            .collect();
    }
    let mut words = good[random.next() as usize % good.len()].words().to_vec();
    for _ in 0..random.next() % 4 {
        let at = random.next() as usize % words.len();
        words[at] ^= 1 << (random.next() % 64);
    }
    words
}

#[test]
fn what_decodes_encodes_to_the_same_words() {
    let good: Vec<Message> = requests().iter().map(Request::encode).collect();
    let mut random = Random(88);
    let mut decoded = 0;
    for _ in 0..200_000 {
        let words = hostile(&mut random, &good);
        // Nothing panics, and a message has one meaning only.
        if let Ok(request) = Request::decode(&words) {
            decoded += 1;
            assert_eq!(Request::decode(request.encode().words()), Ok(request));
        }
        let reply = Reply::decode(&words);
        assert_eq!(Reply::decode(reply.encode().words()), reply);
    }
    assert!(decoded > 10_000);
}
