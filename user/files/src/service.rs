//! A server: one loop that receives requests, with a session and a ring for each client.
//!
//! Given: `requests` (the endpoint), `data` (the ring shared with the client whose badge is 1), and for further clients `data-2` with
//! badge 2 and so on; perhaps `ended` (a notification whose bit 0 says that the client with badge 1 has ended, and so on). A caller with
//! another badge is refused, so no client reaches another's ring.

use crate::clients::Clients;
use crate::connection::IN_RING;
use crate::message::{Answer, REGISTERS};
use core::convert::Infallible;
use sundog_protocols::file::FileServer;
use sundog_rt::cap::object::{Endpoint, Notification, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::ring::Mapped;
use sundog_rt::sys::Received;
use sundog_rt::sys::abi::Info;
use sundog_rt::{Environment, Resources};

/// What the loop needs of the environment.
pub struct Service {
    requests: Cap<Endpoint>,
    reply: Cap<Reply>,
    clients: Clients<Mapped>,
}

impl Service {
    /// Maps the rings of the clients and makes the Reply object. `handles`: the most that all clients together may hold.
    ///
    /// # Errors
    /// Those of mapping; `NotEnoughMemory`. The resources are given back for what the tree itself needs.
    pub fn new(
        mut environment: Environment,
        handles: usize,
    ) -> Result<(Service, Resources), Error> {
        let requests = environment.require("requests");
        let clients = Clients::given(&mut environment, handles)?;
        if let Some(ended) = environment.capability::<Notification>("ended") {
            environment.thread().bind_notification(Some(ended))?;
        }
        let mut resources = environment.resources;
        let reply = resources.pool.make(&mut resources.slots, 0)?;
        Ok((
            Service {
                requests,
                reply,
                clients,
            },
            resources,
        ))
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients.count()
    }

    /// Serves until the endpoint is gone: the first client sees the first tree and so on, and the last tree is for all others.
    ///
    /// # Errors
    /// Those of waiting; never a client's fault.
    pub fn run(mut self, trees: &mut [&mut dyn FileServer]) -> Result<Infallible, Error> {
        let mut received = self.requests.receive(Some(self.reply), None)?;
        loop {
            if received.info.has(Info::NOTIFICATION) {
                self.clients.ended(trees, received.words[0]);
                received = self.requests.receive(Some(self.reply), None)?;
                continue;
            }
            let answer = self.answer(trees, &received);
            let label = if answer.in_ring { IN_RING } else { 0 };
            let info = Info::new(label, answer.length);
            received = self
                .requests
                .reply_receive(self.reply, info, &answer.words, None)?;
        }
    }

    fn answer(&mut self, trees: &mut [&mut dyn FileServer], received: &Received) -> Answer {
        // A longer message is none of this protocol, and its decoder says so.
        let length = received.info.words().min(REGISTERS);
        self.clients
            .serve(trees, received.badge, &received.words[..length])
    }
}
