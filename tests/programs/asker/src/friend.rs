//! Another program that this one shares its device with, if the manifest lets one ask.
//!
//! Each of its three calls is answered when it is to go on; an answer is one word, 0.
//!
//! | call | words | the answer |
//! |---|---|---|
//! | wants the device | 0 | comes with a copy of the capability, with the right `send` alone |
//! | has recorded | rights of its capability, number of bytes, bytes | comes when the device was taken away |
//! | has failed | the error's number | |

use alloc::string::String;
use sundog_protocols::Words;
use sundog_rt::Environment;
use sundog_rt::cap::object::{CNode, Endpoint, Reply};
use sundog_rt::cap::{Cap, Rights};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::{Address, Error, from_status};
use sundog_service::{Trouble, arrived, outgoing};

/// The most bytes that it tells of.
const MOST: usize = 48;

/// This program's end of the line to the other one.
pub struct Friend {
    requests: Cap<Endpoint>,
    reply: Cap<Reply>,
    /// This program's own, where the narrower copy is made.
    cnode: Cap<CNode>,
    slot: u32,
}

impl Friend {
    /// The friend, if the manifest has one.
    ///
    /// # Errors
    /// `NotEnoughMemory`.
    pub fn new(environment: &mut Environment) -> Result<Option<Friend>, Trouble> {
        let Some(requests) = environment.capability("friends") else {
            return Ok(None);
        };
        let (pool, slots) = (
            &mut environment.resources.pool,
            &mut environment.resources.slots,
        );
        Ok(Some(Friend {
            requests,
            reply: pool.make(slots, 0)?,
            cnode: slots.cnode(),
            slot: slots.take()?,
        }))
    }

    /// Waits until it wants the device, and hands it a narrower copy of `device`, which this program goes on to use.
    ///
    /// # Errors
    /// Those of the calls that it makes.
    pub fn give(&self, page: &mut MessagePage, device: Cap<Endpoint>) -> Result<(), Trouble> {
        self.hear(page)?;
        self.cnode.copy(self.slot, device.address(), Rights::SEND)?;
        let (info, registers) = outgoing(page, &Words::new(0));
        page.set_capabilities(&[Address::root(self.slot)]);
        Ok(self.reply.reply(info.with_capabilities(1), &registers)?)
    }

    /// Waits until it has recorded; says what, and by which rights. It waits for [`Friend::failed`] then.
    ///
    /// # Errors
    /// Those of waiting.
    pub fn recorded(&self, page: &mut MessagePage) -> Result<String, Trouble> {
        let words = self.hear(page)?;
        let rights = Rights(words.label() as u16);
        let mut reader = words.reader();
        let length = reader.word().unwrap_or(0) as usize;
        let text = reader.text(length, MOST).unwrap_or_default();
        Ok(alloc::format!("by {}: {text}", names(rights)))
    }

    /// Lets it go on, and waits until it has failed; says how.
    ///
    /// # Errors
    /// Those of answering and waiting.
    pub fn failed(&self, page: &mut MessagePage) -> Result<Option<Error>, Trouble> {
        self.release(page)?;
        let words = self.hear(page)?;
        self.release(page)?;
        Ok(from_status(words.label()).err())
    }

    /// Answers its call.
    fn release(&self, page: &mut MessagePage) -> Result<(), Trouble> {
        let (info, registers) = outgoing(page, &Words::new(0));
        Ok(self.reply.reply(info, &registers)?)
    }

    /// Waits for its next call.
    fn hear(&self, page: &mut MessagePage) -> Result<Words, Trouble> {
        let received = self.requests.receive(Some(self.reply), None)?;
        Ok(arrived(page, &received).unwrap_or_else(|_| Words::new(0)))
    }
}

/// The names of rights.
pub fn names(rights: Rights) -> String {
    let held = Rights::NAMES
        .iter()
        .filter(|(_, right)| rights.contains(*right));
    let names: alloc::vec::Vec<&str> = held.map(|(name, _)| *name).collect();
    names.join(", ")
}
