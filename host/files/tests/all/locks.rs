//! Locks: the host's own, seen by its programs, given back, waited for and cancelled.
use crate::world::*;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use sundog_host_sys::{FileLock, lock_file};
use sundog_protocols::file::wire::{Reply, Request};
use sundog_protocols::file::{FileError, FileServer, Handle};
use sundog_protocols::host_files::{
    Decoder, Frame, Held, Kind, LockHow, LockRequest, Range, VERSION,
};

const AGAIN: FileError = FileError::from_number(11);
const INTERRUPTED: FileError = FileError::from_number(4);
const ALL: Range = Range::Bytes {
    start: 0,
    length: 0,
};

fn set(file: Handle, how: LockHow, range: Range) -> LockRequest {
    LockRequest::Set {
        file,
        how,
        range,
        wait: false,
    }
}

#[test]
fn a_lock_holds_against_programs_of_the_host() {
    let folder = Folder::new();
    let path = folder.put("file", b"0123456789");
    let (machine, mut tree, root) = Machine::of(&folder, true);
    let node = tree.walk(root, b"file").unwrap().handle;
    let both = tree.open(node, BOTH).unwrap();
    let lock = |request| machine.line.link().lock(0, &request);
    let host = File::options().read(true).write(true).open(&path).unwrap();
    let bytes = Range::Bytes {
        start: 2,
        length: 3,
    };
    lock(set(both, LockHow::Exclusive, bytes)).unwrap();
    let taken = lock_file(host.as_fd(), FileLock::Shared, 0, 0).unwrap_err();
    assert_eq!(taken.raw_os_error(), Some(11));
    lock(set(both, LockHow::Unlock, ALL)).unwrap();
    lock_file(host.as_fd(), FileLock::Exclusive, 4, 2).unwrap();
    assert_eq!(lock(set(both, LockHow::Shared, bytes)), Err(AGAIN));
    let test = LockRequest::Test {
        file: both,
        how: LockHow::Shared,
        start: 0,
        length: 0,
    };
    let held = Held {
        how: LockHow::Exclusive,
        start: 4,
        length: 2,
        process: 0,
    };
    assert_eq!(lock(test), Ok(Some(held)));
    lock_file(host.as_fd(), FileLock::None, 0, 0).unwrap();
    assert_eq!(lock(test), Ok(Some(Held::NONE)));
    // The kind of `flock`, which is another one.
    lock(set(both, LockHow::Exclusive, Range::Whole)).unwrap();
    assert!(flock(&host, FlockOperation::NonBlockingLockShared).is_err());
    lock(set(both, LockHow::Exclusive, ALL)).unwrap();
    // With its handle a lock is gone.
    tree.clunk(both);
    flock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    lock_file(host.as_fd(), FileLock::Exclusive, 0, 0).unwrap();
    lock_file(host.as_fd(), FileLock::None, 0, 0).unwrap();
    let lock = |request| machine.line.link().lock(0, &request);
    assert_eq!(lock(set(both, LockHow::Shared, ALL)), Err(FileError::EBADF));
    assert_eq!(lock(set(node, LockHow::Shared, ALL)), Err(FileError::EBADF));
    let read = tree.open(node, READ).unwrap();
    let lock = |request| machine.line.link().lock(0, &request);
    assert_eq!(
        lock(set(read, LockHow::Exclusive, ALL)),
        Err(FileError::EBADF)
    );
    let far = Range::Bytes {
        start: u64::MAX,
        length: 1,
    };
    assert_eq!(
        lock(set(read, LockHow::Shared, far)),
        Err(FileError::EINVAL)
    );
}

/// A client that does not wait for answers.
struct Talk {
    stream: UnixStream,
    decoder: Decoder,
}

