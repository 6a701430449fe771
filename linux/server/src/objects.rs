//! What the machine needs of the kernel, as a trait, so that all bookkeeping above it is tested without a kernel.

use sundog_linux_core::machine::StatePage;
use sundog_linux_core::native::NativeProgram;
use sundog_linux_vfs::Errno;
use sundog_rt::cap::{Error, Protection};
use sundog_rt::sys::Partial;

/// What every operation returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What can be made out of untyped memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// A part of it, of so many bytes.
    Untyped(u64),
    /// An address space for guests.
    Space,
    /// A run of pages for tables, without its header page.
    Tables(u64),
    /// A virtual processor.
    Vcpu,
}

/// What fork asks of two address spaces.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// The slot of the space that has the pages.
    pub source: u32,
    /// The slot of the space that gets them.
    pub destination: u32,
    /// The first address, the same in both.
    pub address: u64,
    /// How many pages.
    pub pages: u64,
}

/// Kernel objects, named by slots of the own CNode. Pages are 4 KiB; pages of the pool are counted from its start.
pub trait Objects {
    /// Takes an empty slot.
    ///
    /// # Errors
    /// `NotEnoughMemory` if there is none.
    fn take_slot(&mut self) -> Result<u32>;

    /// Gives back a slot that is empty again.
    fn give_slot(&mut self, slot: u32);

    /// Makes an object out of the untyped memory in slot `untyped`.
    ///
    /// # Errors
    /// Those of `untyped_retype`.
    fn make(&mut self, untyped: u32, what: Make, slot: u32) -> Result<()>;

    /// Makes one more piece of untyped memory for objects in an empty slot: a whole number of blocks.
    ///
    /// # Errors
    /// `NotEnoughMemory` if there is no more.
    fn grow(&mut self, slot: u32) -> Result<()>;

    /// Removes everything that was made of an untyped, wherever it went, and makes its memory free again.
    ///
    /// # Errors
    /// Those of `cnode_revoke` and `untyped_reset`.
    fn take_back(&mut self, untyped: u32) -> Result<()>;

    /// Gives a space pages for its tables.
    ///
    /// # Errors
    /// Those of `vspace_bind_tables`.
    fn bind_tables(&mut self, space: u32, tables: u32) -> Result<()>;

    /// Maps pages of the pool from `page` on.
    ///
    /// # Errors
    /// Those of `vspace_map`, with the pages that were mapped.
    fn map(
        &mut self,
        space: u32,
        address: u64,
        page: u32,
        pages: u32,
        protection: Protection,
    ) -> Result<(), Partial>;

    /// Removes the mappings of a range.
    ///
    /// # Errors
    /// Those of `vspace_unmap`.
    fn unmap(&mut self, space: u32, address: u64, pages: u64) -> Result<()>;

    /// Changes the protection of what is mapped in a range.
    ///
    /// # Errors
    /// Those of `vspace_protect`, with the pages that were passed.
    fn protect(
        &mut self,
        space: u32,
        address: u64,
        pages: u64,
        protection: Protection,
    ) -> Result<(), Partial>;

    /// Maps in one space what another has.
    ///
    /// # Errors
    /// Those of `vspace_share`, with the pages that were passed.
    fn share(&mut self, sharing: &Sharing) -> Result<(), Partial>;

    /// Gives a virtual processor its address space.
    ///
    /// # Errors
    /// Those of `vcpu_configure`.
    fn configure(&mut self, vcpu: u32, space: u32) -> Result<()>;

    /// Maps the state page of a virtual processor; its Frame capability goes into `slot`.
    ///
    /// # Errors
    /// Those of `vcpu_state_frame` and `vspace_map`; the slot is empty then.
    fn map_state(&mut self, vcpu: u32, slot: u32) -> Result<StatePage>;

    /// Unmaps a state page.
    ///
    /// # Errors
    /// Those of `vspace_unmap`.
    fn unmap_state(&mut self, page: StatePage) -> Result<()>;

    /// Runs the guest whose state page is `page` until it comes back, at the latest at `deadline` (ticks; 0: none), and says why it
    /// did: a number of `abi::vcpu::exit`.
    ///
    /// # Errors
    /// Those of `vcpu_enter`.
    fn enter(&mut self, vcpu: u32, page: &StatePage, deadline: u64) -> Result<u64>;

    /// Brings a guest back.
    ///
    /// # Errors
    /// Those of every look-up.
    fn kick(&mut self, vcpu: u32) -> Result<()>;

    /// Writes a guest's floating-point registers to its state page; they are read from there at the next use.
    ///
    /// # Errors
    /// Those of `vcpu_sync_fpu`.
    fn sync_fpu(&mut self, vcpu: u32) -> Result<()>;

    /// The counter that deadlines are in.
    fn ticks(&mut self) -> u64;

    /// Starts a native program as the process `pid`.
    ///
    /// # Errors
    /// As the machine's: ENOEXEC, EAGAIN, ENOMEM.
    fn start_native(&mut self, pid: i32, program: NativeProgram) -> Result<(), Errno> {
        let _ = (pid, program);
        Err(Errno::ENOEXEC)
    }

    /// Makes the native process `pid` stand still.
    fn suspend_native(&mut self, pid: i32) {
        let _ = pid;
    }

    /// Lets the native process `pid` go on.
    fn resume_native(&mut self, pid: i32) {
        let _ = pid;
    }

    /// Destroys the native process `pid`.
    fn end_native(&mut self, pid: i32) {
        let _ = pid;
    }
}
