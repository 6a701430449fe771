//! The world: a kernel, a CNode, pools of memory, two CPUs, and the model that all is compared with.

use std::collections::BTreeMap;

use sundog_abi::ObjectType;
use sundog_core::{CNode, Kernel, PageTables, Retype, Slot, VSpace, flag};
use sundog_machine::{Backing, Ref, Token};

use crate::Random;
use crate::caps::{Cap, Caps};
use crate::model::Space;
use crate::view::{self, Found};

pub const SLOTS: u32 = 40;
pub const CPUS: usize = 2;
/// Pages of each pool of memory.
const POOL: u32 = if cfg!(miri) { 24 } else { 260 };
const POOLS: u32 = 2;
/// The slots of the pools, and of the memory of registers.
const FIRST_POOL: u32 = 1;
pub const DEVICE: u32 = FIRST_POOL + POOLS;
/// The first slot that is not one of those.
pub const FIRST: u32 = DEVICE + 1;
const DEVICE_PAGES: u32 = 4;
/// The system, and init's CNode behind it.
const CNODE_UNIT: u32 = 1 + Kernel::system_units(CPUS as u32);
const BOOT_PAGES: u32 = (CNODE_UNIT + CNode::units(SLOTS + 1)).div_ceil(64);

/// What a world has to begin with.
const THINGS: &[(ObjectType, u64)] = if cfg!(miri) {
    &[
        (ObjectType::VSpace, 0),
        (ObjectType::VSpace, 1),
        (ObjectType::PageTables, 6),
        (ObjectType::PageTables, 7),
        (ObjectType::Frame, 3),
    ]
} else {
    &[
        (ObjectType::VSpace, 0),
        (ObjectType::VSpace, 1),
        (ObjectType::PageTables, 14),
        (ObjectType::PageTables, 4),
        (ObjectType::PageTables, 12),
        (ObjectType::Frame, 3),
        (ObjectType::Frame, 8),
        (ObjectType::Frame, 6),
    ]
};

pub struct World {
    pub kernel: Kernel,
    pub cnode: Ref<CNode>,
    pub caps: Caps,
    /// By the unit of the VSpace.
    pub spaces: BTreeMap<u32, Space>,
    /// The address space that each CPU has loaded.
    pub loaded: [Option<Ref<VSpace>>; CPUS],
    pub random: Random,
    /// How many kinds of addresses this world uses, so that some have room for tables.
    pub reach: usize,
    /// Slots at which a delete (false) or revoke (true) was interrupted.
    pub unfinished: Vec<(u32, bool)>,
    /// How often each thing happened, so that a test that never gets anywhere is noticed.
    pub met: BTreeMap<String, u32>,
    compared: u32,
}

impl World {
    /// A world with some things in it to begin with.
    pub fn new(random: Random) -> World {
        let mut world = World::bare(random);
        world.furnish();
        world
    }

    /// A world with memory only.
    pub fn bare(mut random: Random) -> World {
        let pages = BOOT_PAGES + POOLS * POOL + DEVICE_PAGES;
        let mut token = Token::host(Backing::new(pages * 64, CPUS));
        token.zero(1, BOOT_PAGES * 64 - 1);
        let mut kernel = Kernel::create(token, 1, CPUS as u32);
        let cnode = kernel.boot_cnode(CNODE_UNIT, SLOTS + 1);
        // Init's own capability goes to the last slot.
        let own = kernel.cnode_slot(cnode, 1).unwrap();
        kernel.slot_move(own, kernel.cnode_slot(cnode, SLOTS).unwrap());
        let mut caps = Caps::default();
        for pool in FIRST_POOL..=DEVICE {
            let slot = kernel.cnode_slot(cnode, pool).unwrap();
            let first = BOOT_PAGES + (pool - FIRST_POOL) * POOL;
            let device = pool == DEVICE;
            let pages = if device { DEVICE_PAGES } else { POOL };
            kernel.boot_untyped(slot, first * 64, pages * 64, device);
            let name = caps.derive(None);
            let cap = Cap {
                name,
                object: (ObjectType::Untyped, first * 64),
                rights: 0,
                pages,
                device,
            };
            caps.slots.insert(pool, cap);
        }
        World {
            kernel,
            cnode,
            caps,
            spaces: BTreeMap::new(),
            loaded: [None; CPUS],
            reach: random.below(6) as usize,
            random,
            unfinished: Vec::new(),
            met: BTreeMap::new(),
            compared: 0,
        }
    }

