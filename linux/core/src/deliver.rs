//! Sending and delivering signals: queues, wakes, default actions, handlers' frames and the return from them.
use crate::Errno;
use crate::kernel::Kernel;
use crate::process::End;
use crate::signal::flags::{SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_RESTORER};
use crate::signal::{
    Action, AlternateStack, Cause, DefaultAction, Frame, SIG_DFL, SIG_IGN, SIGCONT, SIGKILL,
    SIGRTMIN, SIGSEGV, SIGSTOP, SIGTSTP, SignalInformation, SignalSet, default_action,
};
use crate::task::{ProcessId, Restart, TaskId, TaskState};

/// The calls that may wait for somebody else's open or answer.
const OPEN: u64 = 2;
const CREAT: u64 = 85;
const OPENAT: u64 = 257;

impl Kernel {
    fn ignores(&mut self, process: ProcessId, signal: u32) -> bool {
        let Some(task) = self
            .world
            .processes
            .get(process.0)
            .and_then(|process| process.threads.first())
            .copied()
        else {
            return true;
        };
        self.actions_of(task)
            .is_ok_and(|actions| actions.ignores(signal))
    }

    /// Sends a signal to a process as a whole. Whether there was room for it.
    pub fn signal_process(&mut self, process: ProcessId, information: SignalInformation) -> bool {
        let signal = information.signal;
        if self.relay(process, signal) {
            return true;
        }
        self.prepare_signal(process, signal);
        let ignored = self.ignores(process, signal);
        let Ok(target) = self.process(process) else {
            return true;
        };
        if target.zombie || target.end.is_some() {
            return true;
        }
        let threads = target.threads.clone();
        let open = |kernel: &mut Self, task: &TaskId| {
            kernel
                .task(*task)
                .is_ok_and(|state| !state.mask.has(signal) || signal == SIGKILL)
        };
        let waits_for_it = threads.iter().any(|task| !open(self, task));
        if ignored && !waits_for_it {
            return true;
        }
        let added = self.may_queue(signal)
            && self
                .process(process)
                .is_ok_and(|target| target.pending.add(information));
        if let Some(task) = threads.iter().copied().find(|task| open(self, task)) {
            self.interrupt(task, signal == SIGKILL);
        }
        for task in threads {
            self.interrupt_signal_wait(task, signal);
        }
        added
    }

    /// Whether there is memory for a signal. One of the standard signals always is taken: each receiver has one of each at most.
    fn may_queue(&self, signal: u32) -> bool {
        signal < SIGRTMIN || (self.settings.room)()
    }

    /// Sends a signal to one thread. Whether there was room for it.
    pub fn signal_task(&mut self, task: TaskId, information: SignalInformation) -> bool {
        let signal = information.signal;
        let Ok(state) = self.task(task) else {
            return true;
        };
        let process = state.process;
        self.prepare_signal(process, signal);
        let ignored = self.ignores(process, signal);
        let Ok(state) = self.task(task) else {
            return true;
        };
        let blocked = state.mask.has(signal);
        if ignored && !blocked {
            return true;
        }
        let added = self.may_queue(signal)
            && self
                .task(task)
                .is_ok_and(|state| state.pending.add(information));
        if !blocked || signal == SIGKILL {
            self.interrupt(task, signal == SIGKILL);
        }
        self.interrupt_signal_wait(task, signal);
        added
    }

    /// What SIGCONT, SIGKILL and stops do when they are sent, delivered or not.
    fn prepare_signal(&mut self, process: ProcessId, signal: u32) {
        let Ok(target) = self.process(process) else {
            return;
        };
        let unwanted = match signal {
            SIGCONT => SignalSet::STOPS,
            _ if SignalSet::STOPS.has(signal) => SignalSet::of(SIGCONT),
            _ => SignalSet(0),
        };
        target.pending.discard(unwanted);
        for task in target.threads.clone() {
            if let Ok(state) = self.task(task) {
                state.pending.discard(unwanted);
            }
        }
        if signal == SIGCONT || signal == SIGKILL {
            self.continue_process(process, signal == SIGCONT);
        }
    }

    fn continue_process(&mut self, process: ProcessId, tell: bool) {
        let Ok(target) = self.process(process) else {
            return;
        };
        if target.stopped.take().is_none() {
            return;
        }
        target.report_stop = false;
        target.report_continue = tell;
        let threads = target.threads.clone();
        for task in threads {
            self.enqueue(task);
        }
        if tell {
            self.tell_parent(process, 6, SIGCONT as i32);
        }
    }

