//! What the personality needs of the machine below it: address spaces, virtual processors and time.
//!
//! On Sundog these are VSpace and VCpu objects; on a developer's Linux they are traced child processes. Address spaces
//! are a cache of the personality's own page tables: a machine may forget a mapping at any time, and the personality
//! then answers the fault by mapping again. So only `unmap` and `protect` must have happened when they return.
use crate::Errno;
use crate::native::NativeProgram;
use alloc::vec::Vec;
pub use sundog_linux_memory::{GuestRegisters, StatePage};

/// The number of an address space of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpaceId(pub u32);

/// The number of a virtual processor of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VcpuId(pub u32);

/// What a guest may do with a page; a page that is mapped at all can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Protection {
    /// Writes are allowed.
    pub write: bool,
    /// Instruction fetches are allowed.
    pub execute: bool,
}

/// The machine has no room for this (tables, objects); the personality may drop caches and try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// A virtual processor as the machine made it.
#[derive(Debug)]
pub struct Vcpu {
    /// Its number at the machine.
    pub id: VcpuId,
    /// Its guest's registers, which the machine reads and writes in place.
    pub registers: StatePage,
}

/// Why a guest came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The instruction `syscall`.
    Syscall,
    /// An access that the machine's mappings do not allow.
    Fault {
        /// The address accessed.
        address: u64,
        /// It was a write, as far as the machine can tell.
        write: bool,
        /// It was an instruction fetch.
        execute: bool,
        /// The machine had a mapping there, that did not allow the access.
        present: bool,
    },
    /// Any other processor exception, by its vector.
    Exception {
        /// The vector (0 divide error, 1 debug, 3 breakpoint, 6 invalid opcode, 13 general protection ...).
        vector: u8,
        /// The error code, or zero.
        code: u32,
    },
    /// Somebody kicked this virtual processor.
    Kick,
    /// A notification of the personality was signalled: events of its services are waiting.
    Notification,
    /// The deadline passed.
    Deadline,
    /// The registers given were not acceptable, or the virtual processor is lost.
    BadState,
}

/// The machine. Times are nanoseconds of a clock that never goes back; addresses and offsets are multiples of a page.
pub trait Machine {
    /// Makes an empty address space.
    ///
    /// # Errors
    /// When the machine has no room for one more.
    fn create_space(&mut self) -> Result<SpaceId, NoRoom>;

    /// Destroys an address space with its mappings; no virtual processor runs in it.
    fn destroy_space(&mut self, space: SpaceId);

    /// Maps `pages` pages of the pool from byte `offset` on at `address`, replacing what is there.
    ///
    /// # Errors
    /// When there is no room for tables; what was mapped before the error stays.
    fn map(
        &mut self,
        space: SpaceId,
        address: u64,
        offset: usize,
        pages: usize,
        protection: Protection,
    ) -> Result<(), NoRoom>;

    /// Removes all mappings of a range; holes in it are fine.
    fn unmap(&mut self, space: SpaceId, address: u64, pages: usize);

    /// Changes what is allowed on the mappings of a range; holes in it are fine.
    fn protect(&mut self, space: SpaceId, address: u64, pages: usize, protection: Protection);

    /// For fork: may map in `destination` what is mapped in a range of `source`, as far as there is room (the rest is found by
    /// faults). Whether it may have mapped something.
    fn share(&mut self, source: SpaceId, destination: SpaceId, address: u64, pages: usize) -> bool;

    /// Makes a virtual processor with a fresh floating-point state.
    ///
    /// # Errors
    /// When the machine has no room for one more.
    fn create_vcpu(&mut self) -> Result<Vcpu, NoRoom>;

    /// Destroys a virtual processor, which nobody is entering.
    fn destroy_vcpu(&mut self, vcpu: Vcpu);

    /// Runs a guest until something happens, at the latest until `deadline`: one that makes call after call comes back with
    /// `Exit::Deadline` too.
    fn enter(&mut self, vcpu: &Vcpu, space: SpaceId, deadline: u64) -> Exit;

    /// Makes the present or the next `enter` of this virtual processor return `Exit::Kick`.
    fn kick(&mut self, vcpu: VcpuId);

    /// Gives one virtual processor the floating-point state of another, for fork and clone.
    fn copy_fpu(&mut self, from: &Vcpu, to: &Vcpu);

    /// Makes the floating-point state fresh, for execve.
    fn reset_fpu(&mut self, vcpu: &Vcpu);

    /// The floating-point state in the form of `xsave` (or `fxsave`: 512 bytes), for a signal frame; empty when the
    /// machine does not show it.
    fn save_fpu(&mut self, vcpu: &Vcpu) -> Vec<u8>;

    /// Loads a floating-point state that a guest may have changed; the machine checks it. Whether it was taken.
    fn load_fpu(&mut self, vcpu: &Vcpu, state: &[u8]) -> bool;

    /// Nanoseconds since the machine started.
    fn now(&mut self) -> u64;

    /// Nanoseconds of the calendar at the machine's start, since 1970.
    fn calendar_at_start(&mut self) -> u64;

    /// Fills `bytes` with unpredictable bytes.
    fn random(&mut self, bytes: &mut [u8]);

    /// Whether the personality has memory for more of what programs that run already make it hold: areas and parts of page tables.
    fn has_room(&self) -> bool {
        true
    }

    /// Starts a native program as the process `pid`.
    ///
    /// # Errors
    /// ENOEXEC where the machine has none or the image cannot be run; EAGAIN or ENOMEM when it has no room for one more.
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

    /// Destroys the native process `pid` with all that it has.
    fn end_native(&mut self, pid: i32) {
        let _ = pid;
    }
}
