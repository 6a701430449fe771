//! The machine's requests: taken in order from the connection, answered over it. Locks that wait are tried again and again.
use crate::Budget;
use crate::confine::Confined;
use crate::handover::Bind;
use crate::tree::{Shared, Tree};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use sundog_host_sys::Signals;
use sundog_protocols::file::wire::{Message, Reply, Request};
use sundog_protocols::file::{FileError, Handle, Result, Session};
use sundog_protocols::host_files::{
    Decoder, Frame, FrameArea, Kind, LockHow, LockRequest, Range, Terms, VERSION,
};

/// The most locks that wait at a time.
pub const MOST_WAITING: usize = 64;
/// How long it takes until a lock that waits is tried again.
const AGAIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;
/// Places in folders, of all that are open, that are remembered: 32 MiB of them.
const PLACES: usize = 4 << 20;
const EAGAIN: FileError = FileError::from_number(11);
const EINTR: FileError = FileError::from_number(4);
const ENOLCK: FileError = FileError::from_number(37);
const EPROTO: FileError = FileError::from_number(71);

/// A lock that waits.
#[derive(Debug)]
struct Waiting {
    tag: u32,
    bind: u16,
    file: Handle,
    how: LockHow,
    range: Range,
}

/// One server: its binds, and what waits.
pub struct Server {
    binds: Vec<(Tree, Session)>,
    terms: Terms,
    greeted: bool,
    waiting: Vec<Waiting>,
    out: Vec<u8>,
    _signals: Signals,
}

impl Server {
    /// A server over these binds.
    pub fn new(confined: Confined, binds: Vec<Bind>) -> Server {
        let handles = confined.handles;
        let shared = Shared {
            calls: Arc::new(confined.calls),
            handles: Budget::new(handles),
            places: Budget::new(PLACES),
        };
        let terms = Terms {
            binds: binds.len() as u64,
            handles: handles as u64,
            waiting: MOST_WAITING as u64,
        };
        let bind = |bind: Bind| {
            let tree = Tree::new(shared.clone(), bind.root, bind.writable);
            (tree, Session::new(b"", handles))
        };
        Server {
            binds: binds.into_iter().map(bind).collect(),
            terms,
            greeted: false,
            waiting: Vec::new(),
            out: Vec::new(),
            _signals: confined.signals,
        }
    }

