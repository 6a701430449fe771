//! Native processes: started out of the personality's own memory, slots and time, with an endpoint to it and nothing else.

use crate::gated::within::{Registered, Within};
use crate::inner::{self, Inner, Parts, Tree};
use crate::wish::Wish;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_init_core::FaultText;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::native::NativeProgram;
use sundog_linux_core::process::End;
use sundog_linux_core::signal::SIGSEGV;
use sundog_linux_core::texts::{List, Texts};
use sundog_linux_vfs::{Errno, fallible};
use sundog_rt::Resources;
use sundog_rt::cap::object::{Endpoint, Frame, Notification, SchedContext};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::start::TOTAL_BYTES;
use sundog_rt::start::capability::FIRST_GIVEN;
use sundog_rt::sys::MessagePage;
use sundog_rt::sys::abi::Rights;
use sundog_spawn::{Ended, Fault, Grant, Process, Program, SpawnError, Time, What, spawn};

/// What a client of the personality's endpoint may do with it: call.
pub const CALL: Rights = Rights::SEND.union(Rights::GRANT_REPLY);

/// Words of a command line that may be the options of a sandbox.
const WORDS: usize = 1024;
/// Bytes of all texts of a start page, each with its length; a page stays for the names of capabilities.
const START_BYTES: usize = TOTAL_BYTES - 4096;
/// What starting a process takes of the heap besides the texts.
const SPAWN_BYTES: usize = 64 * 1024;

/// A process that runs.
struct Running {
    process: Process,
    time: Cap<SchedContext>,
    texts: Rc<Texts>,
    /// What it shares with this personality if it is a sandbox.
    inner: Option<Inner>,
    /// Scheduling contexts that it may give to processes of its own, and those of its threads that ask for devices.
    lent: Vec<Cap<SchedContext>>,
    /// Its badge with the consent service, if it was given devices that ask.
    badge: Option<u64>,
}

/// What was taken for a sandbox that may not come about.
#[derive(Default)]
struct Taken {
    time: Vec<Cap<SchedContext>>,
    shared: Option<(Cap<Notification>, Cap<Frame>)>,
    registered: Option<Registered>,
}

/// The native processes.
pub struct Natives {
    requests: Cap<Endpoint>,
    /// Scheduling contexts that nobody runs on.
    free_time: Vec<Cap<SchedContext>>,
    running: BTreeMap<i32, Running>,
    ticks_per_microsecond: u64,
    /// What sandboxes within are made of besides.
    pub parts: Parts,
    /// Exports of sandboxes that have ended.
    gone: Vec<Tree>,
    /// Sandboxes within and their devices.
    within: Within,
}

/// What Linux says when a process could not be made.
pub fn errno(error: SpawnError) -> Errno {
    match error {
        SpawnError::Image(_) => Errno::ENOEXEC,
        SpawnError::Start(_) => Errno::E2BIG,
        _ => Errno::ENOMEM,
    }
}

impl Natives {
    /// No processes; they run on the scheduling contexts `time`, one each, and call `requests` with their process id as badge.
    pub fn new(
        requests: Cap<Endpoint>,
        time: Vec<Cap<SchedContext>>,
        ticks_per_microsecond: u64,
        parts: Parts,
        within: Within,
    ) -> Natives {
        Natives {
            requests,
            free_time: time,
            running: BTreeMap::new(),
            ticks_per_microsecond,
            parts,
            gone: Vec::new(),
            within,
        }
    }

    /// Makes the process `pid` the sandbox that its arguments describe; its own program is gone then.
    ///
    /// # Errors
    /// An error number and a sentence; the process stays as it was.
    pub fn become_sandbox(
        &mut self,
        resources: &mut Resources,
        page: &mut MessagePage,
        kernel: &mut Kernel,
        pid: i32,
    ) -> Result<(), (Errno, String)> {
        let mut taken = Taken::default();
        let made = self.make_sandbox(resources, page, kernel, pid, &mut taken);
        // What the sandbox has by now is no longer taken.
        self.free_time.append(&mut taken.time);
        self.parts.spare.extend(taken.shared);
        if let Some(Registered { badge, endpoint }) = taken.registered {
            let emptied = resources.slots.delete(endpoint.slot());
            debug_assert!(emptied.is_ok(), "the sandbox has a copy of its own");
            if made.is_err() {
                self.within.end(badge);
            }
        }
        made
    }

