//! Endpoints, replies and notifications.

use crate::object::{Endpoint, Notification, Reply};
use crate::{Cap, Result};
use sundog_abi::{Address, Info, Word};
use sundog_sys::{self as sys, Deadline, Received, Short};

impl Cap<Endpoint> {
    /// Sends a message and waits for the reply.
    ///
    /// # Errors
    /// Those of `call`.
    pub fn call(self, info: Info, words: &[Word; 8], deadline: Deadline) -> Result<Received> {
        sys::call(self.address(), info, words, deadline)
    }

    /// [`Cap::call`] with at most four words and no deadline.
    ///
    /// # Errors
    /// Those of `call`; `InvalidArgument` for more than four words.
    pub fn call_short(self, info: Info, words: &[Word; 4]) -> Result<Short> {
        sys::call_short(self.address(), info, words)
    }

    /// Sends a message and waits until it was taken.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn send(self, info: Info, words: &[Word; 8], deadline: Deadline) -> Result<()> {
        sys::send(self.address(), info, words, deadline)
    }

    /// Waits for a message; a call is answered through `reply`.
    ///
    /// # Errors
    /// Those of `receive`.
    pub fn receive(self, reply: Option<Cap<Reply>>, deadline: Deadline) -> Result<Received> {
        let reply = reply.map_or(Address::NULL, Cap::address);
        sys::receive(self.address(), reply, 0, deadline)
    }

    /// Takes a message if one waits.
    ///
    /// # Errors
    /// Those of `receive`; `WouldBlock` if none waits.
    pub fn poll(self, reply: Option<Cap<Reply>>) -> Result<Received> {
        let reply = reply.map_or(Address::NULL, Cap::address);
        sys::receive(self.address(), reply, Info::NON_BLOCKING, None)
    }

    /// Answers the call that `reply` stands for, if it stands for one, then waits for the next message.
    ///
    /// # Errors
    /// Those of `reply_receive`.
    pub fn reply_receive(
        self,
        reply: Cap<Reply>,
        info: Info,
        words: &[Word; 8],
        deadline: Deadline,
    ) -> Result<Received> {
        sys::reply_receive(self.address(), reply.address(), info, words, deadline)
    }
}

impl Cap<Reply> {
    /// Answers the call.
    ///
    /// # Errors
    /// Those of `reply`.
    pub fn reply(self, info: Info, words: &[Word; 8]) -> Result<()> {
        sys::reply(self.address(), info, words)
    }
}

impl Cap<Notification> {
    /// Sets the bits of this capability's badge and wakes one waiter.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn signal(self) -> Result<()> {
        sys::notification_signal(self.address()).map(drop)
    }

    /// Waits until a bit is set, then takes all.
    ///
    /// # Errors
    /// Those of `notification_wait`.
    pub fn wait(self, deadline: Deadline) -> Result<Word> {
        sys::notification_wait(self.address(), deadline.unwrap_or(0)).map(|answer| answer.value)
    }

    /// Takes all bits, perhaps none.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn poll(self) -> Result<Word> {
        sys::notification_poll(self.address()).map(|answer| answer.value)
    }
}
