//! What every type of object has in common: its shape in memory, its first capability, what happens when capabilities come and go.
//!
//! The matches here are exhaustive on purpose: the compiler lists what a new type lacks.

use core::cell::Cell;

use sundog_abi::{ObjectType, Rights};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::context::SchedContext;
use crate::endpoint::Endpoint;
use crate::kernel::{Kernel, Outcome};
use crate::notification::Notification;
use crate::page_tables::PageTables;
use crate::reply::Reply;
use crate::slot::{Slot, flag};
use crate::thread::Thread;
use crate::untyped::PAGE;
use crate::vcpu::VCpu;
use crate::vspace::VSpace;

/// Units and alignment of an object of a type with a header; `None` if there is no such type, or not of that size.
pub(crate) fn object_shape(kind: ObjectType, size: u64) -> Option<(u64, u32)> {
    let plain = |bytes: usize| (size == 0).then_some((bytes as u64 / 64, 1));
    match kind {
        ObjectType::Endpoint => plain(size_of::<Endpoint>()),
        ObjectType::Reply => plain(size_of::<Reply>()),
        ObjectType::Notification => plain(size_of::<Notification>()),
        ObjectType::SchedContext => plain(64 * SchedContext::UNITS as usize),
        ObjectType::Thread => (size == 0).then_some((Thread::UNITS.into(), PAGE)),
        ObjectType::VCpu => (size == 0).then_some((VCpu::UNITS.into(), PAGE)),
        ObjectType::VSpace => (size <= 1).then_some((VSpace::UNITS, PAGE)),
        ObjectType::PageTables => Some((PageTables::units(size)?, PAGE)),
        // These have shapes of their own, or are made by a control capability.
        ObjectType::Untyped
        | ObjectType::Frame
        | ObjectType::CNode
        | ObjectType::Irq
        | ObjectType::IoPorts
        | ObjectType::IrqControl
        | ObjectType::IoPortControl
        | ObjectType::SchedControl
        | ObjectType::IoSpace => None,
    }
}

impl Kernel {
    /// Makes an object of a type with a header out of zeroed memory, and its first capability with all rights.
    pub(crate) fn make_header_object(
        &mut self,
        slot: Ref<Slot>,
        kind: ObjectType,
        size: u64,
        unit: u32,
    ) {
        macro_rules! made {
            ($object:expr, $rights:expr) => {{
                let object = $object;
                self.get(slot).object.set(object);
                $rights
            }};
        }
        let token = &mut self.token;
        let rights: Rights = match kind {
            ObjectType::Endpoint => made!(token.create::<Endpoint>(unit), Endpoint::RIGHTS),
            ObjectType::Reply => made!(token.create::<Reply>(unit), Reply::RIGHTS),
            ObjectType::Notification => {
                made!(token.create::<Notification>(unit), Notification::RIGHTS)
            }
            ObjectType::SchedContext => {
                made!(SchedContext::create(token, unit), SchedContext::RIGHTS)
            }
            ObjectType::Thread => made!(Thread::create(token, unit), Thread::RIGHTS),
            ObjectType::VCpu => made!(VCpu::create(token, unit), VCpu::RIGHTS),
            ObjectType::VSpace => made!(VSpace::create(token, unit, size == 1), VSpace::RIGHTS),
            ObjectType::PageTables => made!(
                PageTables::create(token, unit, size as u32),
                PageTables::RIGHTS
            ),
            _ => unreachable!("object_shape refuses other types"),
        };
        let made = self.get(slot);
        made.rights.set(rights.0);
        if kind == ObjectType::PageTables {
            made.size.set(size as u32);
        }
        self.object_gained(slot);
    }

