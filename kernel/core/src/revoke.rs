//! Revoke: removes every capability derived from one, and cannot be outrun.
//!
//! First all descendants are marked: a marked capability cannot be used and gets no children. The tree under the capability is
//! made flat on the way: each step takes the first child, moves its children up in front, and puts it, marked, at the end; `boundary`
//! is the first child marked so, and when it comes to the front everything is marked. Only then slots are emptied. Until then a holder
//! who copies as fast as it can only fills slots that it paid for, so the first part ends; in the second nobody can copy.

use sundog_abi::Error;
use sundog_machine::Ref;

use crate::kernel::{Kernel, Outcome, Stop};
use crate::slot::{Slot, flag};

impl Kernel {
    /// Removes what is derived from the capability in `slot`.
    ///
    /// # Errors
    /// `InvalidAddress` if the slot is empty, `Revoked` if an ancestor's revoke reached it; `Preempted`: the same call goes on.
    pub fn revoke(&mut self, slot: Ref<Slot>) -> Outcome {
        let capability = self.get(slot);
        if capability.is_empty() {
            return Err(Error::InvalidAddress.into());
        }
        if capability.has(flag::MARKED | flag::DYING) {
            return Err(Error::Revoked.into());
        }
        capability.set(flag::REVOKING);
        self.mark_descendants(slot)?;
        self.watched = Some(slot);
        let end = self.sweep_descendants();
        self.watched = None;
        end
    }

    /// Empties the marked slots. The watched slot may move meanwhile, and go with the last of them: its own CNode may be among
    /// what it removes. That CNode then has to wait until nothing else is left.
    fn sweep_descendants(&mut self) -> Outcome {
        while let Some(slot) = self.watched {
            let Some(child) = self.get(slot).first_child.get() else {
                self.get(slot).clear(flag::REVOKING);
                break;
            };
            match self.sweep_one(child) {
                Err(Stop::Preempted) if self.postponed => {
                    self.postponed = false;
                    // A CNode that holds it is parked in its header now, so the first child may be another slot than before.
                    if let Some(first) = self.get(slot).first_child.get() {
                        self.tree_hoist(slot, first);
                    }
                }
                end => end?,
            }
            self.preemption_point()?;
        }
        self.unfinished = None;
        Ok(())
    }

    fn mark_descendants(&self, slot: Ref<Slot>) -> Outcome {
        loop {
            let capability = self.get(slot);
            let Some(child) = capability.first_child.get() else {
                return Ok(());
            };
            if capability.boundary.get() == Some(child) {
                return Ok(());
            }
            self.tree_hoist(slot, child);
            let marked = self.get(child);
            marked.set(flag::MARKED);
            marked.clear(flag::REVOKING);
            let capability = self.get(slot);
            if capability.boundary.is_none() {
                capability.boundary.set(Some(child));
                marked.boundary_of.set(Some(slot));
            }
            self.preemption_point()?;
        }
    }
}
