//! What a parent says about a program that it starts.

use crate::image::ImageError;
use alloc::vec::Vec;
use sundog_abi::{Address, Error, Rights};
use sundog_cap::Cap;
use sundog_cap::object::{Endpoint, IrqControl, SchedContext, SchedControl};
use sundog_rt::start::EncodeError;
use sundog_rt::sys::Partial;

/// A capability that the program gets, or a run of them.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The name under which the program finds it.
    pub name: &'a str,
    /// Its slot in the program's CNode, at least `capability::FIRST_GIVEN`; of a run, the first.
    pub slot: u32,
    /// What it is.
    pub what: What,
}

/// What a granted capability is.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// A copy of one of the parent's.
    Copy {
        /// The parent's capability.
        source: Address,
        /// The most rights that the copy has.
        rights: Rights,
        /// The badge of the copy, if it is to get one.
        badge: Option<u64>,
    },
    /// Untyped memory, a part of the process' own.
    Memory {
        /// Bytes, a multiple of the page size.
        bytes: u64,
    },
    /// A scheduling context for a thread that the program makes itself.
    Context(Budget),
    /// An interrupt line. There is one capability of it at a time: it ends with the process, and then the line can be had again.
    Irq {
        /// The right to make it.
        control: Cap<IrqControl>,
        /// The line.
        line: u64,
    },
    /// VCpus in slots in a row.
    VCpus {
        /// How many.
        count: u32,
    },
}

impl What {
    /// How many slots it fills.
    pub fn slots(self) -> u32 {
        match self {
            What::VCpus { count } => count,
            _ => 1,
        }
    }
}

/// A row of the program's table of names.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// The path prefix.
    pub prefix: &'a str,
    /// The slot of the directory capability in the program's CNode.
    pub slot: u32,
    /// Whether files that do not exist are created there.
    pub create: bool,
}

/// Parameters of a new scheduling context.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The right to set them.
    pub control: Cap<SchedControl>,
    /// 0-63.
    pub priority: u8,
    /// The CPU.
    pub cpu: u32,
    /// TSC ticks in each period.
    pub budget: u64,
    /// TSC ticks.
    pub period: u64,
}

/// The time of the program's thread.
#[derive(Clone, Copy, Debug)]
pub enum Time {
    /// A new scheduling context.
    New(Budget),
    /// One that the parent has; the program gets a copy.
    Given(Cap<SchedContext>),
}

/// Where the program's faults are told.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The supervisor's endpoint, with the rights badge, send, grant and grant-reply.
    pub endpoint: Cap<Endpoint>,
    /// The badge that names the program.
    pub badge: u64,
}

/// A program to start.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// The ELF image.
    pub image: &'a [u8],
    /// The arguments, its own name first.
    pub arguments: Vec<&'a [u8]>,
    /// The environment variables, each `NAME=value`.
    pub variables: Vec<&'a [u8]>,
    /// The capabilities.
    pub grants: Vec<Grant<'a>>,
    /// The table of names.
    pub directories: Vec<Directory<'a>>,
    /// Whether it may not change the table of names.
    pub sealed: bool,
    /// Pages of the stack.
    pub stack_pages: u32,
    /// Pages of the heap.
    pub heap_pages: u32,
    /// Slots of its CNode; those behind the last granted one are empty and for its own use.
    pub slots: u32,
    /// Bytes of untyped memory of its own; 0: none.
    pub memory: u64,
    /// Its time.
    pub time: Time,
    /// Who is told of its faults; `None`: it just stops.
    pub fault: Option<Fault>,
    /// TSC ticks in a microsecond.
    pub ticks_per_microsecond: u64,
}

impl<'a> Program<'a> {
    /// A program with nothing but its image, its name and time: 64 KiB of stack, 256 KiB of heap, 128 slots.
    pub fn new(image: &'a [u8], name: &'a [u8], time: Time) -> Program<'a> {
        Program {
            image,
            arguments: alloc::vec![name],
            variables: Vec::new(),
            grants: Vec::new(),
            directories: Vec::new(),
            sealed: false,
            stack_pages: 16,
            heap_pages: 64,
            slots: 128,
            memory: 0,
            time,
            fault: None,
            ticks_per_microsecond: 0,
        }
    }
}

/// Why a program was not started. Nothing of it is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnError {
    /// The image cannot be started.
    Image(ImageError),
    /// The start page cannot be written.
    Start(EncodeError),
    /// A granted slot lies outside of the CNode, is reserved, or is granted twice; its index in the list.
    Slot(usize),
    /// The memory that was set aside for the program is less than these bytes, which it needs at least.
    Memory(u64),
    /// A capability could not be copied; its index in the list.
    Grant(usize, Error),
    /// A number of pages, slots or bytes is none, or beyond what a process can have.
    Size,
    /// The kernel refused something else.
    Kernel(Error),
}

impl From<Error> for SpawnError {
    fn from(error: Error) -> SpawnError {
        SpawnError::Kernel(error)
    }
}

impl From<Partial> for SpawnError {
    fn from(partial: Partial) -> SpawnError {
        SpawnError::Kernel(partial.error)
    }
}

impl From<ImageError> for SpawnError {
    fn from(error: ImageError) -> SpawnError {
        SpawnError::Image(error)
    }
}
