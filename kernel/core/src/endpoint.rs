//! Endpoint: where calls arrive and a handler runs. The queue holds senders or receivers, never both, first in, first out.

use core::cell::Cell;

use sundog_abi::{Error, Rights};
use sundog_machine::{Opt, Ref, object};

use crate::kernel::{Kernel, Outcome};
use crate::queue::Ends;
use crate::slot::{Slot, flag};
use crate::thread::{State, Thread};

object! {
/// An endpoint.
pub struct Endpoint = 34 {
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// Those with the right to receive.
    pub receivers: Cell<u32>,
    /// The first thread that waits.
    pub first: Opt<Thread>,
    /// The last one.
    pub last: Opt<Thread>,
}
}

impl Endpoint {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(
        Rights::SEND.0
            | Rights::RECEIVE.0
            | Rights::GRANT.0
            | Rights::GRANT_REPLY.0
            | Rights::BADGE.0,
    );

    pub(crate) fn ends(&self) -> Ends<'_> {
        Ends {
            first: &self.first,
            last: &self.last,
        }
    }
}

impl Kernel {
    pub(crate) fn endpoint_gained(&self, endpoint: Ref<Endpoint>, rights: Rights) {
        let endpoint = self.get(endpoint);
        endpoint.count.set(endpoint.count.get() + 1);
        if rights.contains(Rights::RECEIVE) {
            endpoint.receivers.set(endpoint.receivers.get() + 1);
        }
    }

    /// Uncounts a capability. With the last right to receive, those who wait to send hear that the server is dead.
    ///
    /// # Errors
    /// Only `Preempted`: some waiting threads were told, the same call goes on.
    pub(crate) fn endpoint_lost(
        &mut self,
        slot: Ref<Slot>,
        endpoint: Ref<Endpoint>,
        rights: Rights,
    ) -> Outcome {
        let object = self.get(endpoint);
        if rights.contains(Rights::RECEIVE) {
            // At once, so that those who are told cannot queue up again.
            object.receivers.set(object.receivers.get() - 1);
            let capability = self.get(slot);
            capability.set_rights(rights.without(Rights::RECEIVE));
            capability.set(flag::DYING);
        }
        if object.receivers.get() == 0 {
            self.get(slot).set(flag::DYING);
            self.endpoint_drain(endpoint, State::Sending, Error::Dead)?;
        }
        let object = self.get(endpoint);
        if object.count.get() == 1 {
            self.get(slot).set(flag::DYING);
            self.endpoint_drain(endpoint, State::Receiving, Error::Cancelled)?;
            self.token.destroy(endpoint);
            return Ok(());
        }
        object.count.set(object.count.get() - 1);
        Ok(())
    }

    fn endpoint_drain(&self, endpoint: Ref<Endpoint>, state: State, error: Error) -> Outcome {
        while let Some(thread) = self.get(endpoint).first.get() {
            if self.get(thread).state() != state {
                break;
            }
            if self.get(thread).fault.get() != 0 {
                // Its fault handler is gone: it stays where it faulted.
                self.cancel(thread, error);
                self.stop(thread);
            } else {
                self.cancel_and_wake(thread, error);
            }
            self.preemption_point()?;
        }
        Ok(())
    }

    /// Lets a thread wait at an endpoint.
    pub(crate) fn endpoint_wait(&self, endpoint: Ref<Endpoint>, thread: Ref<Thread>, state: State) {
        self.wait_in(thread, state);
        self.get(thread).endpoint.set(Some(endpoint));
        self.queue_append(self.get(endpoint).ends(), thread);
    }

    /// Takes a waiting thread out of the queue.
    pub(crate) fn endpoint_leave(&self, endpoint: Ref<Endpoint>, thread: Ref<Thread>) {
        self.get(thread).endpoint.set(None);
        self.queue_remove(self.get(endpoint).ends(), thread);
    }

    /// The first thread that waits in a state; it stays in the queue.
    pub(crate) fn endpoint_first(
        &self,
        endpoint: Ref<Endpoint>,
        state: State,
    ) -> Option<Ref<Thread>> {
        self.get(endpoint)
            .first
            .get()
            .filter(|thread| self.get(*thread).state() == state)
    }
}
