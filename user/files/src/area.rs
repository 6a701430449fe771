//! The memory that a client shares with the server.

use sundog_protocols::file::wire::DataArea;
use sundog_rt::Mapping;

/// A mapped area.
pub struct Area(pub Mapping);

impl DataArea for Area {
    fn copy_out(&self, offset: u32, into: &mut [u8]) -> bool {
        self.0.read(offset as usize, into).is_ok()
    }

    fn copy_in(&mut self, offset: u32, from: &[u8]) -> bool {
        self.0.write(offset as usize, from).is_ok()
    }
}
