//! What every type of object has in common: its shape in memory, its first capability, what happens when capabilities come and go.
//!
//! The matches here are exhaustive on purpose: the compiler lists what a new type lacks.

use sundog_abi::{ObjectType, Rights};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::endpoint::Endpoint;
use crate::kernel::{Kernel, Outcome};
use crate::notification::Notification;
use crate::slot::Slot;

/// Units and alignment of an object of a type with a header; `None` if there is no such type, or not of that size.
pub(crate) fn object_shape(kind: ObjectType, size: u64) -> Option<(u64, u32)> {
    let units = match kind {
        ObjectType::Endpoint => size_of::<Endpoint>(),
        ObjectType::Notification => size_of::<Notification>(),
        _ => return None,
    } as u64
        / 64;
    (size == 0).then_some((units, 1))
}

impl Kernel {
    /// Makes an object of a type with a header out of zeroed memory, and its first capability with all rights.
    pub(crate) fn make_header_object(
        &mut self,
        slot: Ref<Slot>,
        kind: ObjectType,
        _size: u64,
        unit: u32,
    ) {
        let rights = match kind {
            ObjectType::Endpoint => {
                let endpoint = self.token.create::<Endpoint>(unit);
                self.get(slot).object.set(endpoint);
                Endpoint::RIGHTS
            }
            ObjectType::Notification => {
                let notification = self.token.create::<Notification>(unit);
                self.get(slot).object.set(notification);
                Notification::RIGHTS
            }
            _ => unreachable!("object_shape refuses other types"),
        };
        self.get(slot).rights.set(rights.0);
        self.object_gained(slot);
    }

    /// Counts a capability that was just put into a slot.
    pub(crate) fn object_gained(&self, slot: Ref<Slot>) {
        let capability = self.get(slot);
        let rights = capability.rights();
        if let Some(cnode) = capability.object.get::<CNode>() {
            let count = &self.get(cnode).count;
            count.set(count.get() + 1);
        } else if let Some(endpoint) = capability.object.get::<Endpoint>() {
            self.endpoint_gained(endpoint, rights);
        } else if let Some(notification) = capability.object.get::<Notification>() {
            let count = &self.get(notification).count;
            count.set(count.get() + 1);
        }
    }

    /// Uncounts the capability in a slot, which is about to be emptied; the last one ends the object. A CNode that dies by it (as a
    /// thread's capability space) is parked and returned.
    pub(crate) fn object_lost(&mut self, slot: Ref<Slot>) -> Outcome<Option<Ref<CNode>>> {
        let capability = self.get(slot);
        let rights: Rights = capability.rights();
        if let Some(endpoint) = capability.object.get::<Endpoint>() {
            self.endpoint_lost(endpoint, rights)?;
        } else if let Some(notification) = capability.object.get::<Notification>() {
            self.notification_lost(notification)?;
        }
        Ok(None)
    }
}
