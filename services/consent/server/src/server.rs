//! The loop: requests, frames of the host and deadlines go to the desk; what it decides is carried out.

use crate::devices::Devices;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use sundog_consent_core::desk::{Act, Delivery, Desk, Ticket};
use sundog_consent_core::given::Given;
use sundog_protocols::Words;
use sundog_protocols::control::{Message, ToHost};
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Notification, Reply};
use sundog_rt::cap::{Cap, Error, Rights};
use sundog_rt::sys::Received;
use sundog_rt::sys::abi::Info;
use sundog_service::{Clock, Incoming, Outgoing, Trouble, arrived, outgoing, ring};

/// Requests that can be kept: what waits for the configuration or for the person, and the one that is being handled.
const TICKETS: usize = 80;
/// While so many frames wait for the host, no request is taken, so that nobody fills the memory with log lines.
const BACKLOG: usize = 64;

/// The running program.
pub struct Server {
    desk: Desk,
    clock: Clock,
    environment: Environment,
    requests: Cap<Endpoint>,
    mint: Cap<Endpoint>,
    events: Cap<Notification>,
    devices: Devices,
    from_host: Incoming,
    to_host: Outgoing,
    frames: VecDeque<Vec<u8>>,
    replies: Vec<Cap<Reply>>,
    free: Vec<Ticket>,
}

