//! A server's tree for somebody else's table of names, such as a Linux personality's.

use crate::connection::{Caller, Connection, Remote};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::file::wire::{DataArea, Message};
use sundog_protocols::file::{Client, FileServer, Transport};
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Frame};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::ring::{Mapped, Memory};

impl Connection<Remote, Mapped> {
    /// The way to the server whose endpoint the parent gave as `E` in this slot, with the ring `E-data`. `patience`: TSC ticks after
    /// which a call is given up. A second one to the same server would be another client to it, so there is one for each.
    ///
    /// # Errors
    /// Those of mapping; `InvalidArgument` if there is no such ring.
    pub fn given(
        environment: &mut Environment,
        slot: u32,
        patience: Option<u64>,
    ) -> Result<Connection<Remote, Mapped>, Error> {
        let mut given = environment.start.capabilities();
        let name = given.find(|(_, at)| *at == slot).map(|(name, _)| name);
        let ring: Option<Cap<Frame>> =
            name.and_then(|name| environment.capability(&format!("{name}-data")));
        let ring = ring.ok_or(Error::InvalidArgument)?;
        let resources = &mut environment.resources;
        let pages = resources.slots.cnode().inspect(ring.slot())?.size;
        let memory = resources.map_ring(ring, pages)?;
        let remote = Remote::new(Cap::<Endpoint>::root(slot), patience);
        Ok(Connection::new(remote, memory))
    }
}

/// A connection for as long as the server lives that was there at first: afterwards all handles are a dead one's, and every request
/// fails, since whoever mounts a tree keeps them.
pub struct OneLife<C, M>(Connection<C, M>);

impl<C: Caller, M: Memory + Send> OneLife<C, M> {
    /// Over a connection that was not used yet.
    pub fn new(connection: Connection<C, M>) -> OneLife<C, M> {
        OneLife(connection)
    }
}

impl<C: Caller, M: Memory + Send> Transport for OneLife<C, M> {
    fn call(&mut self, request: &Message) -> Option<Message> {
        let before = self.0.life() == 0;
        let answer = before.then(|| self.0.call(request)).flatten()?;
        (self.0.life() == 0).then_some(answer)
    }

    fn area(&mut self) -> &mut dyn DataArea {
        self.0.area()
    }

    fn room(&self) -> u32 {
        self.0.room()
    }

    fn place(&mut self, at: u32, length: u32) -> u32 {
        self.0.place(at, length)
    }
}

/// A name, and the tree behind it.
pub type Mount = (String, Box<dyn FileServer>);

/// The trees behind the names that the parent gave.
///
/// # Errors
/// As [`Connection::given`]; `InvalidArgument` if two names have one server.
pub fn mounts(environment: &mut Environment, patience: Option<u64>) -> Result<Vec<Mount>, Error> {
    let start = environment.start.clone();
    let mut known = Vec::new();
    let mut mounts: Vec<Mount> = Vec::new();
    for name in start.names() {
        if known.contains(&name.slot) {
            return Err(Error::InvalidArgument);
        }
        known.push(name.slot);
        let connection = Connection::given(environment, name.slot, patience)?;
        let tree = Client::new(OneLife::new(connection));
        mounts.push((name.prefix.into(), Box::new(tree)));
    }
    Ok(mounts)
}