    /// Things to begin with.
    pub fn furnish(&mut self) {
        let pool = self.random.below(u64::from(POOLS)) as u32 + FIRST_POOL;
        for (kind, size) in THINGS {
            self.retype(pool, *kind, *size);
        }
        self.retype(DEVICE, ObjectType::Frame, 2);
        for _ in 0..3 {
            self.bind_new();
        }
        self.compare();
    }

    pub fn slot(&self, index: u32) -> Ref<Slot> {
        self.kernel.cnode_slot(self.cnode, index).unwrap()
    }

    pub fn vspace(&self, slot: u32) -> Ref<VSpace> {
        self.kernel.get(self.slot(slot)).object.get().unwrap()
    }

    pub fn run(&self, slot: u32) -> Ref<PageTables> {
        self.kernel.get(self.slot(slot)).object.get().unwrap()
    }

    pub fn space(&mut self, vspace: Ref<VSpace>) -> &mut Space {
        self.spaces.get_mut(&vspace.unit()).unwrap()
    }

    /// Slots with a capability of a type that can be used.
    pub fn of_kind(&self, kind: ObjectType) -> Vec<u32> {
        self.caps
            .slots
            .iter()
            .filter(|(slot, cap)| {
                let here = self.kernel.get(self.slot(**slot));
                cap.object.0 == kind && !here.has(flag::MARKED | flag::DYING)
            })
            .map(|(slot, _)| *slot)
            .collect()
    }

    pub fn empty_slot(&self) -> Option<u32> {
        (FIRST..SLOTS).find(|slot| !self.caps.slots.contains_key(slot))
    }

    /// Makes an object, if there is memory and a slot.
    pub fn retype(&mut self, pool: u32, kind: ObjectType, size: u64) -> bool {
        let Some(first) = self.empty_slot() else {
            return false;
        };
        let what = Retype {
            kind,
            size,
            target: self.cnode,
            first,
            count: 1,
        };
        let source = self.slot(pool);
        if self.kernel.untyped_retype(source, what).is_err() {
            return false;
        }
        let parent = self.caps.slots[&pool];
        let name = self.caps.derive(Some(parent.name));
        let made = self.kernel.get(self.slot(first));
        let cap = Cap {
            name,
            object: (kind, made.object.number()),
            rights: made.rights().0,
            pages: made.size.get(),
            device: parent.device,
        };
        self.caps.slots.insert(first, cap);
        if kind == ObjectType::VSpace {
            let guests = size == 1;
            let pages = BTreeMap::new();
            self.spaces.insert(cap.object.1, Space { guests, pages });
        }
        true
    }

    pub fn note(&mut self, what: String) {
        *self.met.entry(what).or_default() += 1;
    }

    /// How many steps the next long operation may take.
    pub fn patience(&self, steps: Option<u32>) {
        self.kernel
            .token()
            .backing()
            .hardware
            .preempt_after
            .set(steps);
    }

    /// Every address space, by its unit, with what is mapped in it.
    pub fn views(&self) -> BTreeMap<u32, BTreeMap<u64, Found>> {
        let owners = view::owners(&self.kernel, |slot| self.slot(slot), &self.caps);
        let mut views = BTreeMap::new();
        for (slot, cap) in &self.caps.slots {
            if cap.object.0 == ObjectType::VSpace {
                let vspace = self.vspace(*slot);
                views.insert(vspace.unit(), view::space(&self.kernel, vspace, &owners));
            }
        }
        views
    }