    /// Serves until the other end is gone or says what is no frame.
    pub fn run(mut self, connection: OwnedFd) {
        let mut decoder = Decoder::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let mut wanted = [PollFd::new(&connection, PollFlags::IN)];
            let patience = (!self.waiting.is_empty()).then_some(&AGAIN);
            let ready = retry_on_intr(|| poll(&mut wanted, patience));
            let alive = match ready {
                Ok(0) => true,
                Ok(_) => self.receive(&connection, &mut decoder, &mut chunk),
                Err(_) => false,
            };
            self.try_again();
            if !self.flush(&connection) || !alive {
                return;
            }
        }
    }

    /// Takes what came; false if nothing more will.
    fn receive(&mut self, connection: &OwnedFd, decoder: &mut Decoder, chunk: &mut [u8]) -> bool {
        match read(connection, &mut *chunk) {
            Ok(0) => return false,
            Ok(count) => decoder.feed(&chunk[..count]),
            Err(Errno::INTR | Errno::AGAIN) => return true,
            Err(_) => return false,
        }
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => self.serve(&frame),
                Ok(None) => return true,
                Err(_) => return false,
            }
            // Answers do not collect: who does not take them is not read from.
            if self.out.len() > CHUNK && !self.flush(connection) {
                return false;
            }
        }
    }

    /// Sends what is to be sent; false if it cannot be.
    fn flush(&mut self, connection: &OwnedFd) -> bool {
        let mut sent = 0;
        while let Some(rest) = self.out.get(sent..).filter(|rest| !rest.is_empty()) {
            match write(connection, rest) {
                Ok(count) => sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut wanted = [PollFd::new(connection, PollFlags::OUT)];
                    if retry_on_intr(|| poll(&mut wanted, None)).is_err() {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
        self.out.clear();
        true
    }

    fn serve(&mut self, frame: &Frame<'_>) {
        let answer = match (frame.kind, self.greeted) {
            (Kind::Hello, _) => self.hello(frame),
            (_, false) => Err(EPROTO),
            (Kind::File, _) => return self.file(frame),
            (Kind::Lock, _) => self.lock(frame),
            (Kind::Cancel, _) => self.cancel(frame),
        };
        match answer {
            Ok(Some(words)) => self.answer(frame.tag, frame.bind, frame.kind, &words, &[]),
            Ok(None) => {}
            Err(error) => self.answer_error(frame.tag, frame.bind, frame.kind, error),
        }
    }

    fn answer(&mut self, tag: u32, bind: u16, kind: Kind, words: &[u64], data: &[u8]) {
        match Frame::new(tag, bind, kind, words, data) {
            Some(frame) => frame.put(&mut self.out),
            None => self.answer_error(tag, bind, kind, FileError::EIO),
        }
    }

    fn answer_error(&mut self, tag: u32, bind: u16, kind: Kind, error: FileError) {
        let words = Reply::Error(error).encode();
        self.answer(tag, bind, kind, words.words(), &[]);
    }

    fn hello(&mut self, frame: &Frame<'_>) -> Result<Option<Vec<u64>>> {
        if frame.words() != [VERSION] {
            return Err(EPROTO);
        }
        self.greeted = true;
        Ok(Some(self.terms.words().to_vec()))
    }

    fn file(&mut self, frame: &Frame<'_>) {
        let mut area = FrameArea {
            request: frame.data,
            answer: Vec::new(),
        };
        let message: Message = match self.binds.get_mut(usize::from(frame.bind)) {
            Some((tree, session)) => session.serve(tree, frame.words(), &mut area),
            None => Reply::Error(FileError::ENODEV).encode(),
        };
        if let Ok(Request::Clunk { handle }) = Request::decode(frame.words()) {
            let gone = |lock: &Waiting| lock.bind == frame.bind && lock.file == handle;
            self.end_waiting(gone, FileError::EBADF);
        }
        self.answer(
            frame.tag,
            frame.bind,
            frame.kind,
            message.words(),
            &area.answer,
        );
    }

    fn lock(&mut self, frame: &Frame<'_>) -> Result<Option<Vec<u64>>> {
        let request = LockRequest::from_words(frame.words())?;
        let bind = self.binds.get(usize::from(frame.bind));
        let (tree, session) = bind.ok_or(FileError::ENODEV)?;
        match request {
            LockRequest::Test {
                file,
                how,
                start,
                length,
            } => {
                let held = tree.in_the_way(session.own(file)?, how, start, length)?;
                Ok(Some(held.words().to_vec()))
            }
            LockRequest::Set {
                file,
                how,
                range,
                wait,
            } => match tree.lock(session.own(file)?, how, range) {
                Ok(()) => Ok(Some(Reply::Done.encode().words().to_vec())),
                Err(error) if error != EAGAIN || !wait => Err(error),
                Err(_) if self.waiting.len() >= MOST_WAITING => Err(ENOLCK),
                Err(_) => {
                    let (tag, bind) = (frame.tag, frame.bind);
                    self.waiting.push(Waiting {
                        tag,
                        bind,
                        file,
                        how,
                        range,
                    });
                    Ok(None)
                }
            },
        }
    }

    fn cancel(&mut self, frame: &Frame<'_>) -> Result<Option<Vec<u64>>> {
        let &[tag] = frame.words() else {
            return Err(FileError::EINVAL);
        };
        self.end_waiting(|lock| u64::from(lock.tag) == tag, EINTR);
        Ok(Some(Reply::Done.encode().words().to_vec()))
    }

    /// Answers locks that wait with an error.
    fn end_waiting(&mut self, which: impl Fn(&Waiting) -> bool, error: FileError) {
        let (ended, left) = self.waiting.drain(..).partition(|lock| which(lock));
        self.waiting = left;
        let ended: Vec<Waiting> = ended;
        for lock in ended {
            self.answer_error(lock.tag, lock.bind, Kind::Lock, error);
        }
    }

    /// Tries the locks that wait, in the order in which they came.
    fn try_again(&mut self) {
        for lock in std::mem::take(&mut self.waiting) {
            let tried = match self.binds.get(usize::from(lock.bind)) {
                Some((tree, session)) => session
                    .own(lock.file)
                    .and_then(|file| tree.lock(file, lock.how, lock.range)),
                None => Err(FileError::ENODEV),
            };
            match tried {
                Err(EAGAIN) => self.waiting.push(lock),
                Err(error) => self.answer_error(lock.tag, lock.bind, Kind::Lock, error),
                Ok(()) => {
                    let done = Reply::Done.encode();
                    self.answer(lock.tag, lock.bind, Kind::Lock, done.words(), &[]);
                }
            }
        }
    }
}
