//! Calls on memory and capabilities: Untyped and CNode, and notifications.

use sundog_abi::{Address, Error, ObjectType, Rights, Slot as Number};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::dispatch::{Call, Values};
use crate::kernel::Outcome;
use crate::notification::Notification;
use crate::slot::Slot;
use crate::untyped::Retype;

const DONE: Outcome<Values> = Ok((0, 0));

impl Call<'_> {
    pub fn abi_version(&mut self) -> Values {
        (sundog_abi::ABI_VERSION, 0)
    }

    fn cnode(&self, slot: Ref<Slot>) -> Result<Ref<CNode>, Error> {
        self.kernel.get(slot).object.get().ok_or(Error::WrongType)
    }

    /// The slot of that number in the CNode whose capability is in `slot`.
    fn slot_in(&self, slot: Ref<Slot>, number: Number) -> Result<Ref<Slot>, Error> {
        self.kernel
            .cnode_slot(self.cnode(slot)?, number.0)
            .ok_or(Error::OutOfRange)
    }

    pub fn untyped_retype(
        &mut self,
        slot: Ref<Slot>,
        kind: ObjectType,
        size: u64,
        cnode: Address,
        first: Number,
        count: u64,
    ) -> Outcome<Values> {
        let space = self.kernel.thread_cspace(self.thread);
        let target = self.kernel.writable_cnode(space, cnode)?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let what = Retype {
            kind,
            size,
            target,
            first: first.0,
            count,
        };
        Ok((self.kernel.untyped_retype(slot, what)?.into(), 0))
    }

    pub fn untyped_reset(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        self.kernel.untyped_reset(slot)?;
        DONE
    }

    /// Source and empty destination of a copy, mint or move.
    fn ends(
        &self,
        slot: Ref<Slot>,
        number: Number,
        source: Address,
    ) -> Result<(Ref<Slot>, Ref<Slot>), Error> {
        let target = self.kernel.cnode_empty_slot(self.cnode(slot)?, number.0)?;
        let source = self
            .kernel
            .capability(self.kernel.thread_cspace(self.thread), source)?;
        Ok((source, target))
    }

    pub fn cnode_copy(
        &mut self,
        slot: Ref<Slot>,
        number: Number,
        source: Address,
        rights: Rights,
    ) -> Outcome<Values> {
        let (source, target) = self.ends(slot, number, source)?;
        self.kernel.cnode_copy(source, target, rights, None)?;
        DONE
    }

    pub fn cnode_mint(
        &mut self,
        slot: Ref<Slot>,
        number: Number,
        source: Address,
        rights: Rights,
        badge: u64,
    ) -> Outcome<Values> {
        let (source, target) = self.ends(slot, number, source)?;
        self.kernel
            .cnode_copy(source, target, rights, Some(badge))?;
        DONE
    }

    pub fn cnode_move(
        &mut self,
        slot: Ref<Slot>,
        number: Number,
        source: Address,
    ) -> Outcome<Values> {
        let (source, target) = self.ends(slot, number, source)?;
        self.kernel.slot_move(source, target);
        DONE
    }

    pub fn cnode_delete(&mut self, slot: Ref<Slot>, number: Number) -> Outcome<Values> {
        let target = self.slot_in(slot, number)?;
        self.kernel.delete(target)?;
        DONE
    }

    pub fn cnode_revoke(&mut self, slot: Ref<Slot>, number: Number) -> Outcome<Values> {
        let target = self.slot_in(slot, number)?;
        self.kernel.revoke(target)?;
        DONE
    }

    pub fn cnode_inspect(&mut self, slot: Ref<Slot>, number: Number) -> Outcome<Values> {
        let target = self.slot_in(slot, number)?;
        Ok(self.kernel.cnode_describe(target))
    }

    fn notification(&self, slot: Ref<Slot>) -> Result<Ref<Notification>, Error> {
        self.kernel.get(slot).object.get().ok_or(Error::WrongType)
    }

    pub fn notification_signal(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        // An unbadged capability signals the lowest bit.
        let bits = self.kernel.get(slot).badge.get().max(1);
        let notification = self.notification(slot)?;
        self.kernel.notification_signal(notification, bits);
        DONE
    }

    pub fn notification_wait(&mut self, slot: Ref<Slot>, deadline: u64) -> Outcome<Values> {
        let notification = self.notification(slot)?;
        let word = self
            .kernel
            .notification_wait(notification, self.thread, deadline)?;
        // A thread that waits gets the word when it is woken.
        Ok((word.unwrap_or(0), 0))
    }

    pub fn notification_poll(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let notification = self.notification(slot)?;
        Ok((self.kernel.get(notification).word.replace(0), 0))
    }
}
