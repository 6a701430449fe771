//! Interrupt lines and I/O ports.

use crate::object::{IoPortControl, IoPorts, Irq, IrqControl, Notification};
use crate::{Cap, Result};
use sundog_abi::{Address, Slot, Word};
use sundog_sys as sys;

impl Cap<Irq> {
    /// Binds a notification that each interrupt signals; `None` unbinds.
    ///
    /// # Errors
    /// Those of `irq_bind`.
    pub fn bind(self, notification: Option<Cap<Notification>>) -> Result<()> {
        let notification = notification.map_or(Address::NULL, Cap::address);
        sys::irq_bind(self.address(), notification).map(drop)
    }

    /// Lets the line interrupt again.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn acknowledge(self) -> Result<()> {
        sys::irq_acknowledge(self.address()).map(drop)
    }
}

impl Cap<IrqControl> {
    /// Makes the capability of a line in `slot` of `cnode` ([`Address::NULL`]: the root).
    ///
    /// # Errors
    /// Those of `irq_control_get`.
    pub fn get(self, line: Word, cnode: Address, slot: u32) -> Result<()> {
        sys::irq_control_get(self.address(), line, cnode, Slot(slot)).map(drop)
    }
}

impl Cap<IoPortControl> {
    /// Makes the capability of a range of ports in `slot` of `cnode` ([`Address::NULL`]: the root).
    ///
    /// # Errors
    /// Those of `io_port_control_get`.
    pub fn get(self, first: u16, count: u32, cnode: Address, slot: u32) -> Result<()> {
        sys::io_port_control_get(
            self.address(),
            first.into(),
            count.into(),
            cnode,
            Slot(slot),
        )
        .map(drop)
    }
}

impl Cap<IoPorts> {
    /// Reads a byte.
    ///
    /// # Errors
    /// Those of `io_port_in`.
    pub fn read(self, port: u16) -> Result<u8> {
        sys::io_port_in(self.address(), port.into(), 1).map(|answer| answer.value as u8)
    }

    /// Writes a byte.
    ///
    /// # Errors
    /// Those of `io_port_out`.
    pub fn write(self, port: u16, value: u8) -> Result<()> {
        sys::io_port_out(self.address(), port.into(), 1, Word::from(value)).map(drop)
    }
}
