//! The scheduler: the run queue, waits and wakes, timers, and the loop that runs a guest until it stops.
use crate::Errno;
use crate::calls::{self, Stop};
use crate::kernel::{Kernel, Timer};
use crate::machine::Exit;
use crate::memory::FaultError;
use crate::process::End;
use crate::signal::{
    Cause, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, SignalInformation, SignalSet,
};
use crate::task::{Call, Restart, TaskId, TaskState, Wait, WaitKey};

/// What a step of the personality came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A guest ran; more may be ready.
    Ran,
    /// Nothing can run before this machine time, or before something comes from outside.
    Idle {
        /// The next timer, if any.
        until: Option<u64>,
    },
    /// The first process has ended.
    Finished(End),
}

/// Nanoseconds that a task runs whatever timers say: however often a program has itself alarmed, everybody gets on.
const LEAST_TURN: u64 = 50_000;

/// A task's turn, in the machine's time.
#[derive(Clone, Copy)]
struct Turn {
    /// No timer ends it before.
    least: u64,
    /// It ends here, if others wait or not.
    end: u64,
}

impl Kernel {
    /// Reads the machine's clock. The time since the last reading was used by the task whose turn it is.
    pub fn now(&mut self) -> u64 {
        let now = self.machine.now();
        let passed = now.saturating_sub(self.world.now);
        if let Some(task) = self.turn
            && let Some(state) = self.world.tasks.get_mut(task.0)
        {
            state.run_time += passed;
            self.world.used_time += passed;
        }
        self.world.now = now;
        now
    }

    /// Does one thing: expires timers and lets the next task run for a slice.
    pub fn step(&mut self) -> Step {
        if let Some(end) = self.finished {
            return Step::Finished(end);
        }
        let now = self.now();
        self.fire_timers(now);
        self.drain_events(None);
        while let Some(task) = self.run_queue.pop_front() {
            let Some(state) = self.world.tasks.get_mut(task.0) else {
                continue;
            };
            if !state.queued || state.state != TaskState::Ready {
                state.queued = false;
                continue;
            }
            state.queued = false;
            let process = state.process;
            self.turn = Some(task);
            self.run(task);
            self.now();
            self.turn = None;
            calls::time::check_used_timers(self, process);
            self.drain_events(None);
            return match self.finished {
                Some(end) => Step::Finished(end),
                None => Step::Ran,
            };
        }
        Step::Idle {
            until: self.timers.first_key_value().map(|((time, _), _)| *time),
        }
    }

    /// Lets a task have its turn, if nothing but its turn is missing.
    pub fn enqueue(&mut self, task: TaskId) {
        if let Some(state) = self.world.tasks.get_mut(task.0)
            && state.state == TaskState::Ready
            && !state.queued
        {
            state.queued = true;
            self.run_queue.push_back(task);
        }
    }

    /// Adds a timer.
    pub fn add_timer(&mut self, time: u64, timer: Timer) -> (u64, u64) {
        self.last_timer += 1;
        let entry = (time, self.last_timer);
        self.timers.insert(entry, timer);
        entry
    }

