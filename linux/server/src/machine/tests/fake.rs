//! A kernel that only counts: slots, derivation, memory, tables and mappings, with the rules of the real one.

use crate::objects::{Make, Objects, Result, Sharing};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use sundog_linux_core::machine::StatePage;
use sundog_rt::cap::{Error, Protection};
use sundog_rt::sys::Partial;
use sundog_rt::sys::abi::vcpu::{exit, page};

/// The slot of the memory.
pub const MEMORY: u32 = 5;
/// Pages of the pool.
pub const POOL_PAGES: u32 = 4096;
/// The counter at the start.
pub const START: u64 = 1_000_000;
/// Pages that one call passes.
const STEP: u64 = 64;
/// The first slot that is free at the start.
const FIRST: u32 = 16;

/// What a page is mapped to: page of the pool, and protection.
type Mapping = (u32, Protection);

enum Object {
    Untyped {
        bytes: u64,
        used: u64,
    },
    Space {
        mapped: BTreeMap<u64, Mapping>,
        tables: u64,
    },
    Tables {
        pages: u64,
        bound: bool,
    },
    Vcpu {
        space: Option<u32>,
        kicked: bool,
    },
    Frame,
}

struct Held {
    object: Object,
    parent: u32,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub slots: usize,
    pub untyped: usize,
    pub spaces: usize,
    pub tables: usize,
    pub vcpus: usize,
    pub state_pages: usize,
    pub mappings: usize,
}

/// The fake.
pub struct Fake {
    slots: BTreeMap<u32, Held>,
    free: BTreeSet<u32>,
    limit: usize,
    mapped_states: usize,
    failure: Option<(usize, Error)>,
    failed: bool,
    /// What the next guests come back with.
    pub exit: [u64; 3],
    /// The deadline of the last entry.
    pub deadline: u64,
    /// How often a state was written out.
    pub synced: usize,
    /// How many pieces of so many bytes the memory can grow by.
    pub pieces: (usize, u64),
}

/// The pages that the tables of these mappings take.
fn tables(mapped: &BTreeMap<u64, Mapping>) -> u64 {
    let count = |bits: u32| {
        mapped
            .keys()
            .map(|page| page >> bits)
            .collect::<BTreeSet<_>>()
            .len() as u64
    };
    3 * count(9) + count(18) + count(27)
}

fn stop<T>(done: u64, error: Error) -> Result<T, Partial> {
    Err(Partial { done, error })
}

impl Fake {
    pub fn new(slots: usize, bytes: u64) -> Fake {
        let memory = Held {
            object: Object::Untyped { bytes, used: 0 },
            parent: 0,
        };
        Fake {
            slots: BTreeMap::from([(MEMORY, memory)]),
            free: (FIRST..FIRST + slots as u32).collect(),
            limit: slots,
            mapped_states: 0,
            failure: None,
            failed: false,
            exit: [exit::DEADLINE, 0, 0],
            deadline: 0,
            synced: 0,
            pieces: (0, 0),
        }
    }

    /// The call after `count` others that can fail will.
    pub fn fail_after(&mut self, count: usize, error: Error) {
        self.failure = Some((count, error));
    }

    /// Whether it did; it does not any more.
    pub fn failed(&mut self) -> bool {
        self.failure = None;
        core::mem::take(&mut self.failed)
    }

