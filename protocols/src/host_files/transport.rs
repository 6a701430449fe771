//! The client's end: one connection that several binds share, and a transport of the file protocol for each of them.
use super::frame::{Decoder, Frame, Kind};
use super::{Held, LockRequest, Terms, VERSION};
use crate::file::wire::{DataArea, MAX_DATA, Message, Reply, Request, Span};
use crate::file::{FileError, Transport};
use alloc::vec;
use alloc::vec::Vec;

/// A stream of bytes to the server.
pub trait ByteStream: Send {
    /// Sends all of the bytes; false if the other end is gone.
    fn send(&mut self, bytes: &[u8]) -> bool;
    /// Waits for bytes and gives some; `None` if the other end is gone.
    fn receive(&mut self) -> Option<Vec<u8>>;
}

/// Carries one frame to the server and brings the answer.
pub trait Carrier: Send {
    /// Sends a request and waits for its answer: words and data. `None` if the server is gone or answers nonsense.
    fn exchange(
        &mut self,
        bind: u16,
        kind: Kind,
        words: &[u64],
        data: &[u8],
    ) -> Option<(Vec<u64>, Vec<u8>)>;
}

/// A connection with one request under way at a time.
#[derive(Debug)]
pub struct Link<S> {
    stream: S,
    decoder: Decoder,
    tag: u32,
    dead: bool,
}

impl<S: ByteStream> Link<S> {
    /// A new connection.
    pub fn new(stream: S) -> Link<S> {
        Link {
            stream,
            decoder: Decoder::new(),
            tag: 0,
            dead: false,
        }
    }

    /// Says which protocol is spoken, and hears the server's terms.
    pub fn hello(&mut self) -> Option<Terms> {
        let (words, _) = self.exchange(0, Kind::Hello, &[VERSION], &[])?;
        Terms::from_words(&words)
    }

    /// Makes a request about a lock; an answer of `None` is one that carries nothing. A request that waits holds up all others.
    ///
    /// # Errors
    /// The server's; `EIO` if it is gone.
    pub fn lock(&mut self, bind: u16, request: &LockRequest) -> Result<Option<Held>, FileError> {
        let answer = self.exchange(bind, Kind::Lock, &request.words(), &[]);
        let (words, _) = answer.ok_or(FileError::EIO)?;
        match (request, Held::from_words(&words)) {
            (LockRequest::Test { .. }, Some(held)) => Ok(Some(held)),
            _ => match Reply::decode(&words) {
                Reply::Done if matches!(request, LockRequest::Set { .. }) => Ok(None),
                Reply::Error(error) => Err(error),
                _ => Err(FileError::EIO),
            },
        }
    }

    fn attempt(
        &mut self,
        bind: u16,
        kind: Kind,
        words: &[u64],
        data: &[u8],
    ) -> Option<(Vec<u64>, Vec<u8>)> {
        self.tag = self.tag.wrapping_add(1);
        let mut bytes = Vec::new();
        Frame::new(self.tag, bind, kind, words, data)?.put(&mut bytes);
        if !self.stream.send(&bytes) {
            return None;
        }
        loop {
            if let Some(answer) = self.decoder.next_frame().ok()? {
                let fits = answer.tag == self.tag && answer.kind == kind && answer.bind == bind;
                return fits.then(|| (answer.words().to_vec(), answer.data.to_vec()));
            }
            let more = self.stream.receive()?;
            self.decoder.feed(&more);
        }
    }
}

impl<S: ByteStream> Carrier for Link<S> {
    fn exchange(
        &mut self,
        bind: u16,
        kind: Kind,
        words: &[u64],
        data: &[u8],
    ) -> Option<(Vec<u64>, Vec<u8>)> {
        // What answers once with nonsense is not asked again: answers would be taken for those of other requests.
        let answer = (!self.dead).then(|| self.attempt(bind, kind, words, data));
        self.dead |= matches!(answer, Some(None));
        answer.flatten()
    }
}

/// One bind's files over a connection: what a [`crate::file::Client`] needs.
#[derive(Debug)]
pub struct FrameTransport<C> {
    carrier: C,
    bind: u16,
    area: Vec<u8>,
}

impl<C: Carrier> FrameTransport<C> {
    /// The bind with this number.
    pub fn new(carrier: C, bind: u16) -> FrameTransport<C> {
        FrameTransport {
            carrier,
            bind,
            area: vec![0; MAX_DATA as usize],
        }
    }

    /// The connection.
    pub fn carrier(&mut self) -> &mut C {
        &mut self.carrier
    }
}

impl<C: Carrier> Transport for FrameTransport<C> {
    fn call(&mut self, request: &Message) -> Option<Message> {
        let sent = Request::decode(request.words()).map_or(0, |request| outgoing(&request));
        let data = self.area.get(..sent as usize)?;
        let answer = self
            .carrier
            .exchange(self.bind, Kind::File, request.words(), data);
        let (words, data) = answer?;
        self.area
            .copy_in(0, &data)
            .then(|| Message::received(&words))
    }

    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }
}

/// How many bytes of the area go along with a request: up to the end of its last name, text or data.
pub fn outgoing(request: &Request) -> u32 {
    let end = |span: Span| span.offset.saturating_add(span.length);
    match *request {
        Request::Attach { tree: name }
        | Request::Walk { name, .. }
        | Request::Create { name, .. }
        | Request::Mkdir { name, .. }
        | Request::Mknod { name, .. }
        | Request::Link { name, .. }
        | Request::Unlink { name, .. }
        | Request::Write { from: name, .. } => end(name),
        Request::Symlink { name, target, .. } => end(name).max(end(target)),
        Request::Rename { name, new, .. } => end(name).max(end(new)),
        _ => 0,
    }
}
