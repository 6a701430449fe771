//! Single cases that random sequences meet too seldom, or do not look at closely enough.

use sundog_abi::{Error, ObjectType, Protection, Rights};
use sundog_core::{Map, Retype, Stop};
use sundog_machine::format::PAGE_SIZE;

use crate::Random;
use crate::machine::{DEVICE, World};

const BASE: u64 = 0x40_0000;

/// A world with nothing in it but what is asked for, in slots from `FIRST` on.
fn world(objects: &[(ObjectType, u64)]) -> (World, Vec<u32>) {
    let mut world = World::bare(Random::new(1));
    for (kind, size) in objects {
        assert!(world.retype(1, *kind, *size));
    }
    let slots = world
        .caps
        .slots
        .keys()
        .copied()
        .filter(|slot| *slot > DEVICE);
    let slots = slots.collect();
    (world, slots)
}

fn map(world: &mut World, space: u32, frame: u32, address: u64) -> Result<u32, Error> {
    let vspace = world.vspace(space);
    let what = Map {
        frame: world.slot(frame),
        address,
        first: 0,
        count: 1,
        protection: Protection::READ_WRITE,
    };
    world.kernel.vspace_map(vspace, what)
}

#[test]
fn a_frame_that_is_being_deleted_maps_nothing_more() {
    let objects = [
        (ObjectType::VSpace, 0),
        (ObjectType::PageTables, 8),
        (ObjectType::Frame, 1),
    ];
    let (mut world, slots) = world(&objects);
    let (space, frame) = (slots[0], slots[2]);
    world.bind(space, slots[1]);
    for page in 0..3 {
        assert_eq!(
            map(&mut world, space, frame, BASE + page * PAGE_SIZE),
            Ok(1)
        );
    }
    let slot = world.slot(frame);
    world.patience(Some(0));
    assert_eq!(world.kernel.delete(slot), Err(Stop::Preempted));
    assert_eq!(
        map(&mut world, space, frame, BASE + 8 * PAGE_SIZE),
        Err(Error::Revoked)
    );
    assert_eq!(
        world
            .kernel
            .cnode_copy(slot, world.slot(20), Rights::ALL, None),
        Err(Error::Revoked)
    );
    world.patience(None);
    assert_eq!(world.kernel.delete(slot), Ok(()));
    for page in 0..3 {
        let vspace = world.vspace(space);
        let left = world.kernel.vspace_look_up(vspace, BASE + page * PAGE_SIZE);
        assert_eq!(left, Ok(0));
    }
    world.check();
}

#[test]
fn a_run_that_is_being_deleted_gives_no_more_pages() {
    let objects = [
        (ObjectType::VSpace, 0),
        (ObjectType::PageTables, 12),
        (ObjectType::Frame, 1),
    ];
    let (mut world, slots) = world(&objects);
    let (space, run, frame) = (slots[0], slots[1], slots[2]);
    world.bind(space, run);
    assert_eq!(map(&mut world, space, frame, BASE), Ok(1));
    assert_eq!(map(&mut world, space, frame, 0), Ok(1));
    let vspace = world.vspace(space);
    assert_eq!(
        world.kernel.get(vspace).free.get(),
        4,
        "two upper tables, two leaves"
    );
    let slot = world.slot(run);
    world.patience(Some(0));
    assert_eq!(world.kernel.delete(slot), Err(Stop::Preempted));
    assert_eq!(world.kernel.get(vspace).free.get(), 0);
    assert_eq!(
        map(&mut world, space, frame, 2 * BASE),
        Err(Error::NeedTables)
    );
    world.check();
    world.patience(None);
    assert_eq!(world.kernel.delete(slot), Ok(()));
    assert_eq!(world.kernel.vspace_look_up(vspace, BASE), Ok(0));
    world.check();
}

