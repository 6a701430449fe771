//! Objects, capabilities and mappings.

use sundog_rt::Environment;
use sundog_rt::cap::object::{Endpoint, Frame, Untyped};
use sundog_rt::cap::{Cap, Slots};
use sundog_rt::sys::abi::memory::PAGE_SIZE;
use sundog_rt::sys::abi::{Error, Protection, Rights};

use crate::measure::{ALL, prepared, report};

/// Capabilities under the one that is revoked.
const CHILDREN: [(&str, u32); 3] = [("revoke_0", 0), ("revoke_1", 1), ("revoke_100", 100)];

/// Copies, revokes, objects and mappings.
///
/// # Errors
/// What the kernel refused.
pub fn measure(environment: &mut Environment) -> Result<(), Error> {
    capabilities(environment)?;
    objects(environment)?;
    mappings(environment)
}

fn capabilities(environment: &mut Environment) -> Result<(), Error> {
    let resources = &mut environment.resources;
    let endpoint: Cap<Endpoint> = resources.pool.make(&mut resources.slots, 0)?;
    let cnode = resources.slots.cnode();
    let slot = resources.slots.take()?;
    let copy = || cnode.copy(slot, endpoint.address(), Rights::ALL);
    let delete = || cnode.delete(slot);
    report("cap_copy", prepared(delete, copy)?);
    cnode.delete(slot)?;
    report("cap_delete", prepared(copy, delete)?);
    let mut copies = [0; 100];
    for place in &mut copies {
        *place = resources.slots.take()?;
    }
    for (name, count) in CHILDREN {
        let copy_all = || {
            let mut slots = copies[..count as usize].iter();
            slots.try_for_each(|slot| cnode.copy(*slot, endpoint.address(), Rights::ALL))
        };
        report(name, prepared(copy_all, || cnode.revoke(endpoint.slot()))?);
    }
    Ok(())
}

fn objects(environment: &mut Environment) -> Result<(), Error> {
    let resources = &mut environment.resources;
    let (pool, slots) = (&mut resources.pool, &mut resources.slots);
    let (cnode, slot) = (slots.cnode(), slots.take()?);
    // A page for each time, so that none is used twice.
    let fresh: Cap<Untyped> = pool.make(slots, ALL as u64 * PAGE_SIZE)?;
    let make = |untyped: Cap<Untyped>| Ok(untyped.retype::<Frame>(1, Slots::ROOT, slot, 1)?);
    let delete = || cnode.delete(slot);
    report("retype_4k", prepared(delete, || make(fresh))?);
    cnode.delete(slot)?;
    let reused: Cap<Untyped> = pool.make(slots, PAGE_SIZE)?;
    let again = || {
        delete()?;
        reused.reset()
    };
    report("retype_4k_reused", prepared(again, || make(reused))?);
    cnode.delete(slot)
}

fn mappings(environment: &mut Environment) -> Result<(), Error> {
    let resources = &mut environment.resources;
    let frame: Cap<Frame> = resources.pool.make(&mut resources.slots, 1)?;
    let vspace = resources.vspace;
    // A neighbour keeps the tables.
    let neighbour = resources.map(frame, 0, 1, Protection::READ_WRITE)?;
    let address = neighbour.address() + 2 * PAGE_SIZE;
    let map = || Ok(vspace.map(frame, address, 0, 1, Protection::READ_WRITE)?);
    let unmap = || Ok(vspace.unmap(address, 1)?);
    report("map_4k", prepared(unmap, map)?);
    unmap()?;
    report("unmap_4k", prepared(map, unmap)?);
    unmap()
}