    /// Stops a process by a signal, and tells its parent.
    fn stop_process(&mut self, process: ProcessId, signal: u32) {
        let Ok(target) = self.process(process) else {
            return;
        };
        target.stopped = Some(signal);
        target.report_stop = true;
        target.report_continue = false;
        self.tell_parent(process, 5, signal as i32);
    }

    /// Wakes a task from an interruptible wait (any wait, if it is to die).
    fn interrupt(&mut self, task: TaskId, deadly: bool) {
        let Ok(state) = self.task(task) else { return };
        match state.state {
            TaskState::Parked { interruptible } if interruptible || deadly => self.unpark(task),
            TaskState::Parked { .. } => {}
            TaskState::Ready => self.enqueue(task),
        }
    }

    /// Wakes a task that waits for just this (blocked) signal by rt_sigtimedwait or a descriptor.
    fn interrupt_signal_wait(&mut self, task: TaskId, signal: u32) {
        let Ok(state) = self.task(task) else { return };
        let wanted = match state.call.as_ref().and_then(|call| call.saved.as_deref()) {
            Some(crate::task::Saved::Signals(set)) => set.has(signal),
            _ => false,
        };
        if wanted && matches!(state.state, TaskState::Parked { .. }) {
            self.unpark(task);
        }
    }

    /// Sends a signal that a task's own instruction caused: it cannot be blocked or ignored.
    pub fn force_signal(&mut self, task: TaskId, information: SignalInformation) {
        let signal = information.signal;
        let Ok(state) = self.task(task) else { return };
        let blocked = state.mask.has(signal);
        state.mask = state.mask.without(SignalSet::of(signal));
        let Ok(actions) = self.actions_of(task) else {
            return;
        };
        if blocked || actions.get(signal).handler == SIG_IGN {
            actions.set(signal, Action::default());
        }
        if let Ok(state) = self.task(task) {
            state.pending.add(information);
        }
    }

    /// Whether a signal is there that would be delivered now.
    pub fn has_signal(&mut self, task: TaskId) -> bool {
        let Ok(state) = self.task(task) else {
            return false;
        };
        let (own, mask, process) = (state.pending.set(), state.mask, state.process);
        let Ok(process) = self.process(process) else {
            return false;
        };
        let set = own.with(process.pending.set()).without(mask);
        set != SignalSet(0) || own.with(process.pending.set()).has(SIGKILL) || process.end.is_some()
    }

    /// Whether SIGKILL waits for a task.
    pub(crate) fn is_killed(&mut self, task: TaskId) -> bool {
        let Ok(state) = self.task(task) else {
            return true;
        };
        let own = state.pending.set();
        self.process_of(task)
            .is_ok_and(|process| own.with(process.pending.set()).has(SIGKILL))
    }

    fn next_signal(&mut self, task: TaskId) -> Option<SignalInformation> {
        let state = self.task(task).ok()?;
        let wanted = SignalSet(!state.blocked().0);
        if let Some(information) = state.pending.take(wanted) {
            return Some(information);
        }
        self.process_of(task).ok()?.pending.take(wanted)
    }

    /// Delivers what is pending. Whether the task goes on (it has not ended or stopped).
    pub(crate) fn deliver_signals(&mut self, task: TaskId) -> bool {
        loop {
            let Ok(process) = self.process_of(task) else {
                return false;
            };
            if process.stopped.is_some() {
                return false;
            }
            let Some(information) = self.next_signal(task) else {
                break;
            };
            let signal = information.signal;
            let Ok(action) = self.actions_of(task).map(|actions| actions.get(signal)) else {
                return false;
            };
            match action.handler {
                SIG_IGN => {}
                SIG_DFL => self.default_signal(task, signal),
                _ => {
                    if self.enter_handler(task, &action, &information).is_err() {
                        self.end_process_of(task, End::Killed { signal: SIGSEGV });
                    }
                }
            }
        }
        let Ok(state) = self.task(task) else {
            return false;
        };
        if state.call.is_none()
            && let Some(mask) = state.saved_mask.take()
        {
            state.mask = mask;
            return self.deliver_signals(task);
        }
        true
    }

    fn default_signal(&mut self, task: TaskId, signal: u32) {
        let Ok(state) = self.task(task) else { return };
        let process = state.process;
        match default_action(signal) {
            DefaultAction::Ignore => {}
            DefaultAction::Stop => {
                if signal == SIGSTOP || !self.world.is_orphaned(process) {
                    self.stop_process(process, signal);
                } else if signal == SIGTSTP {
                    self.stop_refused = self.process(process).ok().map(|process| process.group);
                }
            }
            DefaultAction::Terminate => self.end_process(process, End::Killed { signal }),
        }
    }

