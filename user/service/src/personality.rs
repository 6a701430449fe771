//! The personality of the sandbox that a native program runs in, as that program reaches it.

use crate::{arrived, outgoing};
use alloc::vec::Vec;
use sundog_protocols::host_process::{Answer, MAX_BYTES, Request, Subject};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::sys::MessagePage;

/// The personality.
pub struct Personality {
    endpoint: Cap<Endpoint>,
    page: MessagePage,
}

impl Personality {
    /// The personality behind the endpoint `process`; `page` is this thread's message page.
    pub fn new(endpoint: Cap<Endpoint>, page: MessagePage) -> Personality {
        Personality { endpoint, page }
    }

    /// Asks; nothing if the personality is gone or answers nonsense.
    pub fn ask(&mut self, request: &Request) -> Option<Answer> {
        let words = request.encode().ok()?;
        let (info, registers) = outgoing(&mut self.page, &words);
        let received = self.endpoint.call(info, &registers, None).ok()?;
        Answer::decode(&arrived(&self.page, &received).ok()?).ok()
    }

    /// Writes a text to a descriptor, as far as somebody takes it; whether all of it was taken.
    pub fn write(&mut self, descriptor: u32, text: impl AsRef<[u8]>) -> bool {
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let bytes = rest[..rest.len().min(MAX_BYTES)].to_vec();
            match self.ask(&Request::Write { descriptor, bytes }) {
                Some(Answer::Written(count)) if count > 0 => rest = &rest[count.min(rest.len())..],
                _ => return false,
            }
        }
        true
    }

    /// What it tells about the sandbox.
    pub fn tell(&mut self, subject: Subject) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let from = text.len();
            match self.ask(&Request::Tell { subject, from })? {
                Answer::Read(bytes) if bytes.is_empty() => return Some(text),
                Answer::Read(bytes) => text.extend_from_slice(&bytes),
                _ => return None,
            }
        }
    }
}