impl Talk {
    fn send(&mut self, tag: u32, kind: Kind, words: &[u64], data: &[u8]) {
        let mut bytes = Vec::new();
        Frame::new(tag, 0, kind, words, data)
            .unwrap()
            .put(&mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    fn hear(&mut self) -> (u32, Vec<u64>) {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return (frame.tag, frame.words().to_vec());
            }
            let mut bytes = vec![0; 4096];
            let count = std::io::Read::read(&mut self.stream, &mut bytes).unwrap();
            assert!(count > 0, "the server is gone");
            self.decoder.feed(&bytes[..count]);
        }
    }

    fn handle(&mut self) -> Handle {
        match Reply::decode(&self.hear().1) {
            Reply::Node(node) => node.handle,
            Reply::Handle(handle) => handle,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_lock_that_waits_is_answered_when_it_is_got_and_holds_nothing_up() {
    let folder = Folder::new();
    let path = folder.put("file", b"text");
    let (mut child, stream) = raw(&[bind(&path, true)]);
    let mut talk = Talk {
        stream,
        decoder: Decoder::new(),
    };
    // Before the greeting nothing is served.
    let attach = Request::Attach {
        tree: Default::default(),
    };
    talk.send(7, Kind::File, attach.encode().words(), &[]);
    let early = Reply::Error(FileError::from_number(71)).encode();
    assert_eq!(talk.hear(), (7, early.words().to_vec()));
    talk.send(1, Kind::Hello, &[VERSION], &[]);
    talk.hear();
    talk.send(2, Kind::File, attach.encode().words(), &[]);
    let node = talk.handle();
    let open = Request::Open { node, flags: BOTH };
    let mut files = [Handle(0); 3];
    for file in &mut files {
        talk.send(3, Kind::File, open.encode().words(), &[]);
        *file = talk.handle();
    }
    let host = File::options().read(true).write(true).open(&path).unwrap();
    lock_file(host.as_fd(), FileLock::Exclusive, 0, 0).unwrap();
    let done = Reply::Done.encode().words().to_vec();
    let failed = |error| Reply::Error(error).encode().words().to_vec();
    for (index, file) in files.into_iter().enumerate() {
        let wait = LockRequest::Set {
            file,
            how: LockHow::Shared,
            range: ALL,
            wait: true,
        };
        talk.send(10 + index as u32, Kind::Lock, &wait.words(), &[]);
    }
    // All others are served meanwhile.
    let look = Request::Getattr { node }.encode();
    talk.send(20, Kind::File, look.words(), &[]);
    assert_eq!(talk.hear().0, 20);
    talk.send(21, Kind::Cancel, &[11], &[]);
    assert_eq!(talk.hear(), (11, failed(INTERRUPTED)));
    assert_eq!(talk.hear(), (21, done.clone()));
    let clunk = Request::Clunk { handle: files[2] }.encode();
    talk.send(22, Kind::File, clunk.words(), &[]);
    assert_eq!(talk.hear(), (12, failed(FileError::EBADF)));
    assert_eq!(talk.hear().0, 22);
    lock_file(host.as_fd(), FileLock::None, 0, 0).unwrap();
    assert_eq!(talk.hear(), (10, done));
    // More than may wait are refused.
    let free = set(files[0], LockHow::Unlock, ALL);
    talk.send(23, Kind::Lock, &free.words(), &[]);
    assert_eq!(talk.hear().0, 23);
    lock_file(host.as_fd(), FileLock::Exclusive, 100, 1).unwrap();
    let wait = LockRequest::Set {
        file: files[1],
        how: LockHow::Exclusive,
        range: Range::Bytes {
            start: 100,
            length: 1,
        },
        wait: true,
    };
    for tag in 0..=64 {
        talk.send(100 + tag, Kind::Lock, &wait.words(), &[]);
    }
    assert_eq!(talk.hear(), (164, failed(FileError::from_number(37))));
    drop(talk);
    assert!(
        child.wait().unwrap().success(),
        "it ends with its connection"
    );
    lock_file(host.as_fd(), FileLock::Exclusive, 0, 0).unwrap();
}
