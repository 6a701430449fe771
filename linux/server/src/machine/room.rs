//! Room for objects: spaces that nobody is in are forgotten when memory or slots for objects are short. They are a cache of the
//! personality's own page tables, so this costs their guests faults and nothing else; only virtual processors have to stay.

use super::SundogMachine;
use super::blocks::Blocks;
use super::space::Space;
use crate::objects::{Objects, Result};
use sundog_linux_core::machine::{NoRoom, SpaceId, VcpuId};
use sundog_rt::cap::Error;

impl<O: Objects> SundogMachine<O> {
    /// Runs `step` again as long as it fails for want of objects and there is a space to forget, other than `keep`.
    pub(super) fn with_room<T>(
        &mut self,
        keep: Option<SpaceId>,
        mut step: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<T, NoRoom> {
        loop {
            match step(self) {
                Ok(done) => return Ok(done),
                Err(Error::NotEnoughMemory) if self.forget_another(keep) => {}
                Err(_) => return Err(NoRoom),
            }
        }
    }

    /// Forgets what the kernel has of a space.
    pub(super) fn forget(&mut self, space: SpaceId) {
        for vcpu in self.vcpus.values_mut() {
            if vcpu.space == Some(space) {
                vcpu.space = None;
            }
        }
        if let Some(space) = self.spaces.get_mut(space.0) {
            space.forget(&mut self.objects, &mut self.blocks);
        }
    }

    /// Forgets a space, in turn. `false` if there is none.
    fn forget_another(&mut self, keep: Option<SpaceId>) -> bool {
        let hand = self.hand;
        let mut spaces = self
            .spaces
            .iter()
            .filter(|(number, space)| keep != Some(SpaceId(*number)) && !space.is_forgotten());
        let first = spaces.next().map(|(number, _)| number);
        let next = first
            .filter(|first| *first >= hand)
            .or_else(|| {
                spaces
                    .map(|(number, _)| number)
                    .find(|number| *number >= hand)
            })
            .or(first);
        let Some(number) = next else {
            return false;
        };
        self.hand = number + 1;
        self.forget(SpaceId(number));
        true
    }

    /// A space, made anew if it was forgotten, with what objects are made of.
    ///
    /// # Errors
    /// `NotEnoughMemory`, `InvalidAddress` if there is none.
    pub(super) fn present(&mut self, space: SpaceId) -> Result<(&mut Space, &mut O, &mut Blocks)> {
        let (objects, blocks) = (&mut self.objects, &mut self.blocks);
        let space = self.spaces.get_mut(space.0).ok_or(Error::InvalidAddress)?;
        if space.is_forgotten() {
            *space = Space::new(objects, blocks)?;
        }
        Ok((space, objects, blocks))
    }

    /// Gives a virtual processor its space.
    pub(super) fn configure(&mut self, vcpu: VcpuId, space: SpaceId) -> Result<(), NoRoom> {
        self.with_room(Some(space), |machine| {
            let slot = machine.present(space)?.0.slot;
            let vcpu = machine.vcpus.get_mut(vcpu.0).ok_or(Error::InvalidAddress)?;
            vcpu.configure(&mut machine.objects, space, slot)
        })
    }
}
