//! Runs a file tree as a program: one loop that receives requests, with a session and a shared area for each client.
//!
//! Given: `requests` (the endpoint), `data` (the frame of the area shared with the client whose badge is 1), and for further
//! clients `data-2` with badge 2 and so on. A caller with another badge is refused, so no client reaches another's area.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

mod area;
mod clients;

pub use area::Area;
pub use clients::Clients;

use core::convert::Infallible;
use sundog_protocols::file::FileServer;
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Reply};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::{MAX_WORDS, REGISTER_WORDS};
use sundog_rt::sys::{MessagePage, Received};

/// What the loop needs of the environment.
pub struct Service {
    requests: Cap<Endpoint>,
    reply: Cap<Reply>,
    message: MessagePage,
    clients: Clients<Area>,
}

impl Service {
    /// Maps the areas of the clients and makes the Reply object. `handles`: the most that each client may hold.
    ///
    /// # Errors
    /// Those of mapping; `NotEnoughMemory`. The environment is given back for what the tree itself needs.
    pub fn new(
        mut environment: Environment,
        handles: usize,
    ) -> Result<(Service, sundog_rt::Resources), Error> {
        let requests = environment.require("requests");
        let clients = Clients::given(&mut environment, handles)?;
        let Environment {
            mut resources,
            message,
            ..
        } = environment;
        let reply = resources.pool.make(&mut resources.slots, 0)?;
        Ok((
            Service {
                requests,
                reply,
                message,
                clients,
            },
            resources,
        ))
    }

    /// Serves until the endpoint is gone.
    ///
    /// # Errors
    /// Those of waiting; never a client's fault.
    pub fn run(mut self, server: &mut dyn FileServer) -> Result<Infallible, Error> {
        let mut received = self.requests.receive(Some(self.reply), None)?;
        loop {
            let (info, words) = self.answer(server, &received);
            received = self
                .requests
                .reply_receive(self.reply, info, &words, None)?;
        }
    }

    fn answer(
        &mut self,
        server: &mut dyn FileServer,
        received: &Received,
    ) -> (Info, [u64; REGISTER_WORDS]) {
        // Requests fit into registers; a longer message is none, and its decoder says so.
        let length = received.info.words().min(MAX_WORDS);
        let request = received.words.get(..length).unwrap_or_default();
        let answer = self.clients.serve(server, received.badge, request);
        let all = answer.words();
        let mut words = [0; REGISTER_WORDS];
        if all.len() <= REGISTER_WORDS {
            words[..all.len()].copy_from_slice(all);
        } else {
            self.message.set_words(all);
        }
        (Info::new(0, all.len()), words)
    }
}
