//! Queues of threads: first in, first out, and any thread leaves in O(1).

use sundog_machine::{Opt, Ref};

use crate::kernel::Kernel;
use crate::thread::Thread;

/// The two ends of a queue, in the object that it belongs to.
pub(crate) struct Ends<'a> {
    pub first: &'a Opt<Thread>,
    pub last: &'a Opt<Thread>,
}

impl Kernel {
    /// Puts a thread, which is in no queue, at the end.
    pub(crate) fn queue_append(&self, ends: Ends<'_>, thread: Ref<Thread>) {
        let object = self.get(thread);
        object.next.set(None);
        object.previous.set(ends.last.get());
        match ends.last.get() {
            Some(last) => self.get(last).next.set(Some(thread)),
            None => ends.first.set(Some(thread)),
        }
        ends.last.set(Some(thread));
    }

    /// Takes a thread out.
    pub(crate) fn queue_remove(&self, ends: Ends<'_>, thread: Ref<Thread>) {
        let object = self.get(thread);
        let (previous, next) = (object.previous.take(), object.next.take());
        match previous {
            Some(previous) => self.get(previous).next.set(next),
            None => ends.first.set(next),
        }
        match next {
            Some(next) => self.get(next).previous.set(previous),
            None => ends.last.set(previous),
        }
    }
}
