//! How a machine speaks with the file server on the host: frames in a stream of bytes, each a message of the file protocol with its data.
//!
//! A frame is a head of [`HEAD`] bytes, then words of 8 bytes, then data; all numbers are little-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0-3 | length of what follows the head, at most [`MAX_BODY`] |
//! | 4-7 | tag: the client's number of a request, repeated in its answer |
//! | 8-9 | bind: which of the bound folders; each has handles of its own |
//! | 10 | kind ([`Kind`]) |
//! | 11 | number of words, at most 16 |
//! | 12-15 | zero |
//!
//! A frame of the kind `File` carries the words of [`crate::file::wire`]. Their spans are places in the frame's data; where an answer
//! has data the request's span begins at 0 and only says how much is wanted. So a server for one bind is a
//! [`crate::file::Session`] over a [`FrameArea`], and a client is a [`crate::file::Client`] over a [`FrameTransport`].
//!
//! Requests may be sent without waiting for answers. They are carried out in the order in which they come, except that a lock that
//! waits is answered when it is got; tags tell the answers apart. What is no frame ends the stream: there is no way to find the next
//! one, and a virtio port loses nothing.
mod frame;
mod lock;
#[cfg(test)]
mod tests;
mod transport;

pub use frame::{Decoder, Frame, FrameArea, HEAD, Kind, MAX_BODY};
pub use lock::{Held, LockHow, LockRequest, Range};
pub use transport::{ByteStream, Carrier, FrameTransport, Link, outgoing};

/// The version of this protocol that a `Hello` names.
pub const VERSION: u64 = 1;

/// What a server says of itself in answer to a `Hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How many binds there are; their numbers begin at 0.
    pub binds: u64,
    /// The most handles that all binds have together.
    pub handles: u64,
    /// The most locks that wait at a time.
    pub waiting: u64,
}

impl Terms {
    /// The words of the answer.
    pub fn words(&self) -> [u64; 5] {
        [0, VERSION, self.binds, self.handles, self.waiting]
    }

    /// Reads the words of an answer; `None` for anything else, also an error.
    pub fn from_words(words: &[u64]) -> Option<Terms> {
        match *words {
            [0, VERSION, binds, handles, waiting] => Some(Terms {
                binds,
                handles,
                waiting,
            }),
            _ => None,
        }
    }
}
