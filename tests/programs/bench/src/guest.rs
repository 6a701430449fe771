//! A VCpu: from a guest's system call to its holder and back.

use sundog_rt::cap::object::{Frame, PageTables, VCpu, VSpace};
use sundog_rt::cap::{Cap, Slots};
use sundog_rt::sys::abi::vcpu::{exit, page};
use sundog_rt::sys::abi::{Error, Protection};
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, debug, fail};

use crate::measure::{median, report};

/// Where the guest's code is.
const CODE: u64 = 0x40_0000;
/// Ticks, more than the measurement takes.
const SLICE: u64 = 1 << 40;
/// `syscall`, then a jump back to it.
const LOOP: [u8; 4] = [0x0f, 0x05, 0xeb, 0xfc];

/// An exit and the entry after it.
pub fn measure(environment: &mut Environment) {
    match start(environment) {
        Ok(vcpu) => {
            // Whoever shares the CPU among guests enters each with the end of its slice.
            let slice_end = ticks() + SLICE;
            let cost = median(|| match vcpu.enter(Some(slice_end)) {
                Ok(exit::SYSCALL) => {}
                _ => fail("bench: the guest came back for another reason"),
            });
            report("vcpu_exit_enter", cost);
        }
        Err(error) => debug!("bench: no guest: {error:?}"),
    }
}

fn start(environment: &mut Environment) -> Result<Cap<VCpu>, Error> {
    let resources = &mut environment.resources;
    let (pool, slots) = (&mut resources.pool, &mut resources.slots);
    let space: Cap<VSpace> = pool.make(slots, 1)?;
    let tables: Cap<PageTables> = pool.make(slots, 8)?;
    space.bind_tables(tables)?;
    let vcpu: Cap<VCpu> = pool.make(slots, 0)?;
    vcpu.configure(space)?;
    let code: Cap<Frame> = resources.frame(1)?;
    let mut mapped = resources.map(code, 0, 1, Protection::READ_WRITE)?;
    mapped.write(0, &LOOP)?;
    space
        .map(code, CODE, 0, 1, Protection::READ_EXECUTE)
        .map_err(|partial| partial.error)?;
    let state = resources
        .slots
        .fill(|slot| vcpu.state_frame(Slots::ROOT, slot))?;
    let mut registers = resources.map(state, 0, 1, Protection::READ_WRITE)?;
    registers.write(page::RIP * 8, &CODE.to_le_bytes())?;
    Ok(vcpu)
}