    /// The count of capabilities in the header of a slot's object; `None` if it has no header, or counts in its own way.
    fn count(&self, slot: Ref<Slot>) -> Option<&Cell<u32>> {
        let object = &self.get(slot).object;
        macro_rules! count {
            ($type:ty) => {
                object.get::<$type>().map(|object| &self.get(object).count)
            };
        }
        match self.get(slot).kind()? {
            ObjectType::CNode => count!(CNode),
            ObjectType::Thread => count!(Thread),
            ObjectType::Reply => count!(Reply),
            ObjectType::Notification => count!(Notification),
            ObjectType::VSpace => count!(VSpace),
            ObjectType::PageTables => count!(PageTables),
            ObjectType::VCpu => count!(VCpu),
            ObjectType::SchedContext => count!(SchedContext),
            ObjectType::Endpoint
            | ObjectType::Untyped
            | ObjectType::Frame
            | ObjectType::Irq
            | ObjectType::IoPorts
            | ObjectType::IrqControl
            | ObjectType::IoPortControl
            | ObjectType::SchedControl
            | ObjectType::IoSpace => None,
        }
    }

    /// Counts a capability that was just put into a slot.
    pub(crate) fn object_gained(&self, slot: Ref<Slot>) {
        let capability = self.get(slot);
        if let Some(endpoint) = capability.object.get::<Endpoint>() {
            self.endpoint_gained(endpoint, capability.rights());
        } else if let Some(count) = self.count(slot) {
            count.set(count.get() + 1);
        }
    }

    /// Uncounts the capability in a slot, which is about to be emptied; the last one ends the object. A CNode that dies by it (as a
    /// thread's capability space) is parked and returned.
    ///
    /// # Errors
    /// Only `Preempted`: the slot is dying, and the same call goes on.
    pub(crate) fn object_lost(&mut self, slot: Ref<Slot>) -> Outcome<Option<Ref<CNode>>> {
        let capability = self.get(slot);
        let Some(kind) = capability.kind() else {
            return Ok(None);
        };
        if let Some(count) = self.count(slot).filter(|count| count.get() > 1) {
            count.set(count.get() - 1);
            if kind == ObjectType::VSpace && capability.has(flag::EMBEDDED) {
                self.vspace_unused(slot);
            }
            return Ok(None);
        }
        let object = &capability.object;
        match kind {
            ObjectType::Endpoint => {
                let rights = capability.rights();
                if let Some(endpoint) = object.get::<Endpoint>() {
                    self.endpoint_lost(slot, endpoint, rights)?;
                }
            }
            ObjectType::Notification => {
                if let Some(notification) = object.get::<Notification>() {
                    capability.set(flag::DYING);
                    self.notification_lost(notification)?;
                }
            }
            ObjectType::Reply => {
                if let Some(reply) = object.get::<Reply>() {
                    self.reply_end(reply);
                }
            }
            ObjectType::SchedContext => {
                if let Some(context) = object.get::<SchedContext>() {
                    capability.set(flag::DYING);
                    self.context_end(context)?;
                }
            }
            ObjectType::Thread => {
                if let Some(thread) = object.get::<Thread>() {
                    capability.set(flag::DYING);
                    return self.thread_end(thread);
                }
            }
            ObjectType::VCpu => {
                if let Some(vcpu) = object.get::<VCpu>() {
                    capability.set(flag::DYING);
                    self.vcpu_end(vcpu)?;
                }
            }
            ObjectType::VSpace => {
                if let Some(vspace) = object.get::<VSpace>() {
                    self.vspace_lost(slot, vspace)?;
                }
            }
            ObjectType::PageTables => {
                if let Some(tables) = object.get::<PageTables>() {
                    self.page_tables_lost(slot, tables)?;
                }
            }
            ObjectType::Frame => self.frame_lost(slot)?,
            ObjectType::Irq => self.irq_lost(object.number()),
            ObjectType::CNode
            | ObjectType::Untyped
            | ObjectType::IoPorts
            | ObjectType::IrqControl
            | ObjectType::IoPortControl
            | ObjectType::SchedControl
            | ObjectType::IoSpace => {}
        }
        Ok(None)
    }
}
