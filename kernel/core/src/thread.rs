//! Thread: registers, capability space, address space, fault endpoint.

use core::cell::Cell;

use sundog_machine::{Opt, object};

use crate::cnode::CNode;

object! {
/// A thread.
pub struct Thread = 33 {
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// The CNode that its interrupted call takes apart.
    pub deleting: Opt<CNode>,
}
}
