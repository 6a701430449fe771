//! CNode: a table of slots. Copy, mint, move and inspect; delete and revoke have files of their own.

use core::cell::Cell;

use sundog_abi::{Error, ObjectType, Rights};
use sundog_machine::{Opt, Ref, Token, object};

use crate::kernel::Kernel;
use crate::slot::{Slot, flag};

object! {
/// The header of a CNode. Behind it lie one slot that parks the last capability while the CNode is taken apart, then slots 1 and up.
pub struct CNode = 32 {
    /// Capabilities to this CNode.
    pub count: Cell<u32>,
    /// Slots, the never used slot 0 included.
    pub slots: Cell<u32>,
    /// While it is taken apart: the next slot to empty.
    pub cursor: Cell<u32>,
    /// While it is taken apart: the CNode found inside of which it was the last capability, or one found earlier.
    pub next: Opt<CNode>,
    /// The one that leads here by `next`.
    pub previous: Opt<CNode>,
    /// The thread whose call takes it apart, and which must hear of the end.
    pub deleter: Opt<crate::Thread>,
}
}

impl CNode {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::READ.0 | Rights::WRITE.0 | Rights::USE.0);

    /// Units of memory of a CNode with that many slots.
    pub const fn units(slots: u32) -> u32 {
        1 + slots
    }

    /// Makes a CNode out of zeroed memory.
    pub(crate) fn create(token: &mut Token, unit: u32, slots: u32) -> Ref<CNode> {
        let cnode = token.create::<CNode>(unit);
        for slot in 0..slots {
            token.create::<Slot>(unit + 1 + slot);
        }
        token.get(cnode).slots.set(slots);
        cnode
    }
}

impl Kernel {
    /// A slot of a CNode; `None` if there is none of that number.
    pub fn cnode_slot(&self, cnode: Ref<CNode>, index: u32) -> Option<Ref<Slot>> {
        (index > 0 && index < self.get(cnode).slots.get()).then(|| cnode.part(1 + index))
    }

    /// The slot that parks a CNode's last capability.
    pub(crate) fn cnode_parking(&self, cnode: Ref<CNode>) -> Ref<Slot> {
        cnode.part(1)
    }

    /// An empty slot of a CNode.
    ///
    /// # Errors
    /// `OutOfRange` if there is no such slot, `SlotOccupied` if it holds something.
    pub fn cnode_empty_slot(&self, cnode: Ref<CNode>, index: u32) -> Result<Ref<Slot>, Error> {
        let slot = self.cnode_slot(cnode, index).ok_or(Error::OutOfRange)?;
        if self.get(slot).is_empty() {
            Ok(slot)
        } else {
            Err(Error::SlotOccupied)
        }
    }

    /// Whether `source` may have children now.
    pub(crate) fn may_derive(&self, source: Ref<Slot>) -> Result<(), Error> {
        let slot = self.get(source);
        if slot.has(flag::MARKED | flag::REVOKING | flag::DYING) {
            Err(Error::Revoked)
        } else {
            Ok(())
        }
    }

    /// Copies a capability into an empty slot as a child, with at most `rights` and, if given, a badge.
    ///
    /// # Errors
    /// `Revoked` while the source is being removed or revoked, `NotCopyable` for Untyped and control capabilities and Replies; with a badge
    /// `InvalidArgument` for other types than Endpoint and Notification or badge 0 or one that has one, `MissingRights` without `badge`.
    pub fn cnode_copy(
        &self,
        source: Ref<Slot>,
        target: Ref<Slot>,
        rights: Rights,
        badge: Option<u64>,
    ) -> Result<(), Error> {
        let from = self.get(source);
        self.may_derive(source)?;
        match from.kind() {
            None => return Err(Error::InvalidAddress),
            Some(
                ObjectType::Untyped
                | ObjectType::Reply
                | ObjectType::Irq
                | ObjectType::IrqControl
                | ObjectType::IoPortControl
                | ObjectType::SchedControl,
            ) => return Err(Error::NotCopyable),
            Some(_) => {}
        }
        let mut rights = from.rights().intersection(rights);
        if let Some(badge) = badge {
            if !matches!(
                from.kind(),
                Some(ObjectType::Endpoint | ObjectType::Notification)
            ) || badge == 0
                || from.badge.get() != 0
            {
                return Err(Error::InvalidArgument);
            }
            if !from.rights().contains(Rights::BADGE) {
                return Err(Error::MissingRights);
            }
            rights = rights.without(Rights::BADGE);
        }
        let to = self.get(target);
        to.describe_as(from);
        to.set_rights(rights);
        if let Some(badge) = badge {
            to.badge.set(badge);
        }
        self.tree_insert(source, target);
        self.object_gained(target);
        Ok(())
    }

    /// What `cnode_inspect` answers: type, rights and size in one word, and the second value.
    pub fn cnode_describe(&self, slot: Ref<Slot>) -> (u64, u64) {
        let slot = self.get(slot);
        let size = match slot.kind() {
            Some(ObjectType::Untyped) => slot.size.get() / 64,
            _ => slot.size.get(),
        };
        let word = u64::from(slot.object.kind())
            | u64::from(slot.rights().0) << 16
            | u64::from(size) << 32;
        let second = match slot.kind() {
            Some(ObjectType::Irq | ObjectType::IoPorts) => u64::from(slot.object.number()),
            _ => slot.badge.get(),
        };
        (word, second)
    }
}

impl Kernel {
    /// Makes init's CNode at boot, out of zeroed memory; its first capability, with all rights, lies in its own slot 1.
    pub fn boot_cnode(&mut self, unit: u32, slots: u32) -> Ref<CNode> {
        let cnode = CNode::create(&mut self.token, unit, slots);
        let own: Ref<Slot> = cnode.part(2);
        let slot = self.get(own);
        slot.object.set(cnode);
        slot.size.set(slots);
        slot.set_rights(CNode::RIGHTS);
        self.get(cnode).count.set(1);
        self.tree_insert(self.root(), own);
        cnode
    }
}
