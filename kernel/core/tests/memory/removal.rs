//! Delete and revoke, perhaps interrupted, by the kernel and by the model.

use sundog_abi::{Error, ObjectType};
use sundog_core::Stop;

use crate::caps::Object;
use crate::machine::{DEVICE, SLOTS, World};

impl World {
    /// Deletes a capability, or revokes what was made of it, perhaps interrupted.
    pub fn remove(&mut self, revoke: bool) -> Option<()> {
        let slot = self.random.below(u64::from(SLOTS)) as u32;
        self.caps.slots.get(&slot)?;
        if slot <= DEVICE && (!revoke || self.random.chance(90)) {
            return None;
        }
        self.remove_at(slot, revoke)
    }

    /// Goes on with something that was interrupted.
    pub fn go_on(&mut self) -> Option<()> {
        let (slot, revoke) = self.unfinished.pop()?;
        self.caps.slots.get(&slot)?;
        self.remove_at(slot, revoke)
    }

    fn remove_at(&mut self, slot: u32, revoke: bool) -> Option<()> {
        let patience = match self.random.below(3) {
            0 => None,
            1 => Some(self.random.below(4) as u32),
            _ => Some(self.random.below(12) as u32),
        };
        self.remove_with(slot, revoke, patience)
    }

    pub fn remove_with(&mut self, slot: u32, revoke: bool, patience: Option<u32>) -> Option<()> {
        let cap = self.caps.slots[&slot];
        let goes = if revoke {
            self.caps.descendants(cap.name)
        } else {
            vec![slot]
        };
        let objects = self.caps.objects_only_in(&goes);
        let doomed = self.doomed(&goes, &objects);
        self.patience(patience);
        let place = self.slot(slot);
        let end = if revoke {
            self.kernel.revoke(place)
        } else {
            self.kernel.delete(place)
        };
        self.patience(None);
        let kind = cap.object.0;
        let last = revoke || objects.contains(&cap.object);
        let mapped = !doomed.is_empty();
        self.note(format!(
            "revoke {revoke} {kind:?} last {last} mapped {mapped} {end:?}"
        ));
        assert_eq!(
            self.kernel.token().backing().hardware.flushed.take() & !3,
            0
        );
        match end {
            Ok(()) => {
                for slot in &goes {
                    self.caps.slots.remove(slot);
                }
                for (space, at) in doomed {
                    if let Some(space) = self.spaces.get_mut(&space) {
                        space.pages.remove(&at);
                    }
                }
                for (kind, unit) in objects {
                    if kind == ObjectType::VSpace {
                        self.spaces.remove(&unit);
                    }
                }
                if revoke && cap.object.0 == ObjectType::Untyped {
                    assert_eq!(self.kernel.untyped_reset(place), Ok(()));
                }
            }
            Err(Stop::Preempted) => {
                assert!(patience.is_some());
                assert_eq!(
                    self.flush_mask(),
                    0,
                    "nobody comes in with flushes outstanding"
                );
                self.unfinished.push((slot, revoke));
                self.partly_removed(&goes, doomed);
            }
            Err(Stop::Error(error)) => assert_eq!(error, Error::Revoked),
        }
        Some(())
    }

    /// CPUs that are flushed only now.
    fn flush_mask(&self) -> u64 {
        let hardware = &self.kernel.token().backing().hardware;
        hardware.flushed.set(0);
        self.kernel.finish_flush();
        hardware.flushed.take()
    }

    /// After an interrupted removal: what may have gone is what was to go.
    fn partly_removed(&mut self, goes: &[u32], doomed: Vec<(u32, u64)>) {
        for slot in goes {
            if self.kernel.get(self.slot(*slot)).is_empty() {
                self.caps.slots.remove(slot);
            }
        }
        let views = self.views();
        self.spaces.retain(|unit, _| views.contains_key(unit));
        for (unit, at) in doomed {
            if let Some(space) = self.spaces.get_mut(&unit)
                && !views[&unit].contains_key(&at)
            {
                space.pages.remove(&at);
            }
        }
    }

    /// The pages that go with capabilities and objects: space and address.
    fn doomed(&self, goes: &[u32], objects: &[Object]) -> Vec<(u32, u64)> {
        let names: Vec<_> = goes.iter().map(|slot| self.caps.slots[slot].name).collect();
        let runs: Vec<_> = goes
            .iter()
            .filter(|slot| {
                let object = self.caps.slots[slot].object;
                object.0 == ObjectType::PageTables && objects.contains(&object)
            })
            .map(|slot| self.run(*slot))
            .collect();
        let mut doomed = Vec::new();
        for (unit, view) in self.views() {
            for (at, found) in view {
                if objects.contains(&(ObjectType::VSpace, unit))
                    || names.contains(&found.mapping.owner)
                    || runs.iter().any(|run| found.needs(&self.kernel, *run))
                {
                    doomed.push((unit, at));
                }
            }
        }
        doomed
    }

    /// Everything is revoked, and nothing is left.
    pub fn end(&mut self) {
        for pool in 1..=DEVICE {
            self.remove_with(pool, true, None);
            self.compare();
        }
        assert_eq!(
            self.caps.slots.len() as u32,
            DEVICE,
            "only the pools are left"
        );
        let backing = self.kernel.token().backing();
        let first = self.caps.slots[&1].object.1;
        assert!(
            (first..backing.units()).all(|unit| !backing.is_alive(unit)),
            "all memory is free"
        );
    }
}
