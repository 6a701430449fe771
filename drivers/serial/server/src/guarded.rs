//! The loop of the guarded line: consent orders capabilities, and only their holders get the line's bytes.

use crate::link::Link;
use crate::ports::RegisterPorts;
use alloc::collections::BTreeMap;
use alloc::format;
use sundog_consent_core::guard::{Guard, Outcome};
use sundog_protocols::serial::Failure;
use sundog_protocols::{Words, consent};
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Notification};
use sundog_rt::cap::{Cap, Error, Rights};
use sundog_rt::sys::Received;
use sundog_rt::sys::abi::Info;
use sundog_serial_core::Uart;
use sundog_service::{Clock, arrived, outgoing};

/// The running server.
pub struct Server {
    guard: Guard,
    uart: Uart<RegisterPorts>,
    clock: Clock,
    link: Link,
    environment: Environment,
    mint: Cap<Endpoint>,
    consent: Cap<Endpoint>,
    /// The capabilities that were handed out, from which all copies descend.
    granted: BTreeMap<u64, Cap<Endpoint>>,
}

impl Server {
    /// A server without grants.
    pub fn new(environment: Environment, link: Link, uart: Uart<RegisterPorts>) -> Server {
        Server {
            guard: Guard::new(),
            uart,
            clock: Clock::new(environment.start.ticks_per_microsecond),
            link,
            mint: environment.require("mint"),
            consent: environment.require("consent"),
            environment,
            granted: BTreeMap::new(),
        }
    }

    /// Serves until the endpoint is gone.
    ///
    /// # Errors
    /// Those of waiting and of the device; never a client's fault.
    pub fn run(&mut self) -> Result<(), Error> {
        self.wake_all();
        loop {
            let deadline = self.guard.deadline().map(|end| self.clock.ticks(end));
            let received = self.link.requests.receive(Some(self.link.reply), deadline);
            let received = match received {
                Err(Error::TimedOut) => {
                    let sandboxes = self.guard.tick(self.clock.now());
                    self.wake(&sandboxes);
                    continue;
                }
                received => received?,
            };
            if received.info.has(Info::NOTIFICATION) {
                self.work_off_interrupt()?;
            } else {
                self.serve(&received);
                self.report();
            }
        }
    }

    /// Hands the line's bytes to everybody who holds a grant now. With nobody there they are thrown away: a program never gets what
    /// was said before it was let in.
    fn work_off_interrupt(&mut self) -> Result<(), Error> {
        self.link.acknowledge()?;
        self.uart.interrupt()?;
        let mut bytes = [0; 512];
        loop {
            match self.uart.read(&mut bytes)? {
                0 => return Ok(()),
                count => {
                    let sandboxes = self.guard.arrived(&bytes[..count]);
                    self.wake(&sandboxes);
                }
            }
        }
    }

    fn serve(&mut self, received: &Received) {
        let request = match arrived(&self.environment.message, received) {
            Ok(request) => request,
            Err(_) => return self.reply(&Failure::Malformed.encode(), None),
        };
        match self
            .guard
            .request(received.badge, &request, self.clock.now())
        {
            Outcome::Capability(words, grant) => self.hand_out(&words, grant),
            Outcome::Words(words) => self.reply(&words, None),
            Outcome::Revoked { grant, sandbox } => {
                self.reply(&Words::new(0), None);
                self.clean_up(grant);
                self.wake(&[sandbox]);
            }
        }
    }

    /// Wakes every sandbox: whoever waits for a grant of the server before this one is told at his next call that it is gone.
    fn wake_all(&self) {
        let given = self.environment.start.capabilities();
        for (_, slot) in given.filter(|(name, _)| name.starts_with("wake-")) {
            // A sandbox that is gone needs no wake.
            let _ = Cap::<Notification>::root(slot).signal();
        }
    }

    /// Wakes sandboxes, as far as the system gave a notification for them.
    fn wake(&self, sandboxes: &[u64]) {
        for sandbox in sandboxes {
            let wake: Option<Cap<Notification>> =
                self.environment.capability(&format!("wake-{sandbox}"));
            if let Some(wake) = wake {
                // A sandbox that is gone needs no wake.
                let _ = wake.signal();
            }
        }
    }

    fn hand_out(&mut self, words: &Words, grant: u64) {
        let rights = Rights::SEND.union(Rights::GRANT_REPLY);
        let slots = &mut self.environment.resources.slots;
        match slots.mint(self.mint, rights, grant) {
            Ok(capability) => {
                self.granted.insert(grant, capability);
                self.reply(words, Some(capability));
            }
            Err(_) => {
                self.guard.revoke(grant);
                self.reply(&Failure::Exhausted.encode(), None);
            }
        }
    }

    /// Takes back a revoked grant's capability with all its copies. The grant is dead since the answer; this takes the time it takes.
    fn clean_up(&mut self, grant: u64) {
        let Some(capability) = self.granted.remove(&grant) else {
            return;
        };
        let slots = &mut self.environment.resources.slots;
        // If this fails the slot stays taken and what is in it is a badge that nobody lets through.
        let _ = slots
            .cnode()
            .revoke(capability.slot())
            .and_then(|()| slots.delete(capability.slot()));
    }

    fn reply(&mut self, words: &Words, capability: Option<Cap<Endpoint>>) {
        let page = &mut self.environment.message;
        let (mut info, registers) = outgoing(page, words);
        if let Some(capability) = capability {
            page.set_capabilities(&[capability.address()]);
            info = info.with_capabilities(1);
        }
        // A caller that is gone meanwhile gets no answer; the broker revokes what it does not use.
        let _ = self.link.reply.reply(info, &registers);
    }

    /// Tells the broker of use, without waiting: it may be calling this server just now. What it does not hear now it hears with
    /// the next report.
    fn report(&mut self) {
        for (grant, bytes) in self.guard.used() {
            let words = [consent::label::USED, grant, bytes, 0, 0, 0, 0, 0];
            let info = Info(Info::new(0, 3).0 | Info::NON_BLOCKING);
            if self.consent.send(info, &words, None).is_ok() {
                self.guard.reported(grant, bytes);
            }
        }
    }
}
