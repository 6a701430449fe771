//! A CPU: what runs on it, what waits to run on it, and the choice between them.

use core::cell::Cell;

use sundog_abi::Error;
use sundog_machine::{BY_SYSRET, Opt, Ref, Token, hardware, object};

use crate::context::SchedContext;
use crate::dispatch::SYSCALL_BYTES;
use crate::kernel::Kernel;
use crate::slot::{Slot, flag};
use crate::thread::{State, Thread};
use crate::timer::{Step, Wheel};
use crate::vcpu::VCpu;
use crate::vspace::VSpace;

object! {
/// A CPU's state. Its wheel is a part behind it.
pub struct Cpu = 69 {
    /// The scheduling context that has the CPU.
    pub context: Opt<SchedContext>,
    /// The thread that runs, on that context.
    pub current: Opt<Thread>,
    /// When the context got the CPU, or was last charged.
    pub since: Cell<u64>,
    /// The address space whose root is loaded; none if it is the kernel's own.
    pub vspace: Opt<VSpace>,
    /// When the CPU's timer comes; 0 if that must be found out again.
    pub armed: Cell<u64>,
    /// The next choice must not keep the context at the front of its priority.
    pub yields: Cell<bool>,
    /// The CPU's bit in sets of CPUs.
    pub mask: Cell<u64>,
    /// Priorities at which somebody waits, a bit each.
    pub waiting: Cell<u64>,
    /// The first context of each priority.
    pub first: [Opt<SchedContext>; 64],
    /// The last one.
    pub last: [Opt<SchedContext>; 64],
}
}

/// Most timers that one entry lets expire or moves down; more wait for the next one, which comes at once.
const STEPS: usize = 16;

impl Cpu {
    const WHEEL: u32 = (size_of::<Cpu>() / 64) as u32;
    /// Units of a CPU's state.
    pub const UNITS: u32 = Self::WHEEL + (size_of::<Wheel>() / 64) as u32;

    pub(crate) fn create(token: &mut Token, unit: u32, cpu: u32) {
        let state = token.create::<Cpu>(unit);
        token.get(state).mask.set(1 << cpu);
        token.create::<Wheel>(unit + Self::WHEEL);
    }
}

impl Kernel {
    /// The state of a CPU.
    pub fn cpu_state(&self, cpu: usize) -> Ref<Cpu> {
        self.system.part(Self::CPUS_UNIT + cpu as u32 * Cpu::UNITS)
    }

    pub(crate) fn cpu_wheel(&self, cpu: usize) -> Ref<Wheel> {
        self.cpu_state(cpu).part(Cpu::WHEEL)
    }

    /// The clock, in ticks.
    pub(crate) fn now(&self) -> u64 {
        hardware::now(&self.token)
    }

    /// The thread that runs on this CPU.
    pub fn current(&self) -> Option<Ref<Thread>> {
        self.get(self.cpu_state(self.cpu)).current.get()
    }

    /// Whether a context has a CPU.
    pub(crate) fn is_on_cpu(&self, context: Ref<SchedContext>) -> bool {
        self.get(self.cpu_state(self.get(context).cpu.get() as usize))
            .context
            .get()
            == Some(context)
    }

    /// Puts a context at the end of its priority's queue, and makes its CPU choose again if it is more urgent.
    pub(crate) fn enqueue(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        let cpu = object.cpu.get() as usize;
        let state = self.get(self.cpu_state(cpu));
        let priority = usize::from(object.priority.get());
        object.queued.set(true);
        object.next.set(None);
        object.previous.set(state.last[priority].get());
        match state.last[priority].get() {
            Some(last) => self.get(last).next.set(Some(context)),
            None => state.first[priority].set(Some(context)),
        }
        state.last[priority].set(Some(context));
        state.waiting.set(state.waiting.get() | 1 << priority);
        let running = state
            .context
            .get()
            .map(|context| self.get(context).priority.get());
        if cpu != self.cpu && running.is_none_or(|running| running < object.priority.get()) {
            hardware::interrupt(&self.token, 1 << cpu);
        }
    }

    /// Takes a context out of its run queue, if it is in one.
    pub(crate) fn dequeue(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        if !object.queued.replace(false) {
            return;
        }
        let state = self.get(self.cpu_state(object.cpu.get() as usize));
        let priority = usize::from(object.priority.get());
        let (previous, next) = (object.previous.take(), object.next.take());
        match previous {
            Some(previous) => self.get(previous).next.set(next),
            None => state.first[priority].set(next),
        }
        match next {
            Some(next) => self.get(next).previous.set(previous),
            None => state.last[priority].set(previous),
        }
        if state.first[priority].is_none() {
            state.waiting.set(state.waiting.get() & !(1 << priority));
        }
    }

    /// Takes a context out of the queue because its runner is not ready any more.
    pub(crate) fn unqueue_of(&self, thread: Ref<Thread>) {
        if let Some(context) = self.get(thread).context.get() {
            self.dequeue(context);
        }
    }

