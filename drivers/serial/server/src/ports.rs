//! The device's registers through an IoPorts capability.

use sundog_rt::cap::object::{CNode, IoPorts};
use sundog_rt::cap::{Cap, Error};
use sundog_serial_core::Ports;

/// How many registers the device has.
const REGISTERS: u32 = 8;

/// The registers at a range of I/O ports.
pub struct RegisterPorts {
    ports: Cap<IoPorts>,
    first: u16,
}

impl RegisterPorts {
    /// The registers at the ports of a capability in the root CNode, which knows the first port.
    ///
    /// # Errors
    /// `WrongType` or `OutOfRange` if it is not a range of at least eight ports; those of `cnode_inspect`.
    pub fn new(ports: Cap<IoPorts>, cnode: Cap<CNode>) -> Result<RegisterPorts, Error> {
        let description = cnode.inspect(ports.slot())?;
        if description.kind != Some(sundog_rt::sys::abi::ObjectType::IoPorts) {
            return Err(Error::WrongType);
        }
        let first = u16::try_from(description.detail).map_err(|_| Error::OutOfRange)?;
        if description.size < REGISTERS || first > u16::MAX - 7 {
            return Err(Error::OutOfRange);
        }
        Ok(RegisterPorts { ports, first })
    }
}

impl Ports for RegisterPorts {
    type Error = Error;

    fn read(&mut self, index: u8) -> Result<u8, Error> {
        self.ports.read(self.first + u16::from(index & 7))
    }

    fn write(&mut self, index: u8, value: u8) -> Result<(), Error> {
        self.ports.write(self.first + u16::from(index & 7), value)
    }
}
