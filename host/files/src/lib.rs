//! The file server on the host: serves bound folders to one machine over a stream of bytes, in a process that can reach nothing else.
//!
//! * [`handover`]: the command starts the server and hands it descriptors: each bind was opened once, by the command.
//! * [`confine`]: the server gives up everything that it does not need, before it reads the first byte from the machine.
//! * [`tree`]: one bind as a [`sundog_protocols::file::FileServer`] over the host's files.
//! * [`serve`]: the machine's requests, in order, and locks that wait.
//!
//! Why it is so: `docs/design/host-files.md`.
#![forbid(unsafe_code)]

pub mod confine;
mod filter;
pub mod handover;
mod listing;
pub mod serve;
pub mod tree;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of things that may be taken, which several trees share.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// So many things.
    pub fn new(count: usize) -> Budget {
        Budget(Arc::new(AtomicUsize::new(count)))
    }

    /// Takes some, if there are as many.
    fn take(&self, count: usize) -> Option<Taken> {
        let less = |left: usize| left.checked_sub(count);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
            .then(|| Taken(self.clone(), count))
    }
}

/// Things that were taken; they are given back when this is dropped.
#[derive(Debug)]
struct Taken(Budget, usize);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.fetch_add(self.1, Ordering::Relaxed);
    }
}