    /// Checks the whole world; under Miri the random test alone does that, for it walks tables very slowly.
    pub fn check(&self) {
        if !cfg!(miri) {
            self.kernel.check();
        }
    }

    /// What the kernel does before it lets the lock go; then everything is compared.
    pub fn compare(&mut self) {
        self.kernel.finish_flush();
        // CPUs whose address space ended use the kernel's root now.
        let left = self.kernel.token().backing().hardware.left.take();
        for (cpu, loaded) in self.loaded.iter_mut().enumerate() {
            if left >> cpu & 1 != 0 {
                *loaded = None;
            }
        }
        self.compared += 1;
        // Miri is for the memory under the operations; it walks tables very slowly.
        if cfg!(miri) && !self.compared.is_multiple_of(10) {
            return;
        }
        self.kernel.check();
        let views = self.views();
        assert!(
            views.keys().eq(self.spaces.keys()),
            "the address spaces are those of the model"
        );
        for (unit, space) in &self.spaces {
            let real: BTreeMap<u64, _> = views[unit]
                .iter()
                .map(|(address, found)| (*address, found.mapping))
                .collect();
            assert_eq!(real, space.pages, "what is mapped is what the model says");
        }
        self.check_translations(&views);
        self.check_free();
        self.use_some(&views);
    }

    /// Rule: no CPU remembers more than the tables say.
    fn check_translations(&self, views: &BTreeMap<u32, BTreeMap<u64, Found>>) {
        let known = self.kernel.token().backing().hardware.translations.borrow();
        for (cpu, loaded) in self.loaded.iter().enumerate() {
            for old in &known[cpu] {
                let space = &views[&loaded.expect("a CPU without a root knows nothing").unit()];
                let found = space
                    .get(&old.address)
                    .unwrap_or_else(|| panic!("CPU {cpu} remembers {old:x?}, which is gone"));
                let now = found.translation(old.address);
                assert!(
                    now.page == old.page
                        && now.tables == old.tables
                        && (now.write || !old.write)
                        && (now.execute || !old.execute),
                    "CPU {cpu} remembers {old:x?}, which is {now:x?} now"
                );
            }
        }
    }

    /// Rule: pages of tables add up. While a run is being taken apart its pages count as nothing.
    fn check_free(&self) {
        let dying = self.caps.slots.iter().any(|(slot, cap)| {
            cap.object.0 == ObjectType::PageTables
                && self.kernel.get(self.slot(*slot)).has(flag::DYING)
        });
        if dying || !self.unfinished.is_empty() {
            return;
        }
        let mut bound: BTreeMap<u32, u32> = BTreeMap::new();
        let mut seen = Vec::new();
        for (slot, cap) in &self.caps.slots {
            if cap.object.0 == ObjectType::PageTables && !seen.contains(&cap.object) {
                seen.push(cap.object);
                let run = self.kernel.get(self.run(*slot));
                if let Some(vspace) = run.vspace.get() {
                    *bound.entry(vspace.unit()).or_default() += run.pages.get();
                }
            }
        }
        for (slot, cap) in &self.caps.slots {
            if cap.object.0 == ObjectType::VSpace {
                let space = &self.spaces[&cap.object.1];
                let total = bound.get(&cap.object.1).copied().unwrap_or(0);
                assert_eq!(
                    self.kernel.get(self.vspace(*slot)).free.get(),
                    total - space.table_pages(&[]),
                    "pages of tables add up"
                );
            }
        }
    }

    /// Programs use what is mapped, and the CPUs remember it.
    fn use_some(&mut self, views: &BTreeMap<u32, BTreeMap<u64, Found>>) {
        let mut known = self
            .kernel
            .token()
            .backing()
            .hardware
            .translations
            .borrow_mut();
        for (cpu, loaded) in self.loaded.iter().enumerate() {
            let Some(vspace) = loaded else { continue };
            if self.random.chance(50) {
                known[cpu] = views[&vspace.unit()]
                    .iter()
                    .map(|(address, found)| found.translation(*address))
                    .collect();
            }
        }
    }
}
