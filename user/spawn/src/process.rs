//! A process as its parent holds it.

use alloc::vec::Vec;
use sundog_abi::{Error, Protection};
use sundog_cap::object::{CNode, Endpoint, Frame, Thread, VSpace};
use sundog_cap::{Cap, Child};
use sundog_rt::Resources;
use sundog_rt::sys::Ending;

/// How a process ended, by its own word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It was done, with a status.
    Exit(u64),
    /// It gave up, with a text.
    Panic(Vec<u8>),
    /// It left no word: a fault.
    Fault,
}

/// A process. Dropping the value leaves the process alone; [`Process::destroy`] ends it.
#[derive(Debug)]
pub struct Process {
    memory: Child,
    first_slot: u32,
    slots: u32,
    pub(crate) thread: Option<Cap<Thread>>,
    pub(crate) cnode: Option<Cap<CNode>>,
    pub(crate) vspace: Option<Cap<VSpace>>,
    pub(crate) message: Option<Cap<Frame>>,
    pub(crate) fault: Option<Cap<Endpoint>>,
}

impl Process {
    pub(crate) fn empty(memory: Child, first_slot: u32, slots: u32) -> Process {
        Process {
            memory,
            first_slot,
            slots,
            thread: None,
            cnode: None,
            vspace: None,
            message: None,
            fault: None,
        }
    }

    /// The first thread.
    ///
    /// # Errors
    /// `NotConfigured` if there is none, which only a process under construction has.
    pub fn thread(&self) -> Result<Cap<Thread>, Error> {
        self.thread.ok_or(Error::NotConfigured)
    }

    /// Its capability space.
    ///
    /// # Errors
    /// `NotConfigured` as for [`Process::thread`].
    pub fn cnode(&self) -> Result<Cap<CNode>, Error> {
        self.cnode.ok_or(Error::NotConfigured)
    }

    /// Its address space.
    ///
    /// # Errors
    /// `NotConfigured` as for [`Process::thread`].
    pub fn vspace(&self) -> Result<Cap<VSpace>, Error> {
        self.vspace.ok_or(Error::NotConfigured)
    }

    /// Lets it run.
    ///
    /// # Errors
    /// Those of `thread_resume`.
    pub fn resume(&self) -> Result<(), Error> {
        self.thread()?.resume()
    }

    /// Stops it.
    ///
    /// # Errors
    /// Those of `thread_suspend`.
    pub fn suspend(&self) -> Result<(), Error> {
        self.thread()?.suspend()
    }

    /// Reads how it ended, after its last fault.
    ///
    /// # Errors
    /// Those of mapping its message page.
    pub fn ended(&self, resources: &mut Resources) -> Result<Ended, Error> {
        let frame = self.message.ok_or(Error::NotConfigured)?;
        let mapping = resources.map(frame, 0, 1, Protection::READ)?;
        let mut page = alloc::vec![0; mapping.bytes()];
        let read = mapping.read(0, &mut page);
        resources.unmap(mapping)?;
        read?;
        Ok(match Ending::decode(&page) {
            Some(Ending::Exit(status)) => Ended::Exit(status),
            Some(Ending::Panic(text)) => Ended::Panic(text.to_vec()),
            None => Ended::Fault,
        })
    }

    /// Destroys it: every object, mapping and capability that was made of its memory, wherever it is. The memory goes back.
    ///
    /// # Errors
    /// Those of `cnode_delete`, `cnode_revoke` and `untyped_reset`.
    pub fn destroy(self, resources: &mut Resources) -> Result<(), Error> {
        // The fault capability comes from the supervisor's endpoint, not from the process' memory.
        if let Some(fault) = self.fault {
            resources.slots.cnode().delete(fault.slot())?;
        }
        resources
            .pool
            .take_back(&mut resources.slots, self.memory)?;
        (self.first_slot..self.first_slot + self.slots)
            .try_for_each(|slot| resources.slots.give(slot))
    }
}
