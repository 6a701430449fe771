//! A client's way to one server: an endpoint, and the ring that both have mapped.

use crate::area::Shared;
use crate::message::{Answer, REGISTERS};
use sundog_protocols::file::Transport;
use sundog_protocols::file::wire::{DataArea, MAX_DATA, Message};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::ring::{Area, Memory};
use sundog_rt::sys;
use sundog_rt::sys::abi::Info;

/// Info's label of an answer whose words lie in the ring.
pub(crate) const IN_RING: u32 = 1;

/// Carries words to a server.
pub trait Caller: Send {
    /// Sends a request of at most [`REGISTERS`] words and waits for the answer; `None` if the server is gone or takes too long.
    fn call(&mut self, request: &[u64]) -> Option<Answer>;
}

/// A server's endpoint.
pub struct Remote {
    endpoint: Cap<Endpoint>,
    patience: Option<u64>,
}

impl Remote {
    /// The server behind `endpoint`. `patience`: TSC ticks after which a call is given up; without it a call may wait for ever.
    pub fn new(endpoint: Cap<Endpoint>, patience: Option<u64>) -> Remote {
        Remote { endpoint, patience }
    }
}

impl Caller for Remote {
    fn call(&mut self, request: &[u64]) -> Option<Answer> {
        let mut words = [0; REGISTERS];
        words.get_mut(..request.len())?.copy_from_slice(request);
        let deadline = self
            .patience
            .map(|patience| sys::ticks().saturating_add(patience));
        let info = Info::new(0, request.len());
        let received = self.endpoint.call(info, &words, deadline).ok()?;
        Some(Answer {
            words: received.words,
            length: received.info.words().min(REGISTERS),
            in_ring: received.info.label() == IN_RING,
        })
    }
}

/// The way to one server.
pub struct Connection<C, M> {
    caller: C,
    area: Shared<M>,
    /// Where in the ring the present request begins, and where the next one will.
    first: u32,
    next: u32,
    life: u32,
    across: u64,
}

impl<C: Caller, M: Memory + Send> Connection<C, M> {
    /// Takes up the client's side of the ring in `memory`.
    pub fn new(caller: C, memory: M) -> Connection<C, M> {
        Connection {
            caller,
            area: Shared(Area::client(memory)),
            first: 0,
            next: 0,
            life: 0,
            across: 0,
        }
    }

    /// How often the server was replaced. Handles from before are gone, and their numbers may be others' by now.
    pub fn life(&mut self) -> u32 {
        if self.area.0.restarted() {
            self.life = self.life.wrapping_add(1);
        }
        self.life
    }

    /// How many names and pieces of data have lain across the ring's end.
    pub fn across(&self) -> u64 {
        self.across
    }

    fn capacity(&self) -> u32 {
        u32::try_from(self.area.0.capacity()).unwrap_or(u32::MAX)
    }
}

impl<C: Caller, M: Memory + Send> Transport for Connection<C, M> {
    fn call(&mut self, request: &Message) -> Option<Message> {
        let place = self.next;
        let mut words = [0; REGISTERS];
        let length = request.words().len();
        words.get_mut(..length)?.copy_from_slice(request.words());
        *words.get_mut(length)? = place.into();
        let answer = self.caller.call(&words[..=length])?;
        Some(answer.message(place, &self.area))
    }

    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }

    fn room(&self) -> u32 {
        self.capacity().min(MAX_DATA)
    }

    fn place(&mut self, at: u32, length: u32) -> u32 {
        let capacity = u64::from(self.capacity());
        if at == 0 {
            self.first = self.next;
        }
        let offset = (u64::from(self.first) + u64::from(at)) % capacity;
        let end = offset + u64::from(length);
        self.across += u64::from(end > capacity);
        self.next = (end % capacity) as u32;
        offset as u32
    }
}
