//! Threads of another address space: made, started, woken, resumed after a fault, and destroyed.
//!
//! Their code is a few instructions that note the counter in a page which this program sees too.

use sundog_rt::cap::object::{
    CNode, Endpoint, Frame, IoPorts, Irq, Notification, PageTables, Reply, SchedContext, Thread,
    Untyped, VSpace,
};
use sundog_rt::cap::{Cap, Slots};
use sundog_rt::sys::abi::{Call, Error, Info, Protection, Rights};
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, Mapping};

use crate::measure::{prepared, reached, report};

/// Where the code is, and the page that it writes to.
const CODE: u64 = 0x40_0000;
const NOTED: u64 = 0x40_1000;
/// Pages for tables, and slots of the CNode.
const TABLES: u64 = 8;
const SLOTS: u64 = 16;
/// Where the other address space's program has the notification that it waits for.
const EVENTS: u32 = 4;
/// Bytes of all that belongs to a process.
const PROCESS: u64 = 128 << 10;
/// The first register of the device, its interrupt enable register, and the bit in it for room to send.
const PORT: u16 = 0x3f8;
const ENABLE: u16 = PORT + 1;
const ROOM: u8 = 2;

/// Notes the counter: `rdtsc; shl rdx, 32; or rax, rdx; mov [NOTED], rax`.
const NOTE: [u8; 17] = [
    0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0x48, 0x89, 0x04, 0x25, 0x00, 0x10, 0x40,
    0x00,
];
/// Ends without anybody who is told: `ud2`.
const END: [u8; 2] = [0x0f, 0x0b];
/// Reads the page at 0: `mov al, [0]`.
const FAULT: [u8; 7] = [0x8a, 0x04, 0x25, 0, 0, 0, 0];

/// What all processes are made of and with.
struct Parts {
    memory: Cap<Untyped>,
    slots: [u32; 4],
    code: Cap<Frame>,
    noted_frame: Cap<Frame>,
    noted: Mapping,
    written: Mapping,
    /// Time of a higher priority than this program's: whoever gets it runs at once.
    above: Cap<SchedContext>,
    cnode: Cap<CNode>,
}

/// A process.
#[derive(Clone, Copy)]
struct Process {
    space: Cap<VSpace>,
    cnode: Cap<CNode>,
    thread: Cap<Thread>,
}

/// Processes, threads, signals, faults and interrupts.
///
/// # Errors
/// What the kernel refused.
pub fn measure(environment: &mut Environment) -> Result<(), Error> {
    let mut parts = Parts::new(environment)?;
    parts.write(&[&NOTE, &END])?;
    processes(&mut parts)?;
    threads(environment, &mut parts)?;
    faults(environment, &mut parts)?;
    signals(environment, &mut parts)
}

impl Parts {
    fn new(environment: &mut Environment) -> Result<Parts, Error> {
        let above = environment.require("above");
        let resources = &mut environment.resources;
        let memory = resources.pool.make(&mut resources.slots, PROCESS)?;
        let mut slots = [0; 4];
        for slot in &mut slots {
            *slot = resources.slots.take()?;
        }
        let (code, noted_frame) = (resources.frame(1)?, resources.frame(1)?);
        Ok(Parts {
            memory,
            slots,
            code,
            noted_frame,
            noted: resources.map(noted_frame, 0, 1, Protection::READ_WRITE)?,
            written: resources.map(code, 0, 1, Protection::READ_WRITE)?,
            above,
            cnode: resources.slots.cnode(),
        })
    }

    /// Makes the code of these parts.
    fn write(&mut self, parts: &[&[u8]]) -> Result<(), Error> {
        let mut at = 0;
        for part in parts {
            self.written.write(at, part)?;
            at += part.len();
        }
        Ok(())
    }

