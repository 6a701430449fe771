//! Serves a file system in memory.
//!
//! Given: `memory` (untyped, for the files' contents) and what `sundog-files` asks for. Names and nodes lie on the heap, whose size
//! bounds how many there can be. With the argument `apart` each client has a tree and a share of the memory of its own; else all see
//! one tree.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod frames;

use alloc::boxed::Box;
use alloc::vec::Vec;
use frames::Frames;
use sundog_files::Service;
use sundog_protocols::file::{FileServer, Owner, Time};
use sundog_rt::cap::object::Untyped;
use sundog_rt::cap::{Cap, Error, Pool};
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, Resources, entry, fail};
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
    let all = Limits {
        pages: heap / 4 / PAGE_BYTES,
        nodes: (heap / 2 / NODE_BYTES) as usize,
        handles: (heap / 4 / HANDLE_BYTES) as usize,
        room: || sundog_rt::heap_has_room(HEAP_RESERVE_PART),
    };
    let ticks_per_microsecond = environment.start.ticks_per_microsecond.max(1);
    let apart = match environment.start.arguments().nth(1) {
        None => false,
        Some(b"apart") => true,
        Some(_) => fail("tmpfs: the only argument is apart"),
    };
    let Ok((service, mut resources)) = Service::new(environment, all.handles) else {
        fail("tmpfs: too little memory for the clients' rings");
    };
    let parts = if apart { service.clients().max(1) } else { 1 };
    let Ok(mut trees) = trees(&mut resources, memory, &all, parts, ticks_per_microsecond) else {
        fail("tmpfs: too little memory of its own for what it was given");
    };
    let mut trees: Vec<_> = trees
        .iter_mut()
        .map(|tree| tree as &mut dyn FileServer)
        .collect();
    if service.run(&mut trees).is_err() {
        fail("tmpfs: the endpoint is refused");
    }
}

/// So many trees that share all there is evenly.
fn trees(
    resources: &mut Resources,
    memory: Cap<Untyped>,
    all: &Limits,
    parts: usize,
    ticks_per_microsecond: u64,
) -> Result<Vec<Tmpfs<Frames>>, Error> {
    let granted = u64::from(resources.slots.cnode().inspect(memory.slot())?.size);
    let mut pool = Pool::new();
    pool.add(memory);
    let mut trees = Vec::new();
    for _ in 0..parts {
        let pages = granted.min(all.pages) / parts as u64;
        let frames = Frames::new(resources, &mut pool, pages)?;
        let limits = Limits {
            pages: frames.count(),
            nodes: all.nodes / parts,
            handles: all.handles / parts,
            room: all.room,
        };
        let clock = move || since_boot(ticks() / ticks_per_microsecond);
        let owner = Owner { uid: 0, gid: 0 };
        trees.push(Tmpfs::new(
            frames,
            Box::new(clock),
            limits,
            ROOT_MODE,
            owner,
        ));
    }
    Ok(trees)
}

/// A time stamp: nobody tells this program the date, so times count from the start of the machine.
fn since_boot(microseconds: u64) -> Time {
    Time {
        seconds: (microseconds / 1_000_000) as i64,
        nanos: (microseconds % 1_000_000 * 1000) as u32,
    }
}