    /// Makes sure that a thread runs on no CPU: its registers are in its object and stay there.
    pub(crate) fn take_off(&self, thread: Ref<Thread>) {
        let Some(context) = self.get(thread).context.get() else {
            return;
        };
        let cpu = self.get(context).cpu.get() as usize;
        let state = self.get(self.cpu_state(cpu));
        if state.current.get() != Some(thread) {
            return;
        }
        if cpu != self.cpu {
            // Once it has answered it is in the kernel and waits for the lock; then it finds that nothing is current.
            hardware::flush(&self.token, 1 << cpu);
            self.call_again(thread);
        }
        self.charge(cpu);
        state.current.set(None);
        state.context.set(None);
    }

    /// Takes a thread off its CPU if that is not this one: what it runs on is about to be another's.
    pub(crate) fn stop_elsewhere(&self, thread: Ref<Thread>) {
        let elsewhere = self
            .get(thread)
            .context
            .get()
            .is_some_and(|context| self.get(context).cpu.get() as usize != self.cpu);
        if elsewhere {
            self.take_off(thread);
        }
    }

    /// A thread was taken off its CPU from outside. If it had just made a system call, which waits for the lock and will not be done,
    /// it makes it again when it runs: nothing of it happened, and its registers are as they were.
    fn call_again(&self, thread: Ref<Thread>) {
        let object = self.get(thread);
        let registers = match object.vcpu.get() {
            Some(vcpu) => &self.get(vcpu).registers,
            None => &object.registers,
        };
        // What interrupted it otherwise says that it resumes with all registers.
        if registers.how.get() == BY_SYSRET {
            registers
                .rip
                .set(registers.rip.get().wrapping_sub(SYSCALL_BYTES));
        }
    }

    /// Charges the time since the last charge to the context that has a CPU.
    pub(crate) fn charge(&self, cpu: usize) {
        let state = self.get(self.cpu_state(cpu));
        let now = self.now();
        let used = now.saturating_sub(state.since.replace(now));
        let Some(context) = state.context.get() else {
            return;
        };
        let object = self.get(context);
        object.consumed.set(object.consumed.get() + used);
        object.left.set(object.left.get().saturating_sub(used));
        if object.left.get() == 0 {
            self.budget_ended(context);
        }
    }

    /// A budget has ended: the context waits for its next period, or begins it at once if that has come.
    fn budget_ended(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        let now = self.now();
        let next = object.began.get() + object.period.get();
        // A context that may run always only makes room for others of its priority.
        if next <= now || object.budget.get() == object.period.get() {
            object.began.set(now);
            object.left.set(object.budget.get());
            return;
        }
        self.timer_arm(self.context_timer(context), next);
    }

    /// Leaves the kernel: chooses what runs, and makes the machine resume it.
    pub fn leave(&self) {
        // Until the CPU's timer is due no timer of its wheel is, and no budget has ended.
        let state = self.get(self.cpu_state(self.cpu));
        let due = self.now() >= state.armed.get();
        if due {
            self.expire();
        }
        loop {
            if due || !self.keeps(state) {
                self.schedule(due);
            }
            let Some(thread) = state.current.get() else {
                self.load(state, None);
                hardware::resume(&self.token, None);
                return;
            };
            if let Some(vcpu) = self.get(thread).vcpu.get() {
                if self.load(state, Some(self.vcpu_vspace(vcpu))) {
                    self.resume_guest(vcpu);
                    return;
                }
                self.vcpu_exit(thread, vcpu, sundog_abi::vcpu::exit::BAD_STATE, 0, 0);
            }
            if self.load(state, Some(self.thread_vspace(thread))) {
                hardware::fpu_leave(&self.token, None);
                hardware::resume(&self.token, Some(&self.get(thread).registers));
                return;
            }
            // Its address space was revoked: there is nothing that it could run in.
            self.stop(thread);
        }
    }

    fn resume_guest(&self, vcpu: Ref<VCpu>) {
        let page = self.vcpu_page(vcpu);
        hardware::fpu_leave(&self.token, Some(page));
        hardware::resume_guest(&self.token, &self.get(vcpu).registers, page);
    }

    /// Loads the root of the address space in a slot, or the kernel's own. False if the slot holds none.
    fn load(&self, state: &Cpu, slot: Option<Ref<Slot>>) -> bool {
        let wanted = match slot {
            Some(slot) if self.get(slot).has(flag::MARKED | flag::DYING) => return false,
            Some(slot) => match self.get(slot).object.get::<VSpace>() {
                Some(vspace) => Some(vspace),
                None => return false,
            },
            None => None,
        };
        // A root that every CPU had to leave is not the last one of any CPU any more.
        if state.vspace.get() == wanted {
            return true;
        }
        self.vspace_loads(wanted, self.cpu);
        hardware::load_root(&self.token, wanted.map(|vspace| self.vspace_root(vspace)));
        true
    }

