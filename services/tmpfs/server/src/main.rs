//! Serves a file system in memory.
//!
//! Given: `memory` (untyped, for the files' contents) and what `sundog-files` asks for. Names and nodes lie on the heap, whose size
//! bounds how many there can be.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod frames;

use alloc::boxed::Box;
use frames::Frames;
use sundog_files::Service;
use sundog_protocols::file::{Owner, Time};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::Untyped;
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, entry, fail};
use sundog_tmpfs_core::{Limits, Tmpfs};

entry!(run);

/// Heap bytes that a node with its name costs at most on average.
const NODE_BYTES: u64 = 1024;
/// Heap bytes that a page of contents costs in its file's table and in the list of free pages.
const PAGE_BYTES: u64 = 40;
/// Heap bytes of a handle, here and in the session.
const HANDLE_BYTES: u64 = 64;
/// The root's permissions: everybody may make files, only owners remove theirs.
const ROOT_MODE: u32 = 0o1777;

/// One part in so many of the heap is kept free of nodes, names and blocks.
const HEAP_RESERVE_PART: usize = 8;

fn run(environment: Environment) {
    let memory: Cap<Untyped> = environment.require("memory");
    let heap = environment.start.heap.end - environment.start.heap.start;
    // A half for nodes, a quarter each for pages and handles.
    let limits = Limits {
        pages: heap / 4 / PAGE_BYTES,
        nodes: (heap / 2 / NODE_BYTES) as usize,
        handles: (heap / 4 / HANDLE_BYTES) as usize,
        room: || sundog_rt::heap_has_room(HEAP_RESERVE_PART),
    };
    let ticks_per_microsecond = environment.start.ticks_per_microsecond.max(1);
    let Ok((service, resources)) = Service::new(environment, limits.handles) else {
        fail("tmpfs: too little memory for the clients' areas");
    };
    let clock = move || since_boot(ticks() / ticks_per_microsecond);
    let owner = Owner { uid: 0, gid: 0 };
    let mut tree = Tmpfs::new(
        Frames::new(resources, memory),
        Box::new(clock),
        limits,
        ROOT_MODE,
        owner,
    );
    if service.run(&mut tree).is_err() {
        fail("tmpfs: the endpoint is refused");
    }
}

/// A time stamp: nobody tells this program the date, so times count from the start of the machine.
fn since_boot(microseconds: u64) -> Time {
    Time {
        seconds: (microseconds / 1_000_000) as i64,
        nanos: (microseconds % 1_000_000 * 1000) as u32,
    }
}
