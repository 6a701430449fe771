//! Endpoint: where calls arrive and a handler runs.

use core::cell::Cell;

use sundog_abi::Rights;
use sundog_machine::{Ref, object};

use crate::kernel::{Kernel, Outcome};

object! {
/// An endpoint.
pub struct Endpoint = 34 {
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// Those with the right to receive.
    pub receivers: Cell<u32>,
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
}

impl Kernel {
    pub(crate) fn endpoint_gained(&self, endpoint: Ref<Endpoint>, rights: Rights) {
        let endpoint = self.get(endpoint);
        endpoint.count.set(endpoint.count.get() + 1);
        if rights.contains(Rights::RECEIVE) {
            endpoint.receivers.set(endpoint.receivers.get() + 1);
        }
    }

    pub(crate) fn endpoint_lost(&mut self, endpoint: Ref<Endpoint>, rights: Rights) -> Outcome {
        let object = self.get(endpoint);
        object.count.set(object.count.get() - 1);
        if rights.contains(Rights::RECEIVE) {
            object.receivers.set(object.receivers.get() - 1);
        }
        if object.count.get() == 0 {
            self.token.destroy(endpoint);
        }
        Ok(())
    }
}
