//! Clients and servers in one process, over rings in ordinary memory.

mod ends;
mod names;

use crate::clients::Clients;
use crate::connection::{Caller, Connection};
use crate::files::Files;
use crate::message::Answer;
use std::boxed::Box;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::vec::Vec;
use sundog_namespace::{Namespace, Place};
use sundog_protocols::file::{FileServer, OpenFlags, Owner, Time};
use sundog_rt::ring::{Memory, Word};
use sundog_tmpfs_core::{HeapPages, Limits, StoppedClock, Tmpfs};

/// Reading and writing.
const BOTH: OpenFlags = OpenFlags::READ.with(OpenFlags::WRITE);
/// Bytes of a ring: a few pieces of data and no more.
const RING: usize = 4096;

/// A ring in ordinary memory: the wrap is a remainder.
#[derive(Clone)]
struct Ring(Arc<([AtomicU64; 8], Vec<AtomicU8>)>);

impl Ring {
    fn new() -> Ring {
        let data = (0..RING).map(|_| AtomicU8::new(0)).collect();
        Ring(Arc::new((Default::default(), data)))
    }

    fn byte(&self, index: usize) -> &AtomicU8 {
        &self.0.1[index % RING]
    }
}

impl Memory for Ring {
    fn capacity(&self) -> usize {
        RING
    }

    fn word(&self, word: Word) -> &AtomicU64 {
        &self.0.0[word as usize]
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            self.byte(offset + index).store(*byte, Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = self.byte(offset + index).load(Ordering::Relaxed);
        }
    }
}

/// A server process: its clients, and its trees.
struct Process {
    clients: Clients<Ring>,
    trees: Vec<Tmpfs<HeapPages>>,
}

impl Process {
    fn serve(&mut self, badge: u64, request: &[u64]) -> Answer {
        let mut trees: Vec<_> = trees(&mut self.trees);
        self.clients.serve(&mut trees, badge, request)
    }

    fn ended(&mut self, bits: u64) {
        let mut trees: Vec<_> = trees(&mut self.trees);
        self.clients.ended(&mut trees, bits);
    }
}

fn trees(trees: &mut [Tmpfs<HeapPages>]) -> Vec<&mut dyn FileServer> {
    let all = trees.iter_mut();
    all.map(|tree| tree as &mut dyn FileServer).collect()
}

/// A server that can die and be started again on the same rings.
#[derive(Clone)]
struct Server {
    process: Arc<Mutex<Option<Process>>>,
    rings: Vec<Ring>,
}

/// A client's endpoint of it.
struct Endpoint {
    server: Server,
    badge: u64,
}

impl Caller for Endpoint {
    fn call(&mut self, request: &[u64]) -> Option<Answer> {
        let mut process = self.server.process.lock().unwrap();
        Some(process.as_mut()?.serve(self.badge, request))
    }
}

impl Server {
    /// A server with two clients of one tree.
    fn new() -> Server {
        let server = Server {
            process: Arc::default(),
            rings: Vec::from([Ring::new(), Ring::new()]),
        };
        server.start(1);
        server
    }

    /// Starts it, again perhaps, with so many empty trees.
    fn start(&self, trees: usize) {
        let mut clients = Clients::none();
        for (badge, ring) in (1..).zip(&self.rings) {
            clients.add(badge, ring.clone(), 16);
        }
        let trees = (0..trees).map(|_| tree()).collect();
        *self.process.lock().unwrap() = Some(Process { clients, trees });
    }

    fn kill(&self) {
        *self.process.lock().unwrap() = None;
    }

    /// Takes up the ring of the client with this badge.
    fn connect(&self, badge: u64) -> Connection<Endpoint, Ring> {
        let endpoint = Endpoint {
            server: self.clone(),
            badge,
        };
        Connection::new(endpoint, self.rings[badge as usize - 1].clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Process) -> T) -> T {
        work(self.process.lock().unwrap().as_mut().unwrap())
    }
}

/// An empty tree of 64 pages.
fn tree() -> Tmpfs<HeapPages> {
    let limits = Limits {
        pages: 64,
        ..Limits::default()
    };
    let clock = Box::new(StoppedClock(Time::default()));
    Tmpfs::new(HeapPages::new(64), clock, limits, 0o755, Owner::default())
}

/// A client whose only name is `/tmp`, in slot 16.
fn files(server: &Server, badge: u64) -> Files<Endpoint, Ring> {
    let mut names = Namespace::new();
    names.bind("/tmp", 16, Place::Replace, true).unwrap();
    let mut files = Files::new(names);
    files.add(16, server.connect(badge));
    files
}

/// Some bytes.
fn bytes(count: usize, seed: usize) -> Vec<u8> {
    (0..count).map(|index| (index * 31 + seed) as u8).collect()
}
