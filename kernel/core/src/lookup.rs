//! Resolving capability addresses: at most two steps, each index checked against its own CNode.

use sundog_abi::{Address, Error, ObjectType, Rights};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::kernel::Kernel;
use crate::slot::{Slot, flag};

impl Kernel {
    /// The slot that `address` names in the capability space whose root capability lies in `space`. It may be empty.
    ///
    /// # Errors
    /// `NotConfigured` if `space` holds no CNode, `InvalidAddress`, `WrongType` or `MissingRights` for the step.
    pub fn slot_at(&self, space: Ref<Slot>, address: Address) -> Result<Ref<Slot>, Error> {
        let root = self.get(space);
        if root.has(flag::MARKED) {
            return Err(Error::NotConfigured);
        }
        let mut cnode = root.object.get::<CNode>().ok_or(Error::NotConfigured)?;
        if let Some(step) = address.step() {
            let slot = self.cnode_slot(cnode, step).ok_or(Error::InvalidAddress)?;
            let inner = self.usable(slot, ObjectType::CNode, Rights::USE)?;
            cnode = self.get(inner).object.get().ok_or(Error::WrongType)?;
        }
        self.cnode_slot(cnode, address.index())
            .ok_or(Error::InvalidAddress)
    }

    /// The capability of any type that `address` names.
    ///
    /// # Errors
    /// As [`Kernel::slot_at`]; `InvalidAddress` if the slot is empty, `Revoked` if the capability is being removed.
    pub fn capability(&self, space: Ref<Slot>, address: Address) -> Result<Ref<Slot>, Error> {
        let slot = self.slot_at(space, address)?;
        self.alive(slot)
    }

    /// The capability of type `kind` with at least `rights` that `address` names.
    ///
    /// # Errors
    /// As [`Kernel::capability`], and `WrongType`, `MissingRights`.
    pub fn look_up(
        &self,
        space: Ref<Slot>,
        address: Address,
        kind: ObjectType,
        rights: Rights,
    ) -> Result<Ref<Slot>, Error> {
        let slot = self.slot_at(space, address)?;
        self.usable(slot, kind, rights)
    }

    fn alive(&self, slot: Ref<Slot>) -> Result<Ref<Slot>, Error> {
        let capability = self.get(slot);
        if capability.is_empty() {
            return Err(Error::InvalidAddress);
        }
        if capability.has(flag::MARKED | flag::DYING) {
            return Err(Error::Revoked);
        }
        Ok(slot)
    }

    fn usable(
        &self,
        slot: Ref<Slot>,
        kind: ObjectType,
        rights: Rights,
    ) -> Result<Ref<Slot>, Error> {
        let slot = self.alive(slot)?;
        let capability = self.get(slot);
        if capability.object.kind() != kind as u8 {
            return Err(Error::WrongType);
        }
        if !capability.rights().contains(rights) {
            return Err(Error::MissingRights);
        }
        Ok(slot)
    }
}