    fn fire_timers(&mut self, now: u64) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Timer::Wake(task) => {
                    if let Some(call) = self
                        .world
                        .tasks
                        .get_mut(task.0)
                        .and_then(|task| task.call.as_mut())
                    {
                        call.timed_out = true;
                    }
                    self.unpark(task);
                }
                Timer::Alarm(process) => calls::time::alarm_expired(self, process, now),
                Timer::Posix(process, id) => calls::timers::timer_expired(self, process, id, now),
            }
        }
    }

    /// Takes a task out of all its waits and makes it ready.
    pub fn unpark(&mut self, task: TaskId) {
        let Some(state) = self.world.tasks.get_mut(task.0) else {
            return;
        };
        state.state = TaskState::Ready;
        if let Some(entry) = state.timer.take() {
            self.timers.remove(&entry);
        }
        self.waiters.remove(state.wait_number, &state.waits);
        state.waits.clear();
        self.enqueue(task);
    }

    pub(crate) fn park(&mut self, task: TaskId, wait: Wait) {
        let Some(state) = self.world.tasks.get_mut(task.0) else {
            return;
        };
        state.state = TaskState::Parked {
            interruptible: wait.restart != Restart::Never,
        };
        state.wait_number = self.waiters.add(task, &wait.keys);
        state.waits = wait.keys;
        let deadline = state.call.as_ref().and_then(|call| call.deadline);
        if let Some(deadline) = deadline {
            let entry = self.add_timer(deadline, Timer::Wake(task));
            if let Some(state) = self.world.tasks.get_mut(task.0) {
                state.timer = Some(entry);
            }
        }
    }

    /// Wakes all tasks that wait for something; they try their calls again.
    pub fn wake_all(&mut self, key: WaitKey) {
        while let Some(task) = self.waiters.take_first(key) {
            if let Some(call) = self
                .world
                .tasks
                .get_mut(task.0)
                .and_then(|task| task.call.as_mut())
            {
                call.woken = true;
            }
            self.unpark(task);
        }
    }

    /// Runs a task until it waits, ends, stops or its slice is over.
    fn run(&mut self, task: TaskId) {
        let turn = self.turn_from_now();
        while self.is_clear(task) || self.prepare(task) {
            let Ok(exit) = self.enter(task, turn) else {
                let signal = crate::signal::SIGKILL;
                return self.end_process_of(task, End::Killed { signal });
            };
            match exit {
                Exit::Syscall => {
                    if !self.begin_call(task) {
                        return;
                    }
                }
                // Others have their turn.
                Exit::Deadline => return self.enqueue(task),
                Exit::Notification => {
                    self.notified = true;
                    return self.enqueue(task);
                }
                other => self.handle_exit(task, other),
            }
        }
    }

    /// A turn that begins now. It ends after about a slice, at an instant that is the end of many turns, so that the machine need not set
    /// its timer anew whenever one task wakes another.
    fn turn_from_now(&self) -> Turn {
        let (now, slice) = (self.world.now, self.settings.slice.max(1));
        Turn {
            least: now + LEAST_TURN,
            end: (now + slice / 2).next_multiple_of(slice),
        }
    }

    /// Whether a task goes on in its guest, and nothing is to be done before: it is in no call, its process was not stopped, no
    /// signal waits for it. What this says no to is for `prepare`.
    fn is_clear(&self, task: TaskId) -> bool {
        let Some(state) = self.world.tasks.get(task.0) else {
            return false;
        };
        let Some(process) = self.world.processes.get(state.process.0) else {
            return false;
        };
        let signals = state.pending.set().with(process.pending.set());
        process.stopped.is_none()
            && state.call.is_none()
            && !state.yielded
            && state.saved_mask.is_none()
            && signals.without(state.blocked()) == SignalSet(0)
            && !self.natives.has(task)
    }

    /// Does what is to be done before a task goes on in its guest. Whether it does so now: it has not ended or stopped, it does not
    /// wait, and it has not given up its turn.
    fn prepare(&mut self, task: TaskId) -> bool {
        loop {
            // A stopped process does not go on with its calls either; the continuation puts it back into the queue.
            if self.is_stopped(task) {
                return false;
            }
            if self.task(task).is_ok_and(|state| state.call.is_some()) && !self.continue_call(task)
            {
                return false;
            }
            if self.natives.has(task) {
                self.run_native(task);
                return false;
            }
            if !self.deliver_signals(task) {
                return false;
            }
            let Ok(state) = self.task(task) else {
                return false;
            };
            if state.call.is_some() {
                continue;
            }
            if core::mem::take(&mut state.yielded) {
                self.enqueue(task);
                return false;
            }
            return true;
        }
    }

    /// Lets a task's guest run until it comes back, at the latest at the end of its turn, or when a timer expires after the least of it.
    ///
    /// # Errors
    /// ESRCH when the task is gone, ENOMEM when the machine has no room for its address space.
    fn enter(&mut self, task: TaskId, turn: Turn) -> Result<Exit, Errno> {
        let timer = self.timers.first_key_value();
        let deadline = timer.map_or(turn.end, |((time, _), _)| {
            turn.end.min(turn.least.max(*time))
        });
        let Self { machine, world, .. } = self;
        let state = world.tasks.get(task.0).ok_or(Errno::ESRCH)?;
        let space = world.spaces.get_mut(state.space.0).ok_or(Errno::ESRCH)?;
        let space = space.value.machine_space(machine.as_mut())?;
        Ok(machine.enter(&state.vcpu, space, deadline))
    }

    /// Begins the call that a task's guest makes. Whether the task goes on now.
    fn begin_call(&mut self, task: TaskId) -> bool {
        let Ok(state) = self.task(task) else {
            return false;
        };
        state.call = Some(Call {
            // As Linux: the upper half says nothing.
            number: u64::from(state.vcpu.registers.rax.get() as u32),
            ..Call::default()
        });
        self.continue_call(task)
    }

    fn handle_exit(&mut self, task: TaskId, exit: Exit) {
        match exit {
            Exit::Fault {
                address,
                write,
                execute,
                ..
            } => {
                let result = self.with_space(task, |space, environment| {
                    Ok(space.guest_fault(environment, address, write, execute))
                });
                if let Ok(Err(error)) = result {
                    self.bad_access(task, error, address, write, execute);
                }
            }
            Exit::Exception { vector, code } => self.exception(task, vector, code),
            Exit::BadState => self.exception(task, 13, 0),
            Exit::Syscall | Exit::Notification | Exit::Kick | Exit::Deadline => {}
        }
    }

    fn bad_access(
        &mut self,
        task: TaskId,
        error: FaultError,
        address: u64,
        write: bool,
        execute: bool,
    ) {
        let (signal, code) = match error {
            FaultError::NotMapped => (SIGSEGV, 1),
            FaultError::Denied => (SIGSEGV, 2),
            FaultError::Bus => (SIGBUS, 2),
            FaultError::NoMemory => return self.out_of_memory(task),
        };
        let error = 4 | u64::from(write) << 1 | u64::from(execute) << 4 | u64::from(code == 2);
        self.force_signal(
            task,
            SignalInformation {
                signal,
                cause: Cause::Fault {
                    code,
                    address,
                    vector: 14,
                    error,
                },
            },
        );
    }

    fn exception(&mut self, task: TaskId, vector: u8, code: u32) {
        let rip = self
            .task(task)
            .map_or(0, |state| state.vcpu.registers.rip.get());
        let (signal, si_code, address) = match vector {
            0 => (SIGFPE, 1, rip),
            1 => (SIGTRAP, 2, rip),
            3 => (SIGTRAP, 0x80, 0),
            6 => (SIGILL, 2, rip),
            16 | 19 => (SIGFPE, 3, rip),
            17 => (SIGBUS, 1, 0),
            _ => (SIGSEGV, 0x80, 0),
        };
        let cause = Cause::Fault {
            code: si_code,
            address,
            vector,
            error: u64::from(code),
        };
        self.force_signal(task, SignalInformation { signal, cause });
    }

    /// The sandbox has no frame left: the process that holds most is ended, which need not be the one that asked. The first one, whose
    /// end is the sandbox', goes only if it holds more than all others together.
    pub fn out_of_memory(&mut self, asking: TaskId) {
        let world = &self.world;
        let size = |process: &crate::process::Process| {
            let task = process
                .threads
                .first()
                .and_then(|task| world.tasks.get(task.0))?;
            Some(
                world.spaces.get(task.space.0)?.value.resident as i64
                    + i64::from(process.oom_adjust) * 64,
            )
        };
        let living = world.processes.iter();
        let living = living.filter(|(_, process)| process.end.is_none());
        let (mut first, mut most, mut together) = (None, None, 0);
        for (id, process) in living {
            let Some(size) = size(process) else { continue };
            if self.first == Some(process.pid) {
                first = Some((size, id));
            } else {
                together += size;
                most = most.max(Some((size, id)));
            }
        }
        let victim = first
            .filter(|(size, _)| *size > together)
            .or(most)
            .or(first);
        let victim = match victim {
            Some((_, id)) => crate::task::ProcessId(id),
            None => {
                return self.end_process_of(
                    asking,
                    End::Killed {
                        signal: crate::signal::SIGKILL,
                    },
                );
            }
        };
        self.end_process(
            victim,
            End::Killed {
                signal: crate::signal::SIGKILL,
            },
        );
    }

    /// Tries a task's call. Whether the task goes on to the guest (or to a signal) now.
    fn continue_call(&mut self, task: TaskId) -> bool {
        // What is traced is looked at before the call: execve leaves other registers.
        let mut traced = None;
        if self.traces_calls
            && let Ok(state) = self.task(task)
        {
            traced = Some(state.vcpu.registers.arguments());
        }
        let result = calls::dispatch(self, task);
        self.drain_events(Some(task));
        let Some(state) = self.world.tasks.get_mut(task.0) else {
            return false;
        };
        let Some(call) = state.call.as_mut() else {
            return true;
        };
        if let Some(arguments) = traced {
            let value = match &result {
                Ok(value) => Some(*value as i64),
                Err(Stop::Errno(error)) => Some(error.as_return()),
                Err(_) => None,
            };
            self.trace.call(state.tid, call.number, &arguments, value);
        }
        match result {
            Ok(value) => {
                state.vcpu.registers.rax.set(value);
                state.call = None;
                true
            }
            Err(Stop::Errno(error)) => {
                state.vcpu.registers.rax.set(error.as_return() as u64);
                state.call = None;
                true
            }
            Err(Stop::Leave) => {
                state.call = None;
                true
            }
            Err(Stop::Again) => {
                call.restart = Restart::IfHandlerAllows;
                true
            }
            Err(Stop::Wait(wait)) => {
                call.restart = wait.restart;
                call.result_if_interrupted = wait.done;
                if call.deadline.is_none() {
                    call.deadline = wait.deadline;
                }
                call.woken = false;
                call.timed_out = false;
                if self.must_handle_signals(task, wait.restart) {
                    return true;
                }
                self.park(task, wait);
                false
            }
        }
    }

    /// Whether a wait may not start because a signal is there.
    fn must_handle_signals(&mut self, task: TaskId, restart: Restart) -> bool {
        self.is_killed(task) || (restart != Restart::Never && self.has_signal(task))
    }

    fn is_stopped(&mut self, task: TaskId) -> bool {
        self.process_of(task)
            .is_ok_and(|process| process.stopped.is_some())
    }

    /// Ends the process that a task belongs to.
    pub fn end_process_of(&mut self, task: TaskId, end: End) {
        if let Ok(state) = self.task(task) {
            let process = state.process;
            self.end_process(process, end);
        }
    }

    /// Whether this many more tasks may be made.
    ///
    /// # Errors
    /// EAGAIN when the sandbox' or the user's limit is reached, ENOMEM when too little memory is left.
    pub fn room_for_task(&mut self, task: TaskId) -> Result<(), Errno> {
        // Process 1 is a record that nobody asked for.
        let processes = self.world.processes.len() - usize::from(self.world.init.is_some());
        let count = self.world.tasks.len().max(processes);
        let process = self.process_of(task)?;
        let pid = process.pid;
        let own = process.limits[crate::process::resource::NPROC].soft;
        let mut limit = self.settings.max_tasks;
        if own >= limit as u64 && self.first == Some(pid) {
            limit += self.settings.spare_tasks;
        } else {
            limit = limit.min(usize::try_from(own).unwrap_or(usize::MAX));
        }
        if count >= limit {
            return Err(Errno::EAGAIN);
        }
        if !self.memory.can_begin(self.first == Some(pid)) {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    }
}
