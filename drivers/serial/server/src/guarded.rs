//! The loop of the guarded line.

use crate::link::{Link, put, take};
use crate::ports::RegisterPorts;
use sundog_protocols::{Words, consent};
use sundog_rt::Environment;
use sundog_rt::cap::object::Endpoint;
use sundog_rt::cap::{Cap, Error, Rights};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::{Received, ticks};
use sundog_serial_core::{Cleanup, Guard, MAX_GRANTS, Outcome};

/// The running server.
pub struct Server {
    guard: Guard<RegisterPorts>,
    link: Link,
    environment: Environment,
    mint: Cap<Endpoint>,
    consent: Option<Cap<Endpoint>>,
    /// The capabilities that were handed out, from which all copies descend.
    granted: [Option<Cap<Endpoint>>; MAX_GRANTS],
    /// What is to be taken back once the answer is out.
    cleanup: Option<Cleanup>,
}

/// An answer: its words, and the capability that goes along.
struct Answer {
    words: Words,
    capability: Option<Cap<Endpoint>>,
}

impl Server {
    /// A server without grants.
    pub fn new(environment: Environment, link: Link, guard: Guard<RegisterPorts>) -> Server {
        let (mint, consent) = (
            environment.require("mint"),
            environment.capability("consent"),
        );
        Server {
            guard,
            link,
            environment,
            mint,
            consent,
            granted: [None; MAX_GRANTS],
            cleanup: None,
        }
    }

    /// Serves until the endpoint is gone.
    ///
    /// # Errors
    /// Those of waiting; never a client's fault.
    pub fn run(&mut self) -> Result<(), Error> {
        loop {
            let received = self.link.requests.receive(Some(self.link.reply), None)?;
            if received.info.has(Info::NOTIFICATION) {
                self.link.acknowledge()?;
                self.guard.interrupt()?;
                continue;
            }
            let answer = self.answer(&received);
            let (mut info, words) = put(&mut self.environment, answer.words.as_slice());
            if let Some(capability) = answer.capability {
                self.environment
                    .message
                    .set_capabilities(&[capability.address()]);
                info = info.with_capabilities(1);
            }
            // A caller that is gone meanwhile gets no answer; the broker revokes what it does not use.
            let _ = self.link.reply.reply(info, &words);
            self.clean_up();
            self.report();
        }
    }

    fn answer(&mut self, received: &Received) -> Answer {
        let (words, length) = take(&self.environment, received);
        let plain = |words| Answer {
            words,
            capability: None,
        };
        let Ok(request) = Words::from_slice(&words[..length]) else {
            return plain(sundog_protocols::serial::Failure::Malformed.encode());
        };
        match self.guard.request(received.badge, &request, ticks()) {
            Outcome::Reply(words) => plain(words),
            Outcome::Revoke(words, cleanup) => {
                self.cleanup = Some(cleanup);
                plain(words)
            }
            Outcome::Grant(words, badge, place) => {
                let rights = Rights::SEND.union(Rights::GRANT_REPLY);
                match self
                    .environment
                    .resources
                    .slots
                    .mint(self.mint, rights, badge)
                {
                    Ok(capability) => {
                        self.granted[place] = Some(capability);
                        Answer {
                            words,
                            capability: Some(capability),
                        }
                    }
                    Err(_) => plain(self.guard.failed(place)),
                }
            }
        }
    }

    /// Takes back a revoked grant's capability with all its copies. The grant is dead since the answer; this takes the time it takes.
    fn clean_up(&mut self) {
        let Some(cleanup) = self.cleanup.take() else {
            return;
        };
        let Some(capability) = self.granted[cleanup.place].take() else {
            return;
        };
        let slots = &mut self.environment.resources.slots;
        let revoked = slots
            .cnode()
            .revoke(capability.slot())
            .and_then(|()| slots.delete(capability.slot()));
        // Else the place stays out of use; nothing is lost but the place.
        if revoked.is_ok() {
            self.guard.cleaned(cleanup);
        }
    }

    /// Tells the broker of use, if it is ready to hear it; else later.
    fn report(&mut self) {
        let (Some(consent), Some((grant, bytes))) = (self.consent, self.guard.used()) else {
            return;
        };
        let words = [consent::label::USED, grant, bytes, 0, 0, 0, 0, 0];
        let info = Info(Info::new(0, 3).0 | Info::NON_BLOCKING);
        if consent.send(info, &words, None).is_ok() {
            self.guard.reported(grant, bytes);
        }
    }
}