    /// Makes a task run a handler next.
    fn enter_handler(
        &mut self,
        task: TaskId,
        action: &Action,
        information: &SignalInformation,
    ) -> Result<(), Errno> {
        if action.flags & SA_RESTORER == 0 {
            return Err(Errno::EFAULT);
        }
        let pid = self.process_of(task)?.pid;
        let state = self.task(task)?;
        if let Some(call) = state.call.take() {
            // An open that waited for somebody does so no more.
            if matches!(call.number, OPEN | CREAT | OPENAT) {
                self.vfs.cancel_waits(pid as u32);
            }
            let state = self.task(task)?;
            let again = call.restart == Restart::IfHandlerAllows && action.flags & SA_RESTART != 0;
            if call.result_if_interrupted != 0 {
                state.vcpu.registers.rax.set(call.result_if_interrupted);
            } else if again || call.restart == Restart::Never {
                let registers = &state.vcpu.registers;
                registers.rax.set(call.number);
                registers.rip.set(registers.rip.get().wrapping_sub(2));
            } else {
                state
                    .vcpu
                    .registers
                    .rax
                    .set(Errno::EINTR.as_return() as u64);
            }
        }
        let state = self.task(task)?;
        let (registers, stack) = (state.vcpu.registers.load(), state.stack);
        let mask = state.saved_mask.take().unwrap_or(state.mask);
        let mut fpu = self.save_fpu(task)?;
        let length = fpu.len();
        crate::signal::seal_fpu(&mut fpu);
        let switch =
            action.flags & SA_ONSTACK != 0 && stack.size != 0 && !stack.holds(registers.rsp);
        let top = if switch {
            stack.start.wrapping_add(stack.size)
        } else {
            registers.rsp
        };
        let (address, fpu_address) =
            Frame::place(top, switch, if fpu.is_empty() { 0 } else { length });
        let frame = Frame {
            registers,
            mask,
            stack,
            fpu_address,
        };
        let bytes = frame.encode(action.restorer, information);
        self.with_space(task, |space, environment| {
            if fpu_address != 0 {
                space.write(environment, fpu_address, &fpu)?;
            }
            space.write(environment, address, &bytes)
        })?;
        let state = self.task(task)?;
        if stack.flags & 0x8000_0000 != 0 {
            state.stack = AlternateStack::default();
        }
        state.mask = state.mask.with(action.mask);
        if action.flags & SA_NODEFER == 0 {
            state.mask = state.mask.with(SignalSet::of(information.signal));
        }
        let registers = &state.vcpu.registers;
        registers.rip.set(action.handler);
        registers.rsp.set(address);
        registers.rax.set(0);
        registers.rdi.set(u64::from(information.signal));
        registers.rsi.set(Frame::information_address(address));
        registers.rdx.set(Frame::context_address(address));
        registers.rflags.set(registers.rflags.get() & !0x500);
        if action.flags & SA_RESETHAND != 0 {
            let reset = Action {
                handler: SIG_DFL,
                ..*action
            };
            self.actions_of(task)?.set(information.signal, reset);
        }
        Ok(())
    }

    /// rt_sigreturn: goes back to what a handler interrupted. A bad frame is a segmentation fault.
    pub(crate) fn leave_handler(&mut self, task: TaskId) {
        if self.try_leave_handler(task).is_err() {
            let cause = Cause::Kernel;
            self.force_signal(
                task,
                SignalInformation {
                    signal: SIGSEGV,
                    cause,
                },
            );
        }
    }

    fn try_leave_handler(&mut self, task: TaskId) -> Result<(), Errno> {
        let registers = self.task(task)?.vcpu.registers.load();
        let bytes: [u8; Frame::CONTEXT] = self.read_bytes(task, registers.rsp)?;
        let frame = Frame::decode(&bytes, &registers).map_err(|_| Errno::EFAULT)?;
        if frame.fpu_address != 0 {
            let length = self.save_fpu(task)?.len();
            let mut fpu = alloc::vec![0; length];
            self.read_user(task, frame.fpu_address, &mut fpu)?;
            let Self { machine, world, .. } = self;
            let state = world.tasks.get(task.0).ok_or(Errno::ESRCH)?;
            if length > 0 && !machine.load_fpu(&state.vcpu, &fpu) {
                return Err(Errno::EFAULT);
            }
        }
        let state = self.task(task)?;
        state.vcpu.registers.store(&frame.registers);
        state.mask = frame.mask;
        state.stack = frame.stack;
        Ok(())
    }
    /// A task's floating-point state.
    fn save_fpu(&mut self, task: TaskId) -> Result<alloc::vec::Vec<u8>, Errno> {
        let Self { machine, world, .. } = self;
        let state = world.tasks.get(task.0).ok_or(Errno::ESRCH)?;
        Ok(machine.save_fpu(&state.vcpu))
    }
}
