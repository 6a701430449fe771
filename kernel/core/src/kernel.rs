//! The kernel's state as one value that every operation borrows, and how operations end.

use core::cell::Cell;

use sundog_abi::Error;
use sundog_machine::{Object, Ref, Token, hardware, object};

use crate::cnode::CNode;
use crate::cpu::Cpu;
use crate::interrupt::Line;
use crate::slot::Slot;
use crate::thread::Thread;

object! {
/// What exists once: made at boot, never destroyed. The root of the derivation tree lies right behind it.
pub struct System = 66 {
    /// CPUs that run.
    pub cpus: Cell<u32>,
}
}

/// Why an operation did not end well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It did nothing, for this reason.
    Error(Error),
    /// It is not finished: others get the CPU, then the same call is decoded again and goes on.
    Preempted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

/// The end of an operation that gives a `T`.
pub type Outcome<T = ()> = Result<T, Stop>;

/// The kernel while its lock is held.
pub struct Kernel {
    pub(crate) token: Token,
    pub(crate) system: Ref<System>,
    /// The CPU that this runs on.
    pub cpu: usize,
    /// The CNode that the last interrupted operation was taking apart.
    pub unfinished: Option<Ref<CNode>>,
    /// The slot whose descendants are being removed, as long as it exists: it may be among what it removes.
    pub(crate) watched: Option<Ref<Slot>>,
    /// The operation met the watched slot while that still had others to remove, and stopped there.
    pub(crate) postponed: bool,
    /// The thread whose call is being done, as long as it exists: it may end by its own call.
    pub(crate) calling: Option<Ref<Thread>>,
    /// CPUs that must forget translations before the lock is let go or memory is used again, as bits.
    pub(crate) flush: Cell<u64>,
}

impl Kernel {
    /// Units of the system: its header, the root of the tree, the lines, the CPUs.
    pub const fn system_units(cpus: u32) -> u32 {
        Self::CPUS_UNIT + cpus * Cpu::UNITS
    }

    /// Makes the system out of zeroed memory at `unit`, [`Kernel::system_units`] long.
    pub fn create(mut token: Token, unit: u32, cpus: u32) -> Kernel {
        let system = token.create::<System>(unit);
        let root = token.create::<Slot>(system.part::<Slot>(Self::ROOT_UNIT).unit());
        for line in 0..hardware::LINES as u32 {
            token.create::<Line>(unit + Self::LINES_UNIT + line);
        }
        for cpu in 0..cpus {
            Cpu::create(&mut token, unit + Self::CPUS_UNIT + cpu * Cpu::UNITS, cpu);
        }
        let kernel = Kernel::resume(token, system, 0);
        kernel.get(system).cpus.set(cpus);
        kernel.get(root).set_rights(sundog_abi::Rights::NONE);
        kernel
    }

    /// The kernel on this CPU, whose system was made before.
    pub fn resume(token: Token, system: Ref<System>, cpu: usize) -> Kernel {
        Kernel {
            token,
            system,
            cpu,
            unfinished: None,
            watched: None,
            postponed: false,
            calling: None,
            flush: Cell::new(0),
        }
    }

    const ROOT_UNIT: u32 = (size_of::<System>() / 64) as u32;
    pub(crate) const LINES_UNIT: u32 = Self::ROOT_UNIT + 1;
    pub(crate) const CPUS_UNIT: u32 = Self::LINES_UNIT + hardware::LINES as u32;

    /// Gives the token back, so that the lock can be let go.
    pub fn into_token(self) -> Token {
        debug_assert!(
            self.flush.get() == 0,
            "no flush is outstanding when the lock is let go"
        );
        self.token
    }

    /// The object that a reference names.
    #[inline(always)]
    pub fn get<T: Object>(&self, reference: Ref<T>) -> &T {
        self.token.get(reference)
    }

    /// The system.
    pub fn system(&self) -> Ref<System> {
        self.system
    }

    /// The root of the derivation tree: the parent of the capabilities that exist from the start. It holds nothing itself.
    pub fn root(&self) -> Ref<Slot> {
        self.system.part(Self::ROOT_UNIT)
    }

    /// The token, for the machine's functions.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// A preemption point: stops the operation if something more urgent waits.
    pub(crate) fn preemption_point(&self) -> Outcome {
        if hardware::preempted(&self.token) {
            self.finish_flush();
            Err(Stop::Preempted)
        } else {
            Ok(())
        }
    }
}

#[cfg(not(target_os = "none"))]
impl Clone for Kernel {
    /// A second world in the same state, for the model checker.
    fn clone(&self) -> Kernel {
        Kernel {
            token: self.token.clone(),
            system: self.system,
            cpu: self.cpu,
            unfinished: self.unfinished,
            watched: self.watched,
            postponed: self.postponed,
            calling: self.calling,
            flush: self.flush.clone(),
        }
    }
}

#[cfg(not(target_os = "none"))]
impl Kernel {
    /// The token, for tests that change the pretended machine.
    pub fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
