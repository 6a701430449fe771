//! Choosing what to do next, and the operations on capabilities, by the kernel and by the model.

use sundog_abi::memory::USER_END;
use sundog_abi::{Error, ObjectType, Protection, Rights};
use sundog_machine::format::PAGE_SIZE;

use crate::caps::Cap;
use crate::machine::{CPUS, DEVICE, World};

/// Addresses near which things are mapped: at the edges of tables of each level, and of user memory.
const BASES: [u64; 6] = [
    0x1f_e000,
    0x20_0000,
    0x3fff_e000,
    0x7f_ffff_e000,
    0x2000_0000,
    USER_END - 4 * PAGE_SIZE,
];

impl World {
    /// Does something; tells whether there was something to do.
    pub fn step(&mut self) -> bool {
        if self.of_kind(ObjectType::VSpace).len() < 2 && self.random.chance(30) {
            self.furnish();
        }
        let done = match self.random.below(20) {
            0 if self.random.chance(70) => self.make(),
            1 | 2 if self.random.chance(50) => self.copy(),
            3 => self.move_slot(),
            4 if self.random.chance(60) => self.remove(false),
            5 if self.random.chance(30) => self.remove(true),
            6 => self.bind_some(),
            7..=11 => self.map(),
            12 => self.unmap(),
            13..=15 => self.protect(),
            16 | 17 => self.share(),
            18 => self.load(),
            _ => self.go_on(),
        };
        if done.is_some() {
            self.compare();
        }
        done.is_some()
    }

    pub fn some(&mut self, kind: ObjectType) -> Option<u32> {
        let of = self.of_kind(kind);
        self.random.pick(&of)
    }

    pub fn address(&mut self) -> u64 {
        BASES[(self.random.below(BASES.len() as u64) as usize).min(self.reach)]
            + self.random.below(4) * PAGE_SIZE
    }

    pub fn protection(&mut self) -> Protection {
        let all = [1, 1, 3, 3, 3, 3, 5, 5, 7, 7, 2, 0];
        Protection(all[self.random.below(12) as usize])
    }

    fn make(&mut self) -> Option<()> {
        let pool = self.random.below(u64::from(DEVICE)) as u32 + 1;
        let (kind, size) = match self.random.below(if pool == DEVICE { 1 } else { 4 }) {
            0 => (ObjectType::Frame, self.random.below(3) + 1),
            1 => (ObjectType::Frame, 70),
            2 => (ObjectType::VSpace, self.random.below(2)),
            _ => (ObjectType::PageTables, self.random.below(16) + 1),
        };
        self.retype(pool, kind, size).then_some(())?;
        self.bind_new();
        Some(())
    }

    fn copy(&mut self) -> Option<()> {
        let kind = [
            ObjectType::Frame,
            ObjectType::VSpace,
            ObjectType::PageTables,
        ][self.random.below(3) as usize];
        let (from, to) = (self.some(kind)?, self.empty_slot()?);
        let rights = if self.random.chance(50) {
            Rights::ALL
        } else {
            Rights(self.protection().0.into())
        };
        let result = self
            .kernel
            .cnode_copy(self.slot(from), self.slot(to), rights, None);
        if result.is_err() {
            assert_eq!(result, Err(Error::Revoked));
            return None;
        }
        let cap = self.caps.slots[&from];
        let name = self.caps.derive(Some(cap.name));
        let rights = cap.rights & rights.0;
        self.caps.slots.insert(
            to,
            Cap {
                name,
                rights,
                ..cap
            },
        );
        Some(())
    }

    fn move_slot(&mut self) -> Option<()> {
        let frames = self.of_kind(ObjectType::Frame);
        let (from, to) = (self.random.pick(&frames)?, self.empty_slot()?);
        self.kernel.slot_move(self.slot(from), self.slot(to));
        let cap = self.caps.slots.remove(&from).unwrap();
        self.caps.slots.insert(to, cap);
        for (slot, _) in &mut self.unfinished {
            if *slot == from {
                *slot = to;
            }
        }
        Some(())
    }

    fn bind_some(&mut self) -> Option<()> {
        let (space, run) = (
            self.some(ObjectType::VSpace)?,
            self.some(ObjectType::PageTables)?,
        );
        self.bind(space, run);
        Some(())
    }

    /// Gives the run that nobody has to the space that has the least.
    pub fn bind_new(&mut self) {
        let unbound = |run: &u32| self.kernel.get(self.run(*run)).vspace.is_none();
        let runs = self.of_kind(ObjectType::PageTables);
        let free = |space: &u32| self.kernel.get(self.vspace(*space)).free.get();
        let spaces = self.of_kind(ObjectType::VSpace);
        if let (Some(run), Some(space)) = (
            runs.into_iter().find(unbound),
            spaces.into_iter().min_by_key(free),
        ) {
            self.bind(space, run);
        }
    }

    pub fn bind(&mut self, space: u32, run: u32) {
        let (vspace, run) = (self.vspace(space), self.run(run));
        let bound = self.kernel.get(run).vspace.get().is_some();
        let result = self.kernel.vspace_bind_tables(vspace, run);
        assert_eq!(result, if bound { Err(Error::Busy) } else { Ok(()) });
    }

    fn load(&mut self) -> Option<()> {
        let cpu = self.random.below(CPUS as u64) as usize;
        let vspace = self
            .some(ObjectType::VSpace)
            .map(|slot| self.vspace(slot))?;
        self.kernel.vspace_loads(Some(vspace), cpu);
        // Loading the register makes the CPU forget.
        self.kernel
            .token()
            .backing()
            .hardware
            .translations
            .borrow_mut()[cpu]
            .clear();
        self.loaded[cpu] = Some(vspace);
        Some(())
    }
}