    /// Lets timers expire that are due.
    fn expire(&self) {
        let now = self.now();
        for _ in 0..STEPS {
            let timer = match self.timer_step(now) {
                Step::Expired(timer) => timer,
                Step::Moved => continue,
                Step::Done => return,
            };
            let object = self.get(timer);
            if let Some(thread) = object.thread.get() {
                if object.guest.get() {
                    self.vcpu_deadline(thread);
                } else {
                    self.cancel_and_wake(thread, Error::TimedOut);
                }
            } else if let Some(context) = object.context.get() {
                let state = self.get(context);
                state.began.set(now);
                state.left.set(state.budget.get());
                self.context_go(context);
            }
        }
    }

    /// Whether the context that has the CPU goes on, which most entries change nothing about: only its runner may be another.
    fn keeps(&self, state: &Cpu) -> bool {
        let Some(context) = state.context.get() else {
            return false;
        };
        let object = self.get(context);
        let Some(runner) = object.runner.get() else {
            return false;
        };
        let more_urgent = state.waiting.get() > object.ceiling.get();
        let goes_on = self.get(runner).state() == State::Ready
            && !more_urgent
            && !state.yields.get()
            && object.left.get() > 0
            && object.cpu.get() as usize == self.cpu;
        if goes_on {
            state.current.set(Some(runner));
        }
        goes_on
    }

    /// Chooses what runs next on this CPU. `due`: the timer is set anew even if nothing earlier is wanted.
    fn schedule(&self, due: bool) {
        let cpu = self.cpu_state(self.cpu);
        let state = self.get(cpu);
        let mut keep = state.context.get();
        if let Some(context) = keep {
            let object = self.get(context);
            let ready = object
                .runner
                .get()
                .is_some_and(|runner| self.get(runner).state() == State::Ready);
            if !ready || object.cpu.get() as usize != self.cpu {
                self.charge(self.cpu);
                keep = None;
            } else if self.spent(context) || state.yields.get() {
                self.charge(self.cpu);
                state.context.set(None);
                self.run_on(context);
                keep = None;
            }
        }
        state.yields.set(false);
        let best = state.waiting.get().checked_ilog2();
        let preempts = best.is_some_and(|best| {
            keep.is_none_or(|context| u32::from(self.get(context).priority.get()) < best)
        });
        if preempts && let Some(best) = best {
            if let Some(context) = keep {
                self.charge(self.cpu);
                state.context.set(None);
                if self.get(context).left.get() > 0 {
                    self.enqueue_front(context);
                } else {
                    self.run_on(context);
                }
            }
            let next = state.first[best as usize].get();
            if let Some(next) = next {
                self.dequeue(next);
                state.since.set(self.now());
            }
            keep = next;
        }
        state.context.set(keep);
        state
            .current
            .set(keep.and_then(|context| self.get(context).runner.get()));
        self.set_timer(keep, due);
    }

    /// Whether a context that has this CPU has used up its budget.
    fn spent(&self, context: Ref<SchedContext>) -> bool {
        let used = self
            .now()
            .saturating_sub(self.get(self.cpu_state(self.cpu)).since.get());
        used >= self.get(context).left.get()
    }

    /// Puts a context that was preempted at the front of its priority: it has not had its turn yet.
    fn enqueue_front(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        let state = self.get(self.cpu_state(self.cpu));
        let priority = usize::from(object.priority.get());
        object.queued.set(true);
        object.previous.set(None);
        object.next.set(state.first[priority].get());
        match state.first[priority].get() {
            Some(first) => self.get(first).previous.set(Some(context)),
            None => state.last[priority].set(Some(context)),
        }
        state.first[priority].set(Some(context));
        state.waiting.set(state.waiting.get() | 1 << priority);
    }

    /// Sets the CPU's timer to the end of the budget or the next timer, whichever is first. A timer that comes too early is harmless, so it
    /// is only set earlier unless it is `due`.
    fn set_timer(&self, running: Option<Ref<SchedContext>>, due: bool) {
        let state = self.get(self.cpu_state(self.cpu));
        let budget = running.map_or(u64::MAX, |context| {
            state
                .since
                .get()
                .saturating_add(self.get(context).left.get())
        });
        if due {
            self.arm(budget.min(self.timer_next()));
        } else {
            self.arm_before(budget);
        }
    }

    /// Sees to it that the CPU's timer comes no later than at `deadline`.
    pub(crate) fn arm_before(&self, deadline: u64) {
        if deadline < self.get(self.cpu_state(self.cpu)).armed.get() {
            self.arm(deadline);
        }
    }

    fn arm(&self, deadline: u64) {
        self.get(self.cpu_state(self.cpu)).armed.set(deadline);
        hardware::set_timer(&self.token, self.cpu, deadline);
    }

    /// The CPU's timer came, perhaps early: what it was set to is not known any more.
    pub(crate) fn timer_came(&self) {
        self.get(self.cpu_state(self.cpu)).armed.set(0);
    }
}