impl Server {
    /// Maps the rings, connects the notification and looks the devices up.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn new(mut environment: Environment, given: Given) -> Result<Server, Trouble> {
        let events: Cap<Notification> = environment.require("events");
        environment.thread().bind_notification(Some(events))?;
        let clock = Clock::new(environment.start.ticks_per_microsecond);
        let servers = given.devices.iter();
        let servers = servers
            .map(|device| environment.require(&device.capability))
            .collect();
        let resources = &mut environment.resources;
        let slot = resources.slots.take()?;
        let devices = Devices::new(servers, resources.slots.cnode(), slot);
        let mut replies = Vec::with_capacity(TICKETS);
        for _ in 0..TICKETS {
            replies.push(resources.pool.make(&mut resources.slots, 0)?);
        }
        let console: Cap<Notification> = environment.require("wake-console");
        Ok(Server {
            desk: Desk::new(given, clock.now()),
            clock,
            requests: environment.require("requests"),
            mint: environment.require("mint"),
            events,
            devices,
            from_host: Incoming::new(ring(&mut environment, "broker-input")?, console),
            to_host: Outgoing::new(ring(&mut environment, "broker-output")?, console),
            frames: VecDeque::new(),
            replies,
            free: (0..TICKETS).collect(),
            environment,
        })
    }

    /// Serves until something is broken.
    ///
    /// # Errors
    /// Those of the rings and of waiting; never a client's or the host's fault in what they say.
    pub fn run(&mut self) -> Result<(), Trouble> {
        loop {
            self.hear_host()?;
            self.desk.tick(self.clock.now());
            self.carry_out();
            self.tell_host()?;
            if !self.may_sleep()? {
                continue;
            }
            self.wait()?;
        }
    }

    /// Waits for a request, a signal or the desk's deadline, and takes the request.
    fn wait(&mut self) -> Result<(), Trouble> {
        let deadline = self.desk.deadline().map(|end| self.clock.ticks(end));
        let ticket = if self.frames.len() < BACKLOG {
            self.free.pop()
        } else {
            None
        };
        let Some(ticket) = ticket else {
            return match self.events.wait(deadline) {
                Ok(_) | Err(Error::TimedOut) => Ok(()),
                Err(error) => Err(error.into()),
            };
        };
        match self.requests.receive(Some(self.replies[ticket]), deadline) {
            Ok(received) if received.info.has(Info::NOTIFICATION) => self.free.push(ticket),
            Ok(received) => self.take(ticket, &received),
            Err(Error::TimedOut) => self.free.push(ticket),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn take(&mut self, ticket: Ticket, received: &Received) {
        match arrived(&self.environment.message, received) {
            Ok(words) => self
                .desk
                .request(ticket, received.badge, &words, self.clock.now()),
            // A message without words has no label: the desk's answer to an unknown one.
            Err(_) => self
                .desk
                .request(ticket, received.badge, &Words::new(0), self.clock.now()),
        }
    }

    fn hear_host(&mut self) -> Result<(), Trouble> {
        let mut bytes = [0; 4096];
        loop {
            let count = self.from_host.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            self.desk.control(&bytes[..count], self.clock.now());
        }
    }

    fn carry_out(&mut self) {
        while let Some(act) = self.desk.next_act() {
            match act {
                Act::Reply(ticket, words) => {
                    // A caller that is gone meanwhile, or that only sent, gets no answer.
                    let _ = self.reply(ticket, &words, None);
                }
                Act::Deliver(delivery) => self.deliver(&delivery),
                Act::Endpoint(ticket, words, badge) => self.hand_out(ticket, &words, badge),
                Act::Revoke { device, grant } => {
                    let page = &mut self.environment.message;
                    // A server that is gone has dropped all its grants.
                    let _ = self.devices.revoke(page, device, grant);
                }
                Act::Send(message) => self.send(&message),
            }
        }
    }

    fn deliver(&mut self, delivery: &Delivery) {
        let page = &mut self.environment.message;
        match self.devices.order(page, delivery.device, &delivery.order) {
            Ok(capability) => {
                let sent = self.reply(delivery.ticket, &delivery.words, Some(capability));
                self.devices.clear();
                if sent.is_err() {
                    self.desk.lost(delivery, self.clock.now());
                }
            }
            Err(_) => self.desk.absent(delivery, self.clock.now()),
        }
    }

    /// An endpoint of this service for a sandbox's child.
    fn hand_out(&mut self, ticket: Ticket, words: &Words, badge: u64) {
        let slots = &mut self.environment.resources.slots;
        let rights = Rights::SEND.union(Rights::GRANT_REPLY);
        match slots.mint(self.mint, rights, badge) {
            Ok(capability) => {
                // A caller that is gone meanwhile leaves a sandbox that nobody uses, until its parent ends.
                let _ = self.reply(ticket, words, Some(capability));
                // What was copied from it becomes the endpoint's own.
                let _ = self.environment.resources.slots.delete(capability.slot());
            }
            Err(_) => {
                let refused = sundog_consent_core::Refusal::Exhausted.encode();
                let _ = self.reply(ticket, &refused, None);
            }
        }
    }

    /// Replies, perhaps with a capability; the ticket is free again.
    fn reply(
        &mut self,
        ticket: Ticket,
        words: &Words,
        capability: Option<Cap<Endpoint>>,
    ) -> Result<(), Error> {
        let page = &mut self.environment.message;
        let (mut info, registers) = outgoing(page, words);
        if let Some(capability) = capability {
            page.set_capabilities(&[capability.address()]);
            info = info.with_capabilities(1);
        }
        self.free.push(ticket);
        self.replies[ticket].reply(info, &registers)
    }

    fn send(&mut self, message: &ToHost) {
        let mut frame = Vec::new();
        if let Err(bad) = message.encode(&mut frame) {
            let line = alloc::format!("consent: a message could not be sent: {bad:?}");
            // A short line is always within the bounds.
            let _ = ToHost::Trace(line).encode(&mut frame);
        }
        self.frames.push_back(frame);
    }

    /// Writes whole frames only: the console puts its own between them.
    fn tell_host(&mut self) -> Result<(), Trouble> {
        while let Some(frame) = self.frames.front() {
            if !self.to_host.write_whole(frame)? {
                break;
            }
            self.frames.pop_front();
        }
        Ok(())
    }

    fn may_sleep(&mut self) -> Result<bool, Trouble> {
        let room = match self.frames.front() {
            Some(frame) => self.to_host.sleep(frame.len())?,
            None => true,
        };
        Ok(self.from_host.sleep()? && room)
    }
}