    fn may_fail(&mut self) -> Result<()> {
        match &mut self.failure {
            Some((0, error)) => {
                let error = *error;
                self.failure = None;
                self.failed = true;
                Err(error)
            }
            Some((count, _)) => {
                *count -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub fn counts(&self) -> Counts {
        let count = |wanted: fn(&Object) -> bool| {
            self.slots
                .values()
                .filter(|held| wanted(&held.object))
                .count()
        };
        Counts {
            slots: self.limit - self.free.len(),
            untyped: count(|object| matches!(object, Object::Untyped { .. })),
            spaces: count(|object| matches!(object, Object::Space { .. })),
            tables: count(|object| matches!(object, Object::Tables { .. })),
            vcpus: count(|object| matches!(object, Object::Vcpu { .. })),
            state_pages: self.mapped_states,
            mappings: self
                .slots
                .values()
                .map(|held| match &held.object {
                    Object::Space { mapped, .. } => mapped.len(),
                    _ => 0,
                })
                .sum(),
        }
    }

    /// How a page of a space is mapped.
    pub fn mapped(&self, space: u32, page: u64) -> Option<(u32, Protection)> {
        match &self.slots[&space].object {
            Object::Space { mapped, .. } => mapped.get(&page).copied(),
            _ => panic!("not a space"),
        }
    }

    fn object(&mut self, slot: u32) -> Result<&mut Object> {
        let held = self.slots.get_mut(&slot).ok_or(Error::InvalidAddress)?;
        Ok(&mut held.object)
    }

    fn space(&mut self, slot: u32) -> Result<(&mut BTreeMap<u64, Mapping>, &mut u64)> {
        match self.object(slot)? {
            Object::Space { mapped, tables } => Ok((mapped, tables)),
            _ => Err(Error::WrongType),
        }
    }

    /// Adds a page if the tables suffice.
    fn add(&mut self, space: u32, page: u64, mapping: Mapping) -> Result<()> {
        let (mapped, pages) = self.space(space)?;
        if mapped.contains_key(&page) {
            return Err(Error::AlreadyMapped);
        }
        mapped.insert(page, mapping);
        if tables(mapped) > *pages {
            mapped.remove(&page);
            return Err(Error::NeedTables);
        }
        Ok(())
    }

    fn remove(&mut self, slot: u32) {
        let children: Vec<u32> = self
            .slots
            .iter()
            .filter(|(_, held)| held.parent == slot)
            .map(|(child, _)| *child)
            .collect();
        for child in children {
            self.remove(child);
        }
        self.slots.remove(&slot);
    }
}

impl Objects for Fake {
    fn take_slot(&mut self) -> Result<u32> {
        self.may_fail()?;
        self.free.pop_first().ok_or(Error::NotEnoughMemory)
    }

    fn give_slot(&mut self, slot: u32) {
        assert!(!self.slots.contains_key(&slot), "slot {slot} is not empty");
        assert!(self.free.insert(slot), "slot {slot} was free");
    }

    fn make(&mut self, untyped: u32, what: Make, slot: u32) -> Result<()> {
        self.may_fail()?;
        assert!(!self.free.contains(&slot), "slot {slot} was not taken");
        if self.slots.contains_key(&slot) {
            return Err(Error::SlotOccupied);
        }
        let (size, object) = match what {
            Make::Untyped(bytes) => (bytes, Object::Untyped { bytes, used: 0 }),
            Make::Space => (
                2 * 4096,
                Object::Space {
                    mapped: BTreeMap::new(),
                    tables: 0,
                },
            ),
            Make::Tables(pages) => (
                (pages + 1) * 4096,
                Object::Tables {
                    pages,
                    bound: false,
                },
            ),
            Make::Vcpu => (
                2 * 4096,
                Object::Vcpu {
                    space: None,
                    kicked: false,
                },
            ),
        };
        let Object::Untyped { bytes, used } = self.object(untyped)? else {
            return Err(Error::WrongType);
        };
        if *used + size > *bytes {
            return Err(Error::NotEnoughMemory);
        }
        *used += size;
        let parent = untyped;
        self.slots.insert(slot, Held { object, parent });
        Ok(())
    }

    fn grow(&mut self, slot: u32) -> Result<()> {
        self.may_fail()?;
        let (left, bytes) = &mut self.pieces;
        *left = left.checked_sub(1).ok_or(Error::NotEnoughMemory)?;
        let object = Object::Untyped {
            bytes: *bytes,
            used: 0,
        };
        let held = Held { object, parent: 0 };
        assert!(
            self.slots.insert(slot, held).is_none(),
            "slot {slot} is not empty"
        );
        Ok(())
    }

    fn take_back(&mut self, untyped: u32) -> Result<()> {
        let Object::Untyped { used, .. } = self.object(untyped)? else {
            return Err(Error::WrongType);
        };
        *used = 0;
        let children: Vec<u32> = self
            .slots
            .iter()
            .filter(|(_, held)| held.parent == untyped)
            .map(|(child, _)| *child)
            .collect();
        for child in children {
            self.remove(child);
        }
        Ok(())
    }

    fn bind_tables(&mut self, space: u32, tables: u32) -> Result<()> {
        self.may_fail()?;
        let Object::Tables { pages, bound } = self.object(tables)? else {
            return Err(Error::WrongType);
        };
        if core::mem::replace(bound, true) {
            return Err(Error::Busy);
        }
        let more = *pages;
        *self.space(space)?.1 += more;
        Ok(())
    }

    fn map(
        &mut self,
        space: u32,
        address: u64,
        page: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<(), Partial> {
        self.may_fail().or_else(|error| stop(0, error))?;
        if page.checked_add(pages).is_none_or(|end| end > POOL_PAGES) {
            return stop(0, Error::OutOfRange);
        }
        for done in 0..u64::from(pages) {
            let mapping = (page + done as u32, protection);
            self.add(space, address / 4096 + done, mapping)
                .or_else(|error| stop(done, error))?;
        }
        Ok(())
    }

    fn unmap(&mut self, space: u32, address: u64, pages: u64) -> Result<()> {
        let first = address / 4096;
        let (mapped, _) = self.space(space)?;
        mapped.retain(|page, _| *page < first || *page >= first + pages);
        Ok(())
    }

    fn protect(
        &mut self,
        space: u32,
        address: u64,
        pages: u64,
        protection: Protection,
    ) -> Result<(), Partial> {
        self.may_fail().or_else(|error| stop(0, error))?;
        let first = address / 4096;
        let (mapped, _) = self.space(space).or_else(|error| stop(0, error))?;
        for (_, mapping) in mapped.range_mut(first..first + pages) {
            mapping.1 = protection;
        }
        Ok(())
    }

    fn share(&mut self, sharing: &Sharing) -> Result<(), Partial> {
        self.may_fail().or_else(|error| stop(0, error))?;
        let first = sharing.address / 4096;
        let mut done = 0;
        while done < sharing.pages {
            let until = (done + STEP).min(sharing.pages);
            let (source, _) = self
                .space(sharing.source)
                .or_else(|error| stop(done, error))?;
            let found: Vec<(u64, Mapping)> = source
                .range(first + done..first + until)
                .map(|(page, mapping)| (*page, *mapping))
                .collect();
            for (page, mapping) in found {
                self.add(sharing.destination, page, mapping)
                    .or_else(|error| stop(done, error))?;
            }
            done = until;
        }
        Ok(())
    }

    fn configure(&mut self, vcpu: u32, space: u32) -> Result<()> {
        self.space(space)?;
        match self.object(vcpu)? {
            Object::Vcpu { space: has, .. } => {
                *has = Some(space);
                Ok(())
            }
            _ => Err(Error::WrongType),
        }
    }

    fn map_state(&mut self, vcpu: u32, slot: u32) -> Result<StatePage> {
        self.may_fail()?;
        assert!(!self.slots.contains_key(&slot), "slot {slot} is not empty");
        let held = Held {
            object: Object::Frame,
            parent: vcpu,
        };
        self.slots.insert(slot, held);
        self.mapped_states += 1;
        Ok(StatePage::on_heap())
    }

    fn unmap_state(&mut self, _: StatePage) -> Result<()> {
        let frames = self.slots.values();
        let frames = frames.filter(|held| matches!(held.object, Object::Frame));
        assert!(
            frames.count() >= self.mapped_states,
            "the Frame is there still"
        );
        self.mapped_states -= 1;
        Ok(())
    }

    fn enter(&mut self, vcpu: u32, state: &StatePage, deadline: u64) -> Result<u64> {
        self.deadline = deadline;
        let spaces: Vec<u32> = self.slots.keys().copied().collect();
        let [mut reason, address, code] = self.exit;
        let Object::Vcpu { space, kicked } = self.object(vcpu)? else {
            return Err(Error::WrongType);
        };
        if space.is_none_or(|space| !spaces.contains(&space)) {
            return Err(Error::NotConfigured);
        }
        if core::mem::take(kicked) {
            reason = exit::KICK;
        }
        for word in &state.words()[..page::GS_BASE + 1] {
            word.set(word.get() + 1);
        }
        state.words()[page::EXIT_ADDRESS].set(address);
        state.words()[page::EXIT_CODE].set(code);
        Ok(reason)
    }

    fn kick(&mut self, vcpu: u32) -> Result<()> {
        match self.object(vcpu)? {
            Object::Vcpu { kicked, .. } => {
                *kicked = true;
                Ok(())
            }
            _ => Err(Error::WrongType),
        }
    }

    fn sync_fpu(&mut self, _: u32) -> Result<()> {
        self.synced += 1;
        Ok(())
    }

    fn ticks(&mut self) -> u64 {
        START
    }
}
