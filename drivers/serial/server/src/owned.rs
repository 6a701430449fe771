//! The loop of a line that its clients own: one wait for requests and interrupts.

use crate::link::{Link, put, take};
use crate::ports::RegisterPorts;
use sundog_rt::Environment;
use sundog_rt::cap::object::Reply;
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::Received;
use sundog_rt::sys::abi::Info;
use sundog_serial_core::protocol::Message;
use sundog_serial_core::{Action, MAX_PARKED, Service};

/// The running server.
pub struct Server {
    service: Service<RegisterPorts>,
    link: Link,
    environment: Environment,
    /// Reply objects that stand for no call.
    spare: [Option<Cap<Reply>>; MAX_PARKED],
    /// The Reply objects of the callers that wait, by their places.
    parked: [Option<Cap<Reply>>; MAX_PARKED],
}

impl Server {
    /// Makes a Reply object for each caller that can wait.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(
        mut environment: Environment,
        link: Link,
        service: Service<RegisterPorts>,
    ) -> Result<Server, Error> {
        let (pool, slots) = (
            &mut environment.resources.pool,
            &mut environment.resources.slots,
        );
        let mut spare = [None; MAX_PARKED];
        for place in &mut spare {
            *place = Some(pool.make(slots, 0)?);
        }
        Ok(Server {
            service,
            link,
            environment,
            spare,
            parked: [None; MAX_PARKED],
        })
    }

    /// Serves until the endpoint is gone.
    ///
    /// # Errors
    /// Those of waiting; never a client's fault.
    pub fn run(&mut self) -> Result<(), Error> {
        let mut received = self.link.requests.receive(Some(self.link.reply), None)?;
        loop {
            let answer = if received.info.has(Info::NOTIFICATION) {
                self.work_off_interrupt()?;
                None
            } else {
                self.answer(&received)
            };
            received = match answer {
                Some(message) => {
                    let (info, words) = put(&mut self.environment, message.words());
                    self.link
                        .requests
                        .reply_receive(self.link.reply, info, &words, None)?
                }
                None => self.link.requests.receive(Some(self.link.reply), None)?,
            };
        }
    }

    /// The answer to a request, if it is ready; else the caller's Reply object is put aside.
    fn answer(&mut self, received: &Received) -> Option<Message> {
        let (words, length) = take(&self.environment, received);
        match self.service.request(&words[..length]) {
            Action::Reply(message) => Some(message),
            Action::Park(place) => {
                // As many spare objects as places: a free place means a spare object.
                let next = self.spare.iter_mut().find_map(Option::take)?;
                self.parked[place] = Some(core::mem::replace(&mut self.link.reply, next));
                None
            }
        }
    }

    /// The device first, then the callers whose wait is over.
    fn work_off_interrupt(&mut self) -> Result<(), Error> {
        self.link.acknowledge()?;
        self.service.interrupt()?;
        while let Some(completion) = self.service.completed() {
            let Some(reply) = self.parked[completion.place].take() else {
                continue;
            };
            let (info, words) = put(&mut self.environment, completion.message.words());
            // A caller that is gone meanwhile gets no answer, and that is all.
            let _ = reply.reply(info, &words);
            if let Some(place) = self.spare.iter_mut().find(|place| place.is_none()) {
                *place = Some(reply);
            }
        }
        Ok(())
    }
}