    fn make_sandbox(
        &mut self,
        resources: &mut Resources,
        page: &mut MessagePage,
        kernel: &mut Kernel,
        pid: i32,
        taken: &mut Taken,
    ) -> Result<(), (Errno, String)> {
        let no = |error: Errno, text: &str| (error, String::from(text));
        let running = self
            .running
            .get(&pid)
            .filter(|running| running.inner.is_none());
        let running = running.ok_or_else(|| no(Errno::ESRCH, ""))?;
        let given = running.texts.clone();
        let few = texts(&given.arguments, WORDS);
        let few = few.map_err(|error| no(error, "its arguments"))?;
        let wish = Wish::of(&few).map_err(|text| (Errno::EINVAL, text))?;
        let task = kernel.world.tids.get(&pid).copied();
        let task = task.ok_or_else(|| no(Errno::ESRCH, ""))?;
        let devices = self.within.prepare(kernel, task, &wish, &given.arguments)?;
        let mut time = |what: &str| {
            let time = self.free_time.pop();
            taken.time.extend(time);
            time.ok_or_else(|| {
                (
                    Errno::EAGAIN,
                    format!(
                        "no processor time is left for {what}; end another sandbox, or start the one around this with --mem-within, which lends all of it"
                    ),
                )
            })
        };
        let own = time("it")?;
        let ask = match devices.asks() {
            true => Some(time("its questions")?),
            false => None,
        };
        // A sandbox that is to hold others gets all that is left: what its starter runs on now comes free again.
        let kept = match wish.plan.memory_within {
            Some(_) => 0,
            None => self.free_time.len().div_ceil(2),
        };
        let lent = self.free_time.split_off(kept);
        taken.time.extend(&lent);
        let shared = self.parts.shared(resources)?;
        taken.shared = Some(shared);
        if ask.is_some() {
            taken.registered = Some(self.within.register(page, resources, &devices)?);
        }
        let (process, inner) = inner::spawn_sandbox(
            resources,
            kernel,
            &inner::Start {
                parts: &self.parts,
                shared,
                requests: self.requests,
                pid,
                wish: &wish,
                texts: &given,
                time: own,
                lent: &lent,
                ticks_per_microsecond: self.ticks_per_microsecond,
                devices: &devices,
                asking: ask.zip(taken.registered.as_ref()),
            },
        )?;
        *taken = Taken {
            registered: taken.registered.take(),
            ..Taken::default()
        };
        let running = Running {
            process,
            time: own,
            texts: given,
            inner: Some(inner),
            lent: lent.into_iter().chain(ask).collect(),
            badge: taken.registered.as_ref().map(|known| known.badge),
        };
        if let Some(old) = self.running.insert(pid, running) {
            let destroyed = old.process.destroy(resources);
            debug_assert!(destroyed.is_ok(), "a process can be destroyed");
            self.free_time.push(old.time);
        }
        kernel.native_relays(pid);
        Ok(())
    }

    /// Wakes the sandboxes within that have devices: one of those may have news.
    pub fn pass_on_news(&self) {
        for running in self.running.values() {
            if let (Some(inner), Some(_)) = (&running.inner, running.badge) {
                // One that is gone needs no signal.
                let _ = inner.shared.events.signal();
            }
        }
    }

    /// What the sandbox `pid` shares.
    pub fn inner(&mut self, pid: i32) -> Option<&mut Inner> {
        self.running.get_mut(&pid)?.inner.as_mut()
    }

    /// Exports that nobody uses any more.
    pub fn take_gone(&mut self) -> Vec<Tree> {
        self.within.tell();
        core::mem::take(&mut self.gone)
    }

    /// Starts a program as the process `pid`.
    ///
    /// # Errors
    /// EAGAIN without a scheduling context that is free, ENOMEM, E2BIG, ENOEXEC.
    pub fn start(
        &mut self,
        resources: &mut Resources,
        pid: i32,
        native: NativeProgram,
    ) -> Result<(), Errno> {
        let time = self.free_time.pop().ok_or(Errno::EAGAIN)?;
        let started = has_room_for(&native.texts)
            .and_then(|()| self.spawn(resources, pid, &native, time).map_err(errno));
        match started {
            Ok(process) => {
                let running = Running {
                    process,
                    time,
                    texts: Rc::new(native.texts),
                    inner: None,
                    lent: Vec::new(),
                    badge: None,
                };
                self.running.insert(pid, running);
                Ok(())
            }
            Err(error) => {
                self.free_time.push(time);
                Err(error)
            }
        }
    }