#[test]
fn a_space_that_ends_sets_its_runs_free() {
    let objects = [
        (ObjectType::VSpace, 0),
        (ObjectType::VSpace, 0),
        (ObjectType::PageTables, 5),
        (ObjectType::Frame, 1),
    ];
    let (mut world, slots) = world(&objects);
    let (first, second, run, frame) = (slots[0], slots[1], slots[2], slots[3]);
    world.bind(first, run);
    assert_eq!(map(&mut world, first, frame, BASE), Ok(1));
    let slot = world.slot(first);
    assert_eq!(world.kernel.delete(slot), Ok(()));
    world.bind(second, run);
    assert_eq!(map(&mut world, second, frame, BASE), Ok(1));
    assert_eq!(
        map(&mut world, second, frame, 2 * BASE),
        Err(Error::NeedTables)
    );
    world.check();
}

#[test]
fn a_page_of_an_object_is_a_child_of_its_capability() {
    let (mut world, slots) = world(&[(ObjectType::VSpace, 0), (ObjectType::PageTables, 5)]);
    let (space, parent) = (slots[0], slots[1]);
    world.bind(space, parent);
    // Any object will do as the parent; the page is one of its own.
    let unit = world.run(parent).unit();
    let (from, target) = (world.slot(parent), world.slot(20));
    assert_eq!(
        world
            .kernel
            .frame_child(from, target, unit, 1, Rights::READ),
        Ok(())
    );
    assert_eq!(world.kernel.frame_address(target), u64::from(unit) * 64);
    let vspace = world.vspace(space);
    let what = Map {
        frame: target,
        address: BASE,
        first: 0,
        count: 1,
        protection: Protection::READ,
    };
    assert_eq!(world.kernel.vspace_map(vspace, what), Ok(1));
    assert_eq!(world.kernel.vspace_look_up(vspace, BASE), Ok(9));
    assert_eq!(world.kernel.revoke(from), Ok(()));
    assert!(world.kernel.get(target).is_empty());
    assert_eq!(world.kernel.vspace_look_up(vspace, BASE), Ok(0));
}

#[test]
fn objects_of_wrong_sizes_are_refused() {
    if cfg!(miri) {
        // Nothing happens in memory.
        return;
    }
    let (mut world, _) = world(&[]);
    for (kind, size) in [
        (ObjectType::VSpace, 2),
        (ObjectType::PageTables, 0),
        (ObjectType::PageTables, 251),
        (ObjectType::PageTables, u64::MAX),
    ] {
        let what = Retype {
            kind,
            size,
            target: world.cnode,
            first: 20,
            count: 1,
        };
        let pool = world.slot(1);
        assert_eq!(
            world.kernel.untyped_retype(pool, what),
            Err(Error::InvalidArgument.into())
        );
    }
}

#[test]
fn the_number_of_a_table_survives_its_first_entry() {
    let objects = [
        (ObjectType::VSpace, 0),
        (ObjectType::PageTables, 250),
        (ObjectType::Frame, 1),
    ];
    if cfg!(miri) {
        // The run is larger than Miri's memory.
        return;
    }
    let mut world = World::bare(Random::new(1));
    for (pool, (kind, size)) in [2, 1, 2].into_iter().zip(objects) {
        assert!(world.retype(pool, kind, size));
    }
    let slots: Vec<u32> = world
        .caps
        .slots
        .keys()
        .copied()
        .filter(|slot| *slot > DEVICE)
        .collect();
    world.bind(slots[0], slots[1]);
    // More than half of the run's pages, so that numbers need all their bits.
    for table in 0..80 {
        assert_eq!(
            map(&mut world, slots[0], slots[2], table * 0x20_0000),
            Ok(1)
        );
    }
    let vspace = world.vspace(slots[0]);
    let (mut done, end) = (0, 40 * 512);
    while done < end {
        let looked = world
            .kernel
            .vspace_unmap(vspace, done * PAGE_SIZE, end - done);
        assert!(looked.is_ok_and(|pages| pages > 0), "it comes further");
        done += looked.unwrap_or(end);
    }
    world.check();
    assert_eq!(world.kernel.get(vspace).free.get(), 250 - 2 - 3 * 40);
}
