//! The loop: one wait for requests and interrupts.

use crate::ports::RegisterPorts;
use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Irq, Notification, Reply};
use sundog_rt::cap::{Cap, Error, Rights};
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::REGISTER_WORDS;
use sundog_rt::sys::{MessagePage, Received};
use sundog_serial_core::protocol::{MAX_WORDS, Message};
use sundog_serial_core::{Action, MAX_PARKED, Service};

/// The badge of the notification that the interrupt line signals.
const INTERRUPT: u64 = 1;

/// The running server.
pub struct Server {
    service: Service<RegisterPorts>,
    requests: Cap<Endpoint>,
    interrupt: Cap<Irq>,
    message: MessagePage,
    /// Reply objects that stand for no call.
    spare: [Option<Cap<Reply>>; MAX_PARKED],
    /// The Reply objects of the callers that wait, by their places.
    parked: [Option<Cap<Reply>>; MAX_PARKED],
    /// The one that the next call arrives with.
    current: Cap<Reply>,
}

impl Server {
    /// Makes the objects and connects the interrupt.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn new(environment: Environment, service: Service<RegisterPorts>) -> Result<Server, Error> {
        let requests = environment.require("requests");
        let interrupt: Cap<Irq> = environment.require("interrupt");
        let thread = environment.thread();
        let Environment {
            mut resources,
            message,
            ..
        } = environment;
        let (pool, slots) = (&mut resources.pool, &mut resources.slots);
        let current = pool.make(slots, 0)?;
        let mut spare = [None; MAX_PARKED];
        for place in &mut spare {
            *place = Some(pool.make(slots, 0)?);
        }
        let events: Cap<Notification> = pool.make(slots, 0)?;
        thread.bind_notification(Some(events))?;
        interrupt.bind(Some(slots.mint(events, Rights::SEND, INTERRUPT)?))?;
        interrupt.acknowledge()?;
        Ok(Server {
            service,
            requests,
            interrupt,
            message,
            spare,
            parked: [None; MAX_PARKED],
            current,
        })
    }

    /// Serves until the endpoint is gone.
    ///
    /// # Errors
    /// Those of waiting; never a client's fault.
    pub fn run(&mut self) -> Result<(), Error> {
        let mut received = self.requests.receive(Some(self.current), None)?;
        loop {
            let answer = if received.info.has(Info::NOTIFICATION) {
                self.work_off_interrupt()?;
                None
            } else {
                self.answer(&received)
            };
            received = match answer {
                Some(message) => {
                    let (info, words) = self.put(&message);
                    self.requests
                        .reply_receive(self.current, info, &words, None)?
                }
                None => self.requests.receive(Some(self.current), None)?,
            };
        }
    }

    /// The answer to a request, if it is ready; else the caller's Reply object is put aside.
    fn answer(&mut self, received: &Received) -> Option<Message> {
        let mut words = [0; MAX_WORDS];
        let length = received.info.words().min(MAX_WORDS);
        if length <= REGISTER_WORDS {
            words[..length].copy_from_slice(&received.words[..length]);
        } else {
            self.message.words(&mut words[..length]);
        }
        match self.service.request(&words[..length]) {
            Action::Reply(message) => Some(message),
            Action::Park(place) => {
                // As many spare objects as places: a free place means a spare object.
                let next = self.spare.iter_mut().find_map(Option::take)?;
                self.parked[place] = Some(core::mem::replace(&mut self.current, next));
                None
            }
        }
    }

    /// The device first: acknowledged before it is looked at, so that an edge in between is a new interrupt. Then the callers.
    fn work_off_interrupt(&mut self) -> Result<(), Error> {
        self.interrupt.acknowledge()?;
        self.service.interrupt()?;
        while let Some(completion) = self.service.completed() {
            let Some(reply) = self.parked[completion.place].take() else {
                continue;
            };
            let (info, words) = self.put(&completion.message);
            // A caller that is gone meanwhile gets no answer, and that is all.
            let _ = reply.reply(info, &words);
            if let Some(place) = self.spare.iter_mut().find(|place| place.is_none()) {
                *place = Some(reply);
            }
        }
        Ok(())
    }

    /// Info and register words of a message; a long one is put into the message page.
    fn put(&mut self, message: &Message) -> (Info, [u64; REGISTER_WORDS]) {
        let all = message.words();
        let mut words = [0; REGISTER_WORDS];
        if all.len() <= REGISTER_WORDS {
            words[..all.len()].copy_from_slice(all);
        } else {
            self.message.set_words(all);
        }
        (Info::new(0, all.len()), words)
    }
}
