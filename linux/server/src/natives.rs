//! Native processes: started out of the personality's own memory, slots and time, with an endpoint to it and nothing else.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_linux_core::native::NativeProgram;
use sundog_linux_core::process::End;
use sundog_linux_core::signal::SIGSEGV;
use sundog_linux_vfs::Errno;
use sundog_rt::Resources;
use sundog_rt::cap::object::{Endpoint, SchedContext};
use sundog_rt::cap::{Cap, Error};
use sundog_rt::start::capability::FIRST_GIVEN;
use sundog_rt::sys::abi::Rights;
use sundog_spawn::{Ended, Fault, Grant, Process, Program, SpawnError, Time, What, spawn};

/// What a client of the personality's endpoint may do with it: call.
pub const CALL: Rights = Rights::SEND.union(Rights::GRANT_REPLY);

/// A process that runs.
struct Running {
    process: Process,
    time: Cap<SchedContext>,
}

/// The native processes.
pub struct Natives {
    requests: Cap<Endpoint>,
    /// Scheduling contexts that nobody runs on.
    free_time: Vec<Cap<SchedContext>>,
    running: BTreeMap<i32, Running>,
    ticks_per_microsecond: u64,
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
    ) -> Natives {
        Natives {
            requests,
            free_time: time,
            running: BTreeMap::new(),
            ticks_per_microsecond,
        }
    }

    /// Starts a program as the process `pid`.
    ///
    /// # Errors
    /// EAGAIN without a scheduling context that is free, ENOMEM, E2BIG, ENOEXEC.
    pub fn start(
        &mut self,
        resources: &mut Resources,
        pid: i32,
        native: &NativeProgram,
    ) -> Result<(), Errno> {
        let time = self.free_time.pop().ok_or(Errno::EAGAIN)?;
        let started = self.spawn(resources, pid, native, time);
        match started {
            Ok(process) => {
                self.running.insert(pid, Running { process, time });
                Ok(())
            }
            Err(error) => {
                self.free_time.push(time);
                Err(errno(error))
            }
        }
    }

    fn spawn(
        &self,
        resources: &mut Resources,
        pid: i32,
        native: &NativeProgram,
        time: Cap<SchedContext>,
    ) -> Result<Process, SpawnError> {
        let mut program = Program::new(&native.image, b"", Time::Given(time));
        program.arguments = texts(&native.texts.arguments);
        program.variables = texts(&native.texts.environment);
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
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
        if let Some(Running { process, time }) = self.running.remove(&pid) {
            let destroyed = process.destroy(resources);
            debug_assert!(destroyed.is_ok(), "a process can be destroyed");
            self.free_time.push(time);
        }
    }

    /// How a process ended that faulted, as Linux tells it, and what it said.
    pub fn ended(&self, resources: &mut Resources, pid: i32) -> (End, Vec<u8>) {
        let ended = self
            .running
            .get(&pid)
            .map(|running| running.process.ended(resources));
        match ended {
            // As the status of `exit`, cut to a byte.
            Some(Ok(Ended::Exit(status))) => (End::Exited(status as u8), Vec::new()),
            Some(Ok(Ended::Panic(text))) => (End::Exited(1), text),
            _ => (End::Killed { signal: SIGSEGV }, Vec::new()),
        }
    }
}

fn texts(texts: &[Vec<u8>]) -> Vec<&[u8]> {
    texts.iter().map(Vec::as_slice).collect()
}
