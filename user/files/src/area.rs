//! The ring that a client shares with the server, as the memory that requests name places in.

use sundog_protocols::file::wire::DataArea;
use sundog_rt::ring::{Area, Memory};

/// One side of the ring.
pub struct Shared<M>(pub Area<M>);

impl<M: Memory + Send> DataArea for Shared<M> {
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool {
        self.0.copy_out(offset as usize, into)
    }

    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool {
        self.0.copy_in(offset as usize, from)
    }
}
