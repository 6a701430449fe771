//! What both kinds of server have: the endpoint, the interrupt, and messages in registers or in the page.

use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Irq, Notification, Reply};
use sundog_rt::cap::{Cap, Error, Rights};
use sundog_rt::sys::Received;
use sundog_rt::sys::abi::Info;
use sundog_rt::sys::abi::message::{MAX_WORDS, REGISTER_WORDS};

/// The badge of the notification that the interrupt line signals.
const INTERRUPT: u64 = 1;

/// Register words of a message.
pub type Registers = [u64; REGISTER_WORDS];

/// Where requests and interrupts come from.
pub struct Link {
    /// The endpoint.
    pub requests: Cap<Endpoint>,
    /// The Reply object that the next call arrives with.
    pub reply: Cap<Reply>,
    interrupt: Cap<Irq>,
}

impl Link {
    /// Makes Reply object and notification and connects the interrupt.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn new(environment: &mut Environment) -> Result<Link, Error> {
        let requests = environment.require("requests");
        let interrupt: Cap<Irq> = environment.require("interrupt");
        let thread = environment.thread();
        let (pool, slots) = (
            &mut environment.resources.pool,
            &mut environment.resources.slots,
        );
        let reply = pool.make(slots, 0)?;
        let events: Cap<Notification> = pool.make(slots, 0)?;
        thread.bind_notification(Some(events))?;
        interrupt.bind(Some(slots.mint(events, Rights::SEND, INTERRUPT)?))?;
        interrupt.acknowledge()?;
        Ok(Link {
            requests,
            reply,
            interrupt,
        })
    }

    /// Lets the line interrupt again. To be done before the device is looked at, so that an edge in between is a new interrupt.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn acknowledge(&self) -> Result<(), Error> {
        self.interrupt.acknowledge()
    }
}

/// The words of a message that arrived, and how many of them count.
pub fn take(environment: &Environment, received: &Received) -> ([u64; MAX_WORDS], usize) {
    let mut words = [0; MAX_WORDS];
    let length = received.info.words().min(MAX_WORDS);
    if length <= REGISTER_WORDS {
        words[..length].copy_from_slice(&received.words[..length]);
    } else {
        environment.message.words(&mut words[..length]);
    }
    (words, length)
}

/// Info and register words of a message to send; a long one is put into the message page.
pub fn put(environment: &mut Environment, all: &[u64]) -> (Info, Registers) {
    let mut words = [0; REGISTER_WORDS];
    if all.len() <= REGISTER_WORDS {
        words[..all.len()].copy_from_slice(all);
    } else {
        environment.message.set_words(all);
    }
    (Info::new(0, all.len()), words)
}
