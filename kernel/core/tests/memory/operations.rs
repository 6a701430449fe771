//! The operations: each is done by the kernel and by the model.

use sundog_abi::memory::USER_END;
use sundog_abi::{Error, ObjectType, Protection, Rights};
use sundog_core::{Map, Share, Stop, VSpace};
use sundog_machine::Ref;
use sundog_machine::format::PAGE_SIZE;

use crate::caps::{Cap, Object};
use crate::machine::{CPUS, DEVICE, SLOTS, World};
use crate::model::Mapping;

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

    fn some(&mut self, kind: ObjectType) -> Option<u32> {
        let of = self.of_kind(kind);
        self.random.pick(&of)
    }

    fn address(&mut self) -> u64 {
        BASES[(self.random.below(BASES.len() as u64) as usize).min(self.reach)]
            + self.random.below(4) * PAGE_SIZE
    }

    fn protection(&mut self) -> Protection {
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
        if let Some(old) = self.loaded[cpu] {
            self.kernel.vspace_unloaded(old, cpu);
        }
        self.kernel.vspace_loaded(vspace, cpu);
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

    fn map(&mut self) -> Option<()> {
        let (space, frame) = (
            self.some(ObjectType::VSpace)?,
            self.some(ObjectType::Frame)?,
        );
        let (vspace, cap) = (self.vspace(space), self.caps.slots[&frame]);
        let first = self.random.below(u64::from(cap.pages)) as u32;
        let what = Map {
            frame: self.slot(frame),
            address: self.address() + u64::from(self.random.chance(3)),
            first,
            count: if self.random.chance(95) {
                self.random.below(u64::from(cap.pages - first)) as u32 + 1
            } else {
                self.random.below(100) as u32
            },
            protection: self.protection(),
        };
        let expected = self.expect_map(vspace, &cap, &what);
        assert_eq!(self.kernel.vspace_map(vspace, what), expected, "{what:?}");
        self.note(format!("map {:?}", expected.map(|done| done == what.count)));
        for page in 0..u64::from(expected.unwrap_or(0)) {
            let mapping = Mapping {
                page: u64::from(cap.object.1 + what.first) + page,
                protection: what.protection.0,
                allowed: cap.rights as u8 & 7,
                device: cap.device,
                owner: cap.name,
            };
            self.space(vspace)
                .pages
                .insert(what.address + page * PAGE_SIZE, mapping);
        }
        Some(())
    }

    fn expect_map(&self, vspace: Ref<VSpace>, cap: &Cap, what: &Map) -> Result<u32, Error> {
        let space = &self.spaces[&vspace.unit()];
        let end = what.address + u64::from(what.count) * PAGE_SIZE;
        if !what.address.is_multiple_of(PAGE_SIZE)
            || end > USER_END
            || what.first + what.count > cap.pages
        {
            return Err(Error::OutOfRange);
        }
        expect_protection(what.protection, space.guests)?;
        if !Protection(cap.rights as u8).contains(what.protection) {
            return Err(Error::MissingRights);
        }
        let all: Vec<u64> = (0..u64::from(what.count.min(64)))
            .map(|page| what.address + page * PAGE_SIZE)
            .collect();
        let free = all
            .iter()
            .take_while(|address| !space.pages.contains_key(address))
            .count();
        if free == 0 && what.count > 0 {
            return Err(Error::AlreadyMapped);
        }
        self.expect_tables(vspace, &all[..free])?;
        Ok(free as u32)
    }

    fn expect_tables(&self, vspace: Ref<VSpace>, more: &[u64]) -> Result<(), Error> {
        let space = &self.spaces[&vspace.unit()];
        let need = space.table_pages(more) - space.table_pages(&[]);
        if need > self.kernel.get(vspace).free.get() {
            return Err(Error::NeedTables);
        }
        Ok(())
    }

    /// A range, mostly one that begins where something is mapped.
    fn range(&mut self, vspace: Ref<VSpace>) -> (u64, u64) {
        let pages = match self.random.below(12) {
            0 => 0x8_0000 + self.random.below(4),
            1 => self.random.below(80),
            _ => self.random.below(5),
        };
        let mapped: Vec<u64> = self.space(vspace).pages.keys().copied().collect();
        match self.random.pick(&mapped) {
            Some(address) if self.random.chance(70) => (address, pages),
            _ => (self.address(), pages),
        }
    }

    fn unmap(&mut self) -> Option<()> {
        let space = self.some(ObjectType::VSpace)?;
        let vspace = self.vspace(space);
        let (address, pages) = self.range(vspace);
        let end = address + pages * PAGE_SIZE;
        let result = self.kernel.vspace_unmap(vspace, address, pages);
        self.note(format!("unmap {:?}", result.map(|done| done == pages)));
        if end > USER_END {
            assert_eq!(result, Err(Error::OutOfRange));
            return Some(());
        }
        let looked = result.unwrap();
        assert!(
            looked <= pages && (looked > 0 || pages == 0),
            "it comes further"
        );
        let stop = address + looked * PAGE_SIZE;
        self.space(vspace)
            .pages
            .retain(|at, _| !(address..stop).contains(at));
        Some(())
    }

    fn protect(&mut self) -> Option<()> {
        let space = self.some(ObjectType::VSpace)?;
        let vspace = self.vspace(space);
        let ((address, pages), wanted) = (self.range(vspace), self.protection());
        let result = self.kernel.vspace_protect(vspace, address, pages, wanted);
        self.note(format!("protect {:?}", result.map(|done| done == pages)));
        let space = self.space(vspace);
        if address + pages * PAGE_SIZE > USER_END {
            assert_eq!(result, Err(Error::OutOfRange));
            return Some(());
        }
        if let Err(error) = expect_protection(wanted, space.guests) {
            assert_eq!(result, Err(error));
            return Some(());
        }
        let (met, mut end) = space.walk(address, pages);
        for at in met {
            let mapping = space.pages.get_mut(&at).unwrap();
            if !Protection(mapping.allowed).contains(wanted) {
                end = at;
                break;
            }
            mapping.protection = wanted.0;
        }
        if end == address && pages > 0 {
            assert_eq!(result, Err(Error::MissingRights));
        } else {
            assert_eq!(result, Ok((end - address) / PAGE_SIZE));
        }
        for at in [address, address + PAGE_SIZE] {
            let mapped = self.space(vspace).pages.get(&at).copied();
            let answer = mapped.map_or(0, |mapping| u64::from(mapping.protection) + 8);
            let expected = if at < USER_END {
                Ok(answer)
            } else {
                Err(Error::OutOfRange)
            };
            assert_eq!(self.kernel.vspace_look_up(vspace, at), expected);
        }
        Some(())
    }

    fn share(&mut self) -> Option<()> {
        let spaces = (
            self.some(ObjectType::VSpace)?,
            self.some(ObjectType::VSpace)?,
        );
        let (source, destination) = (self.vspace(spaces.0), self.vspace(spaces.1));
        let (address, pages) = self.range(source);
        let what = Share {
            address,
            pages,
            mask: self.protection(),
            drop_write: self.random.chance(50),
        };
        let (shared, expected) = self.expect_share(source, destination, &what);
        let result = self.kernel.vspace_share(source, destination, what);
        assert_eq!(result, expected, "{what:?}");
        self.note(format!(
            "share {:?} {}",
            expected.map(|done| done == pages),
            shared.is_empty()
        ));
        for at in shared {
            let from = self.space(source).pages.get_mut(&at).unwrap();
            let new = Mapping {
                protection: from.protection & what.mask.0,
                allowed: from.allowed & what.mask.0,
                ..*from
            };
            if what.drop_write {
                from.protection &= !Protection::WRITE.0;
            }
            self.space(destination).pages.insert(at, new);
        }
        Some(())
    }

    fn expect_share(
        &self,
        source: Ref<VSpace>,
        destination: Ref<VSpace>,
        what: &Share,
    ) -> (Vec<u64>, Result<u64, Error>) {
        let (from, to) = (
            &self.spaces[&source.unit()],
            &self.spaces[&destination.unit()],
        );
        if what.address + what.pages * PAGE_SIZE > USER_END {
            return (Vec::new(), Err(Error::OutOfRange));
        }
        if !what.mask.contains(Protection::READ) {
            return (Vec::new(), Err(Error::InvalidArgument));
        }
        let (met, mut end) = from.walk(what.address, what.pages);
        let mut shared = Vec::new();
        for at in met {
            let wanted = Protection(from.pages[&at].protection & what.mask.0);
            let check = if to.pages.contains_key(&at) {
                Err(Error::AlreadyMapped)
            } else {
                expect_protection(wanted, to.guests)
            };
            if let Err(error) = check {
                if at == what.address {
                    return (Vec::new(), Err(error));
                }
                end = at;
                break;
            }
            shared.push(at);
        }
        if let Err(error) = self.expect_tables(destination, &shared) {
            return (Vec::new(), Err(error));
        }
        (shared, Ok((end - what.address) / PAGE_SIZE))
    }

    /// Deletes a capability, or revokes what was made of it, perhaps interrupted.
    fn remove(&mut self, revoke: bool) -> Option<()> {
        let slot = self.random.below(u64::from(SLOTS)) as u32;
        self.caps.slots.get(&slot)?;
        if slot <= DEVICE && (!revoke || self.random.chance(90)) {
            return None;
        }
        self.remove_at(slot, revoke)
    }

    /// Goes on with something that was interrupted.
    fn go_on(&mut self) -> Option<()> {
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

fn expect_protection(wanted: Protection, guests: bool) -> Result<(), Error> {
    if !wanted.contains(Protection::READ) {
        return Err(Error::InvalidArgument);
    }
    if wanted.contains(Protection(6)) && !guests {
        return Err(Error::NotAllowed);
    }
    Ok(())
}
