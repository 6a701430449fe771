//! Threads and guests' registers.

use crate::object::{CNode, Endpoint, Notification, Thread, VCpu, VSpace};
use crate::{Cap, Result};
use sundog_abi::{Address, Slot, Word};
use sundog_sys as sys;

impl Cap<Thread> {
    /// Gives a stopped thread its capability space, address space and fault endpoint.
    ///
    /// # Errors
    /// Those of `thread_configure`.
    pub fn configure(
        self,
        cspace: Cap<CNode>,
        vspace: Cap<VSpace>,
        fault: Option<Cap<Endpoint>>,
    ) -> Result<()> {
        let fault = fault.map_or(Address::NULL, Cap::address);
        sys::thread_configure(self.address(), cspace.address(), vspace.address(), fault).map(drop)
    }

    /// Says where a stopped thread begins; all other registers become 0.
    ///
    /// # Errors
    /// Those of `thread_start_at`.
    pub fn start_at(self, instruction: Word, stack: Word, argument: Word) -> Result<()> {
        sys::thread_start_at(self.address(), instruction, stack, argument).map(drop)
    }

    /// Lets the thread run.
    ///
    /// # Errors
    /// Those of `thread_resume`.
    pub fn resume(self) -> Result<()> {
        sys::thread_resume(self.address()).map(drop)
    }

    /// Stops the thread.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn suspend(self) -> Result<()> {
        sys::thread_suspend(self.address()).map(drop)
    }

    /// Reads the thread's registers into the caller's message page.
    ///
    /// # Errors
    /// Those of `thread_read_registers`.
    pub fn read_registers(self) -> Result<()> {
        sys::thread_read_registers(self.address()).map(drop)
    }

    /// Binds a notification, so that a receive also ends by its signals; `None` unbinds.
    ///
    /// # Errors
    /// Those of `thread_bind_notification`.
    pub fn bind_notification(self, notification: Option<Cap<Notification>>) -> Result<()> {
        let notification = notification.map_or(Address::NULL, Cap::address);
        sys::thread_bind_notification(self.address(), notification).map(drop)
    }

    /// Makes a Frame capability of the message page in `slot` of `cnode` ([`Address::NULL`]: the root).
    ///
    /// # Errors
    /// Those of `thread_message_frame`.
    pub fn message_frame(self, cnode: Address, slot: u32) -> Result<()> {
        sys::thread_message_frame(self.address(), cnode, Slot(slot)).map(drop)
    }
}

impl Cap<VCpu> {
    /// Gives the guest its address space.
    ///
    /// # Errors
    /// Those of `vcpu_configure`.
    pub fn configure(self, vspace: Cap<VSpace>) -> Result<()> {
        sys::vcpu_configure(self.address(), vspace.address()).map(drop)
    }

    /// Runs the guest; returns the exit reason.
    ///
    /// # Errors
    /// Those of `vcpu_enter`.
    pub fn enter(self, deadline: sys::Deadline) -> Result<Word> {
        sys::vcpu_enter(self.address(), deadline.unwrap_or(0)).map(|answer| answer.value)
    }

    /// Brings the guest back.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn kick(self) -> Result<()> {
        sys::vcpu_kick(self.address()).map(drop)
    }

    /// Makes a Frame capability of the state page in `slot` of `cnode` ([`Address::NULL`]: the root).
    ///
    /// # Errors
    /// Those of `vcpu_state_frame`.
    pub fn state_frame(self, cnode: Address, slot: u32) -> Result<()> {
        sys::vcpu_state_frame(self.address(), cnode, Slot(slot)).map(drop)
    }
}
