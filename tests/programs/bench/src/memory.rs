//! Objects, capabilities and mappings.

use sundog_rt::cap::object::{Endpoint, Frame};
use sundog_rt::sys::abi::memory::PAGE_SIZE;
use sundog_rt::sys::abi::{Protection, Rights};
use sundog_rt::{Environment, fail};

use crate::measure::{median, report};

/// Copying, deleting, mapping and unmapping.
pub fn measure(environment: &mut Environment) {
    let resources = &mut environment.resources;
    let Ok(endpoint) = resources.pool.make::<Endpoint>(&mut resources.slots, 0) else {
        fail("bench: no memory for an endpoint");
    };
    let (cnode, Ok(slot)) = (resources.slots.cnode(), resources.slots.take()) else {
        fail("bench: no free slot");
    };
    let copy_delete = median(|| {
        if cnode.copy(slot, endpoint.address(), Rights::ALL).is_err() || cnode.delete(slot).is_err()
        {
            fail("bench: a copy failed");
        }
    });
    report("cap_copy_delete", copy_delete);
    let Ok(frame) = resources.pool.make::<Frame>(&mut resources.slots, 1) else {
        fail("bench: no memory for a page");
    };
    let vspace = resources.vspace;
    // A neighbour keeps the tables.
    let Ok(neighbour) = resources.map(frame, 0, 1, Protection::READ_WRITE) else {
        fail("bench: a page cannot be mapped");
    };
    let address = neighbour.address() + 2 * PAGE_SIZE;
    let map_unmap = median(|| {
        let mapped = vspace
            .map(frame, address, 0, 1, Protection::READ_WRITE)
            .is_ok();
        if !mapped || vspace.unmap(address, 1).is_err() {
            fail("bench: mapping failed");
        }
    });
    report("map_unmap_4k", map_unmap);
}
