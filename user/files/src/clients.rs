//! The clients of a server, by their badges.

use crate::area::Shared;
use crate::message::{Answer, split};
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::wire::Reply;
use sundog_protocols::file::{FileError, FileServer, Session};
use sundog_rt::Environment;
use sundog_rt::cap::object::Frame;
use sundog_rt::cap::{Cap, Error};
use sundog_rt::ring::{Area, Mapped, Memory};

struct Client<M> {
    badge: u64,
    session: Session,
    area: Shared<M>,
}

/// All clients.
pub struct Clients<M> {
    clients: Vec<Client<M>>,
}

impl Clients<Mapped> {
    /// The clients whose rings the program was given; they may hold `handles` handles together, each the same share.
    ///
    /// # Errors
    /// Those of mapping.
    pub fn given(environment: &mut Environment, handles: usize) -> Result<Clients<Mapped>, Error> {
        let frames: Vec<Cap<Frame>> = (1..)
            .map_while(|badge| match badge {
                1 => environment.capability("data"),
                _ => environment.capability(&format!("data-{badge}")),
            })
            .collect();
        let mut clients = Clients {
            clients: Vec::new(),
        };
        let share = handles / frames.len().max(1);
        for (badge, frame) in (1..).zip(frames) {
            let resources = &mut environment.resources;
            let pages = resources.slots.cnode().inspect(frame.slot())?.size;
            clients.add(badge, resources.map_ring(frame, pages)?, share);
        }
        Ok(clients)
    }
}

impl<M: Memory + Send> Clients<M> {
    /// Adds a client that shares the ring in `memory` and may hold `handles` handles.
    pub fn add(&mut self, badge: u64, memory: M, handles: usize) {
        self.clients.push(Client {
            badge,
            session: Session::new(b"", handles),
            area: Shared(Area::server(memory)),
        });
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.clients.len()
    }

    /// Serves a request of the client with this badge; any words are safe. A client that took up its ring again since the last one is
    /// a new one: what the one before it held is given back first. The first client sees the first tree and so on; the last tree is for
    /// all others.
    pub fn serve(
        &mut self,
        trees: &mut [&mut dyn FileServer],
        badge: u64,
        request: &[u64],
    ) -> Answer {
        let mut clients = self.clients.iter_mut();
        let client = clients.position(|client| client.badge == badge);
        let Some((client, tree)) = client.and_then(|index| self.pair(trees, index)) else {
            return Answer::short(Reply::Error(FileError::EACCES).encode().words());
        };
        let Client { session, area, .. } = client;
        if area.0.restarted() {
            session.end(tree);
        }
        let (words, place) = split(request);
        let reply = session.serve(tree, words, area);
        Answer::new(&reply, place, area)
    }

    /// Clients have ended, by the word of whoever started them: bit 0 is the one with badge 1. What they held is given back.
    pub fn ended(&mut self, trees: &mut [&mut dyn FileServer], bits: u64) {
        for index in 0..self.clients.len().min(64) {
            if bits >> index & 1 != 0
                && let Some((client, tree)) = self.pair(trees, index)
            {
                client.session.end(tree);
            }
        }
    }

    /// A client and its tree.
    fn pair<'a, 'b>(
        &'a mut self,
        trees: &'a mut [&'b mut dyn FileServer],
        index: usize,
    ) -> Option<(&'a mut Client<M>, &'a mut (dyn FileServer + 'b))> {
        let last = trees.len().checked_sub(1)?;
        let tree = trees.get_mut(index.min(last))?;
        Some((self.clients.get_mut(index)?, &mut **tree))
    }
}

#[cfg(test)]
impl<M> Clients<M> {
    /// No clients yet.
    pub(crate) fn none() -> Clients<M> {
        Clients {
            clients: Vec::new(),
        }
    }
}