    fn spawn<'a>(
        &self,
        resources: &mut Resources,
        pid: i32,
        native: &'a NativeProgram,
        time: Cap<SchedContext>,
    ) -> Result<Process, SpawnError> {
        let mut program = Program::new(&native.image, b"", Time::Given(time));
        let all = |list: &'a List| texts(list, usize::MAX).map_err(|_| SpawnError::Memory(0));
        program.arguments = all(&native.texts.arguments)?;
        program.variables = all(&native.texts.environment)?;
        // The lists that it makes of its words.
        program.heap_pages += (words(&native.texts) / 4096) as u32;
        program.ticks_per_microsecond = self.ticks_per_microsecond;
        program.grants.push(Grant {
            name: "process",
            slot: FIRST_GIVEN,
            what: What::Copy {
                source: self.requests.address(),
                rights: CALL,
                badge: Some(pid as u64),
            },
        });
        program.fault = Some(Fault {
            endpoint: self.requests,
            badge: pid as u64,
        });
        let process = spawn(resources, &program)?;
        match process.resume() {
            Ok(()) => Ok(process),
            Err(error) => {
                process.destroy(resources)?;
                Err(error.into())
            }
        }
    }

    /// Whether a process is there.
    pub fn has(&self, pid: i32) -> bool {
        self.running.contains_key(&pid)
    }

    /// Makes a process stand still.
    pub fn suspend(&self, pid: i32) {
        self.each(pid, Process::suspend);
    }

    /// Lets a process go on.
    pub fn resume(&self, pid: i32) {
        self.each(pid, Process::resume);
    }

    fn each(&self, pid: i32, what: impl Fn(&Process) -> Result<(), Error>) {
        if let Some(running) = self.running.get(&pid) {
            let done = what(&running.process);
            debug_assert!(
                done.is_ok(),
                "a thread that was made can be stopped and resumed"
            );
        }
    }

    /// Destroys a process.
    pub fn end(&mut self, resources: &mut Resources, pid: i32) {
        if let Some(running) = self.running.remove(&pid) {
            let destroyed = running.process.destroy(resources);
            debug_assert!(destroyed.is_ok(), "a process can be destroyed");
            self.free_time.push(running.time);
            self.free_time.extend(running.lent);
            if let Some(badge) = running.badge {
                self.within.end(badge);
            }
            if let Some(inner) = running.inner {
                self.gone
                    .extend(inner.end(resources, &mut self.parts.spare));
            }
        }
    }

    /// How a process ended that faulted, as Linux tells it, and in one line why, unless it was done.
    pub fn ended(
        &self,
        resources: &mut Resources,
        pid: i32,
        fault: FaultText,
    ) -> (End, Option<String>) {
        let Some(running) = self.running.get(&pid) else {
            return (End::Killed { signal: SIGSEGV }, None);
        };
        let name = running.texts.arguments.first();
        let name = String::from_utf8_lossy(name.unwrap_or_default());
        let who = match running.inner {
            Some(_) => format!("{name}: the sandbox' personality"),
            None => name.into_owned(),
        };
        match running.process.ended(resources) {
            // As the status of `exit`, cut to a byte.
            Ok(Ended::Exit(status)) => (End::Exited(status as u8), None),
            Ok(Ended::Panic(text)) => {
                let text = String::from_utf8_lossy(&text).replace('\n', " ");
                (End::Exited(1), Some(format!("{who} gave up: {text}")))
            }
            _ => (
                End::Killed { signal: SIGSEGV },
                Some(format!("{who} {fault}")),
            ),
        }
    }
}

/// The first `most` texts of a list.
///
/// # Errors
/// ENOMEM.
pub fn texts(list: &List, most: usize) -> Result<Vec<&[u8]>, Errno> {
    fallible::collect(list.iter().take(most))
}

/// Bytes of heap that a native program takes to read its texts and to divide them.
fn words(texts: &Texts) -> usize {
    let lists = [&texts.arguments, &texts.environment];
    let each = |list: &&List| list.bytes().len() * 4 + list.len() * 128;
    lists.iter().map(each).sum()
}

/// Whether a start page takes so many texts, and the heap what it takes to write one. E2BIG, ENOMEM.
pub fn has_room_for(texts: &Texts) -> Result<(), Errno> {
    let lists = [&texts.arguments, &texts.environment];
    let bytes: usize = lists
        .iter()
        .map(|list| list.bytes().len() + 4 * list.len())
        .sum();
    if bytes > START_BYTES {
        return Err(Errno::E2BIG);
    }
    let count: usize = lists.iter().map(|list| list.len()).sum();
    // The list of texts, and the page while it is written and grows.
    fallible::ensure(count * 32 + bytes * 4 + SPAWN_BYTES)
}
