//! The clients of a server, by their badges.

use crate::area::Area;
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::wire::{DataArea, Message, Reply};
use sundog_protocols::file::{FileError, FileServer, Session};
use sundog_rt::Environment;
use sundog_rt::cap::object::Frame;
use sundog_rt::cap::{Cap, Error, Protection};

struct Client<A> {
    badge: u64,
    session: Session,
    area: A,
}

/// All clients.
pub struct Clients<A> {
    clients: Vec<Client<A>>,
}

impl Clients<Area> {
    /// The clients whose areas the program was given.
    ///
    /// # Errors
    /// Those of mapping.
    pub fn given(environment: &mut Environment, handles: usize) -> Result<Clients<Area>, Error> {
        let mut clients = Clients {
            clients: Vec::new(),
        };
        for badge in 1_u64.. {
            let frame: Option<Cap<Frame>> = match badge {
                1 => environment.capability("data"),
                _ => environment.capability(&format!("data-{badge}")),
            };
            let Some(frame) = frame else { break };
            let resources = &mut environment.resources;
            let pages = resources.slots.cnode().inspect(frame.slot())?.size;
            let area = Area(resources.map(frame, 0, pages, Protection::READ_WRITE)?);
            clients.add(badge, area, handles);
        }
        Ok(clients)
    }
}

impl<A: DataArea> Clients<A> {
    /// Adds a client that may hold `handles` handles.
    pub fn add(&mut self, badge: u64, area: A, handles: usize) {
        self.clients.push(Client {
            badge,
            session: Session::new(b"", handles),
            area,
        });
    }

    /// Serves a request of the client with this badge; any words are safe.
    pub fn serve(&mut self, server: &mut dyn FileServer, badge: u64, request: &[u64]) -> Message {
        match self.clients.iter_mut().find(|client| client.badge == badge) {
            Some(client) => client.session.serve(server, request, &mut client.area),
            None => Reply::Error(FileError::EACCES).encode(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::vec;
    use sundog_protocols::file::wire::{Request, Span};
    use sundog_protocols::file::{Owner, Time};
    use sundog_tmpfs_core::{HeapPages, Limits, StoppedClock, Tmpfs};

    fn tree() -> Tmpfs<HeapPages> {
        let clock = Box::new(StoppedClock(Time::default()));
        Tmpfs::new(
            HeapPages::new(8),
            clock,
            Limits::default(),
            0o755,
            Owner::default(),
        )
    }

    fn ask(
        clients: &mut Clients<Vec<u8>>,
        tree: &mut Tmpfs<HeapPages>,
        badge: u64,
        request: Request,
    ) -> Reply {
        Reply::decode(clients.serve(tree, badge, request.encode().words()).words())
    }

    #[test]
    fn each_client_has_its_own_handles_and_strangers_have_none() {
        let (mut clients, mut tree) = (
            Clients {
                clients: Vec::new(),
            },
            tree(),
        );
        clients.add(1, vec![0; 4096], 8);
        clients.add(2, vec![0; 4096], 8);
        let attach = Request::Attach {
            tree: Span::default(),
        };
        let Reply::Node(root) = ask(&mut clients, &mut tree, 1, attach) else {
            panic!("no root")
        };
        let getattr = Request::Getattr { node: root.handle };
        assert!(matches!(
            ask(&mut clients, &mut tree, 1, getattr),
            Reply::Attr(_)
        ));
        assert!(matches!(
            ask(&mut clients, &mut tree, 2, getattr),
            Reply::Error(FileError::EBADF)
        ));
        for stranger in [0, 3, u64::MAX] {
            assert!(matches!(
                ask(&mut clients, &mut tree, stranger, attach),
                Reply::Error(FileError::EACCES)
            ));
        }
    }

    #[test]
    fn any_words_are_answered() {
        let (mut clients, mut tree) = (
            Clients {
                clients: Vec::new(),
            },
            tree(),
        );
        clients.add(1, vec![0; 64], 8);
        let mut state = 1_u64;
        for round in 0..20_000 {
            let words: Vec<u64> = (0..round % 9)
                .map(|index| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    if index == 0 {
                        state >> 58
                    } else {
                        [0, 1, state, u64::MAX][(state >> 62) as usize]
                    }
                })
                .collect();
            assert!(!clients.serve(&mut tree, 1, &words).words().is_empty());
        }
    }
}
