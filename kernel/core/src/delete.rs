//! Deleting capabilities, and taking CNodes apart without recursion.
//!
//! The last capability of a CNode takes all that it holds along, other CNodes included, to any depth and in circles. So a CNode that
//! dies is not walked into: its last capability is parked in its own header (in the same place of the tree), the slot that held
//! it is free, and the CNode joins a chain of others that wait to be taken apart by the same call. Whoever meets a parked capability
//! while it sweeps the tree takes that CNode apart too; all progress is in the objects, so any of them may go on.

use sundog_abi::ObjectType;
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::kernel::{Kernel, Outcome, Stop};
use crate::slot::{Slot, flag};

impl Kernel {
    /// Empties a slot. With the last capability goes the object, and with a CNode all that is in it.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on. If `unfinished` is set then, the slot is empty already, and the call
    /// must go on with [`Kernel::cnode_take_apart`] of it.
    pub fn delete(&mut self, slot: Ref<Slot>) -> Outcome {
        match self.delete_one(slot)? {
            Some(cnode) => self.cnode_take_apart(cnode),
            None => Ok(()),
        }
    }

    /// Empties a slot, but leaves a CNode that dies by it parked for the caller to take apart.
    pub(crate) fn delete_one(&mut self, slot: Ref<Slot>) -> Outcome<Option<Ref<CNode>>> {
        let capability = self.get(slot);
        if capability.is_empty() {
            return Ok(None);
        }
        if let Some(cnode) = capability.object.get::<CNode>() {
            let header = self.get(cnode);
            if header.count.get() == 1 {
                return Ok(Some(self.cnode_park(cnode, slot)));
            }
            header.count.set(header.count.get() - 1);
        } else {
            let found = self.object_lost(slot)?;
            self.slot_clear(slot);
            return Ok(found);
        }
        self.slot_clear(slot);
        Ok(None)
    }

    /// Takes a slot out of the tree and empties it.
    pub(crate) fn slot_clear(&mut self, slot: Ref<Slot>) {
        if self.watched == Some(slot) {
            self.watched = None;
        }
        self.tree_remove(slot);
        self.get(slot).reset();
    }

    /// Moves a capability into an empty slot.
    pub fn slot_move(&mut self, from: Ref<Slot>, to: Ref<Slot>) {
        if self.watched == Some(from) {
            self.watched = Some(to);
        }
        self.tree_move(from, to);
    }

    /// Moves the last capability of a CNode into its header.
    fn cnode_park(&mut self, cnode: Ref<CNode>, slot: Ref<Slot>) -> Ref<CNode> {
        let parking = self.cnode_parking(cnode);
        if slot != parking {
            self.slot_move(slot, parking);
            self.get(parking).set(flag::DYING);
            self.get(cnode).cursor.set(1);
        }
        cnode
    }

    /// Empties a CNode whose last capability is parked, then those that were found inside, then ends them.
    ///
    /// # Errors
    /// Only `Preempted`; [`Kernel::unfinished`] names the CNode then.
    pub fn cnode_take_apart(&mut self, root: Ref<CNode>) -> Outcome {
        self.unfinished = Some(root);
        loop {
            let header = self.get(root);
            let own = header.cursor.get() < header.slots.get();
            // A CNode in somebody's chain is only emptied itself; what was found in it waits in the same chain.
            let waiting = if header.previous.is_none() {
                header.next.get()
            } else {
                None
            };
            match (own, waiting) {
                (true, _) => self.cnode_empty_next(root)?,
                (false, Some(inner))
                    if self.get(inner).cursor.get() < self.get(inner).slots.get() =>
                {
                    self.cnode_empty_next(inner)?
                }
                (false, Some(inner)) => self.cnode_end(inner),
                (false, None) => {
                    self.cnode_end(root);
                    self.unfinished = None;
                    return Ok(());
                }
            }
            self.preemption_point()?;
        }
    }

    /// Empties the slot at the cursor.
    fn cnode_empty_next(&mut self, cnode: Ref<CNode>) -> Outcome {
        let cursor = self.get(cnode).cursor.get();
        let slot: Ref<Slot> = cnode.part(1 + cursor);
        if self.watched == Some(slot) {
            let owner = self.get(slot);
            if owner.first_child.get() != owner.last_child.get() {
                self.postponed = true;
                return Err(Stop::Preempted);
            }
        }
        if let Some(inner) = self.delete_one(slot)? {
            self.chain_insert(cnode, inner);
        }
        self.get(cnode).cursor.set(cursor + 1);
        Ok(())
    }

    /// Puts `inner` behind `cnode` in its chain.
    fn chain_insert(&self, cnode: Ref<CNode>, inner: Ref<CNode>) {
        let (here, new) = (self.get(cnode), self.get(inner));
        let behind = here.next.get();
        new.previous.set(Some(cnode));
        new.next.set(behind);
        here.next.set(Some(inner));
        if let Some(behind) = behind {
            self.get(behind).previous.set(Some(inner));
        }
    }

    /// Ends an empty CNode.
    fn cnode_end(&mut self, cnode: Ref<CNode>) {
        let header = self.get(cnode);
        let (previous, next) = (header.previous.get(), header.next.get());
        if let Some(previous) = previous {
            self.get(previous).next.set(next);
        }
        if let Some(next) = next {
            self.get(next).previous.set(previous);
        }
        if let Some(deleter) = header.deleter.take() {
            self.get(deleter).deleting.set(None);
        }
        let parking = self.cnode_parking(cnode);
        self.slot_clear(parking);
        let slots = self.get(cnode).slots.get();
        for slot in 0..slots {
            self.token.destroy(cnode.part::<Slot>(1 + slot));
        }
        self.token.destroy(cnode);
    }

    /// Removes every capability derived from the one in `slot`.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on.
    pub(crate) fn sweep_one(&mut self, slot: Ref<Slot>) -> Outcome {
        let capability = self.get(slot);
        if capability.has(flag::DYING)
            && capability.kind() == Some(ObjectType::CNode)
            && let Some(cnode) = capability.object.get::<CNode>()
        {
            return self.cnode_take_apart(cnode);
        }
        self.delete(slot)
    }
}

impl Stop {
    /// Whether the operation only made room for others.
    pub fn is_preempted(self) -> bool {
        self == Stop::Preempted
    }
}