    /// The counter as the other thread noted it.
    fn noted(&self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.noted.read(0, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn make<T: sundog_rt::cap::Object>(&self, slot: usize, size: u64) -> Result<Cap<T>, Error> {
        let slot = self.slots[slot];
        self.memory.retype::<T>(size, Slots::ROOT, slot, 1)?;
        Ok(Cap::root(slot))
    }

    /// Makes a process with two pages, which does not run yet.
    fn process(&self, fault: Option<Cap<Endpoint>>) -> Result<Process, Error> {
        let space: Cap<VSpace> = self.make(0, 0)?;
        let tables: Cap<PageTables> = self.make(1, TABLES)?;
        space.bind_tables(tables)?;
        let cnode: Cap<CNode> = self.make(2, SLOTS)?;
        let thread: Cap<Thread> = self.make(3, 0)?;
        space.map(self.code, CODE, 0, 1, Protection::READ_EXECUTE)?;
        space.map(self.noted_frame, NOTED, 0, 1, Protection::READ_WRITE)?;
        thread.configure(cnode, space, fault)?;
        thread.start_at(CODE, 0, 0)?;
        Ok(Process {
            space,
            cnode,
            thread,
        })
    }

    /// Lets a thread run, which it does at once.
    fn start(&self, thread: Cap<Thread>) -> Result<(), Error> {
        self.above.bind(thread)?;
        thread.resume()
    }

    /// Destroys all that was made.
    fn destroy(&self) -> Result<(), Error> {
        self.cnode.revoke(self.memory.slot())?;
        self.memory.reset()
    }
}

/// A process from nothing to its first instruction, and its end.
fn processes(parts: &mut Parts) -> Result<(), Error> {
    let create = || {
        let process = parts.process(None)?;
        parts.start(process.thread)
    };
    let until_it_runs = || {
        parts.destroy()?;
        let start = ticks();
        create()?;
        Ok(parts.noted()?.saturating_sub(start))
    };
    report("process_create", reached(until_it_runs)?);
    parts.destroy()?;
    report("process_destroy", prepared(create, || parts.destroy())?);
    Ok(())
}

/// A thread in an address space that is there: made, given its time, run until its fault, which nobody takes, and deleted.
fn threads(environment: &mut Environment, parts: &mut Parts) -> Result<(), Error> {
    let process = parts.process(None)?;
    let resources = &mut environment.resources;
    let memory: Cap<Untyped> = resources.pool.make(&mut resources.slots, PROCESS)?;
    let slot = resources.slots.take()?;
    let cnode = parts.cnode;
    let cycle = || {
        memory.retype::<Thread>(0, Slots::ROOT, slot, 1)?;
        let thread: Cap<Thread> = Cap::root(slot);
        thread.configure(process.cnode, process.space, None)?;
        thread.start_at(CODE, 0, 0)?;
        parts.start(thread)?;
        cnode.delete(slot)
    };
    report("thread_cycle", prepared(|| memory.reset(), cycle)?);
    parts.destroy()
}

/// From the answer to a fault to the next one, which is the same: there and back between two address spaces.
fn faults(environment: &mut Environment, parts: &mut Parts) -> Result<(), Error> {
    let resources = &mut environment.resources;
    let endpoint: Cap<Endpoint> = resources.pool.make(&mut resources.slots, 0)?;
    let reply: Cap<Reply> = resources.pool.make(&mut resources.slots, 0)?;
    parts.write(&[&FAULT, &END])?;
    let process = parts.process(Some(endpoint))?;
    parts.start(process.thread)?;
    endpoint.receive(Some(reply), None)?;
    let again = || {
        let received = endpoint.reply_receive(reply, Info(0), &[0; 8], None)?;
        match received.info.has(Info::FAULT) {
            true => Ok(()),
            false => Err(Error::InvalidArgument),
        }
    };
    report("fault_round_trip", prepared(|| Ok(()), again)?);
    parts.destroy()
}

/// From a signal, and from a device's interrupt, to the first instruction of the thread that waits for it.
fn signals(environment: &mut Environment, parts: &mut Parts) -> Result<(), Error> {
    let (device, line): (Cap<IoPorts>, Cap<Irq>) =
        (environment.require("device"), environment.require("line"));
    let resources = &mut environment.resources;
    let events: Cap<Notification> = resources.pool.make(&mut resources.slots, 0)?;
    // `mov edi, events; mov eax, wait; xor esi, esi; syscall`, then the note, then back to the beginning.
    let address = Cap::<Notification>::root(EVENTS).address().0;
    let mut wait = [0xbf, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0x31, 0xf6, 0x0f, 0x05];
    wait[1..5].copy_from_slice(&(address as u32).to_le_bytes());
    wait[6..10].copy_from_slice(&(Call::notification_wait as u32).to_le_bytes());
    let back = [0xeb, 0u8.wrapping_sub((wait.len() + NOTE.len() + 2) as u8)];
    parts.write(&[&wait, &NOTE, &back])?;
    let process = parts.process(None)?;
    let (cnode, rights) = (process.cnode, Rights::RECEIVE);
    cnode.copy(EVENTS, events.address(), rights)?;
    parts.start(process.thread)?;
    let woken = |wake: &dyn Fn() -> Result<(), Error>| {
        let start = ticks();
        wake()?;
        let noted = parts.noted()?;
        // What it noted before is no answer.
        noted.checked_sub(start).ok_or(Error::TimedOut)
    };
    report("signal_wait", reached(|| woken(&|| events.signal()))?);
    line.bind(Some(events))?;
    let ready = || {
        device.write(ENABLE, 0)?;
        line.acknowledge()
    };
    let interrupted = reached(|| {
        ready()?;
        woken(&|| device.write(ENABLE, ROOM))
    })?;
    // The register is written without anything that follows, too.
    let written = prepared(ready, || device.write(ENABLE, 0))?;
    report("irq_wait", interrupted.saturating_sub(written));
    parts.destroy()
}
