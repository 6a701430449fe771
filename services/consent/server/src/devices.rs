//! The servers of the devices: orders and revocations, as calls.

use alloc::vec::Vec;
use sundog_protocols::Words;
use sundog_protocols::serial::{Open, encode_number, label};
use sundog_rt::cap::object::{CNode, Endpoint};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Address;
use sundog_service::{arrived, outgoing};

/// The device servers, and the one slot in which their capabilities arrive.
pub struct Devices {
    servers: Vec<Cap<Endpoint>>,
    cnode: Cap<CNode>,
    slot: u32,
}

impl Devices {
    /// The servers in the order of the arguments; `slot` is empty and taken for this.
    pub fn new(servers: Vec<Cap<Endpoint>>, cnode: Cap<CNode>, slot: u32) -> Devices {
        Devices {
            servers,
            cnode,
            slot,
        }
    }

    /// Orders a capability for a grant. It stays until [`Devices::clear`].
    ///
    /// # Errors
    /// Those of the call; `NotAllowed` if the server refuses or sends none.
    pub fn order(
        &self,
        page: &mut MessagePage,
        device: usize,
        order: &Open,
    ) -> Result<Cap<Endpoint>, Error> {
        let words = order.encode().map_err(|_| Error::InvalidArgument)?;
        page.set_window(Address::NULL, self.slot, 1);
        let answered = self.call(page, device, &words);
        // Nobody but a device's server may put anything anywhere.
        page.set_window(Address::NULL, 0, 0);
        let (answer, with_capability) = answered?;
        if answer.label() == 0 && with_capability && page.arrived() & 1 == 1 {
            return Ok(Cap::root(self.slot));
        }
        self.clear();
        Err(Error::NotAllowed)
    }

    /// Empties the slot; what was copied from the capability in it becomes its parent's.
    pub fn clear(&self) {
        // An empty slot is what was wanted.
        let _ = self.cnode.delete(self.slot);
    }

    /// Tells a server to drop a grant.
    ///
    /// # Errors
    /// Those of the call.
    pub fn revoke(&self, page: &mut MessagePage, device: usize, grant: u64) -> Result<(), Error> {
        let words = encode_number(label::REVOKE, grant).map_err(|_| Error::InvalidArgument)?;
        self.call(page, device, &words).map(drop)
    }

    fn call(
        &self,
        page: &mut MessagePage,
        device: usize,
        words: &Words,
    ) -> Result<(Words, bool), Error> {
        let server = self.servers.get(device).ok_or(Error::OutOfRange)?;
        let (info, registers) = outgoing(page, words);
        let received = server.call(info, &registers, None)?;
        let answer = arrived(page, &received).map_err(|_| Error::InvalidArgument)?;
        Ok((answer, received.info.capabilities() == 1))
    }
}
