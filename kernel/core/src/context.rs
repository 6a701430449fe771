//! SchedContext: the right to time: a priority, a budget for each period, on a CPU. It travels with a call.

use core::cell::Cell;

use sundog_abi::{Error, Rights};
use sundog_machine::{Opt, Ref, Token, object};

use crate::kernel::{Kernel, Outcome};
use crate::reply::Reply;
use crate::thread::{State, Thread};
use crate::timer::Timer;

/// Priorities: 0 is the lowest.
pub const PRIORITIES: u64 = 64;
/// The shortest budget and the longest period, in ticks.
const LEAST_BUDGET: u64 = 1000;
const LONGEST_PERIOD: u64 = 1 << 48;

object! {
/// A scheduling context. Its timer is a part behind it.
pub struct SchedContext = 40 {
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// The CPU.
    pub cpu: Cell<u32>,
    /// The priority.
    pub priority: Cell<u8>,
    /// Whether it is in its CPU's run queue.
    pub queued: Cell<bool>,
    /// Ticks for each period; 0 until it is configured.
    pub budget: Cell<u64>,
    /// Ticks from one replenishment to the next.
    pub period: Cell<u64>,
    /// Ticks that are left; 0: waits for replenishment.
    pub left: Cell<u64>,
    /// When the period began.
    pub began: Cell<u64>,
    /// Ticks used since somebody asked.
    pub consumed: Cell<u64>,
    /// The thread that it is bound to.
    pub owner: Opt<Thread>,
    /// The thread that runs on it, or would.
    pub runner: Opt<Thread>,
    /// The Reply of the newest call that it was lent along.
    pub top: Opt<Reply>,
    /// Neighbours in the run queue.
    pub next: Opt<SchedContext>,
    /// Neighbours in the run queue.
    pub previous: Opt<SchedContext>,
}
}

const TIMER: u32 = 2;
const _: () = assert!(size_of::<SchedContext>() == 64 * TIMER as usize);

impl SchedContext {
    /// Units of a context with its timer.
    pub const UNITS: u32 = TIMER + (size_of::<Timer>() / 64) as u32;
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights::USE;

    /// Makes a context out of zeroed memory.
    pub(crate) fn create(token: &mut Token, unit: u32) -> Ref<SchedContext> {
        let context = token.create::<SchedContext>(unit);
        let timer = token.create::<Timer>(unit + TIMER);
        token.get(timer).context.set(Some(context));
        context
    }
}

impl Kernel {
    pub(crate) fn context_timer(&self, context: Ref<SchedContext>) -> Ref<Timer> {
        context.part(TIMER)
    }

    /// Gives a context its parameters. It starts with a full budget.
    ///
    /// # Errors
    /// `OutOfRange` for a priority or CPU that does not exist, `InvalidArgument` for a budget that is too short or longer than the period.
    pub fn context_configure(
        &self,
        context: Ref<SchedContext>,
        priority: u64,
        cpu: u64,
        budget: u64,
        period: u64,
    ) -> Result<(), Error> {
        if priority >= PRIORITIES || cpu >= u64::from(self.get(self.system).cpus.get()) {
            return Err(Error::OutOfRange);
        }
        if budget < LEAST_BUDGET || budget > period || period > LONGEST_PERIOD {
            return Err(Error::InvalidArgument);
        }
        self.context_stop(context);
        let object = self.get(context);
        self.timer_disarm(self.context_timer(context));
        object.priority.set(priority as u8);
        object.cpu.set(cpu as u32);
        object.budget.set(budget);
        object.period.set(period);
        object.left.set(budget);
        object.began.set(self.now());
        self.context_go(context);
        Ok(())
    }

    /// Binds a context to a thread as its own.
    ///
    /// # Errors
    /// `Busy` if the context has an owner or the thread a context, or if the calls that it was lent along are not forgotten yet: an
    /// unbind that was interrupted goes on with the same call.
    pub fn context_bind(
        &self,
        context: Ref<SchedContext>,
        thread: Ref<Thread>,
    ) -> Result<(), Error> {
        let (object, owner) = (self.get(context), self.get(thread));
        let free = object.owner.is_none() && object.runner.is_none() && object.top.is_none();
        if !free || !owner.own_context.is_none() {
            return Err(Error::Busy);
        }
        object.owner.set(Some(thread));
        owner.own_context.set(Some(context));
        if owner.context.is_none() {
            self.context_to(context, thread);
        }
        Ok(())
    }

    /// Takes a context from its owner, and from whoever runs on it; then the calls that it was lent along forget it, one by one.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on.
    pub fn context_unbind(&self, context: Ref<SchedContext>) -> Outcome {
        self.context_stop(context);
        let object = self.get(context);
        if let Some(owner) = object.owner.take() {
            self.get(owner).own_context.set(None);
        }
        if let Some(runner) = object.runner.take() {
            self.runner_left(runner);
        }
        while let Some(reply) = object.top.get() {
            self.chain_remove(reply);
            self.preemption_point()?;
        }
        Ok(())
    }

    /// The thread has lost the context that it ran on: it goes on with its own, if it has one that is free.
    fn runner_left(&self, thread: Ref<Thread>) {
        let object = self.get(thread);
        object.context.set(None);
        if let Some(own) = object.own_context.get()
            && self.get(own).runner.is_none()
        {
            self.context_to(own, thread);
        }
    }

    /// Gives a context that nobody runs on to a thread, and lets it run if it can.
    pub(crate) fn context_to(&self, context: Ref<SchedContext>, thread: Ref<Thread>) {
        self.get(context).runner.set(Some(thread));
        self.get(thread).context.set(Some(context));
        self.context_go(context);
    }

    /// Puts a context into its run queue if its runner is ready and it has time.
    pub(crate) fn context_go(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        let ready = object
            .runner
            .get()
            .is_some_and(|runner| self.get(runner).state() == State::Ready);
        if ready && object.left.get() > 0 && !object.queued.get() && !self.is_on_cpu(context) {
            self.enqueue(context);
        }
    }

    /// The ticks used since somebody asked, up to now.
    pub(crate) fn context_consumed(&self, context: Ref<SchedContext>) -> u64 {
        if self.is_on_cpu(context) {
            self.charge(self.get(context).cpu.get() as usize);
        }
        self.get(context).consumed.replace(0)
    }

    /// Takes a context out of its run queue and off its CPU.
    pub(crate) fn context_stop(&self, context: Ref<SchedContext>) {
        if let Some(runner) = self.get(context).runner.get() {
            self.take_off(runner);
        }
        self.dequeue(context);
    }

    /// The thread stops using the context that it runs on if that is a lent one: it goes to the nearest living caller, or its owner.
    pub(crate) fn give_up_lent(&self, thread: Ref<Thread>) {
        let object = self.get(thread);
        let Some(context) = object.context.get() else {
            return;
        };
        if object.own_context.get() == Some(context) && self.get(context).top.is_none() {
            return;
        }
        self.context_return(context);
        if object.context.is_none()
            && let Some(own) = object.own_context.get()
            && self.get(own).runner.is_none()
        {
            self.context_to(own, thread);
        }
    }

    /// Takes a context from its runner and gives it to the caller on top of its chain, or to its owner. A Reply stays in the chain
    /// only as long as its caller waits for it.
    pub(crate) fn context_return(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        self.dequeue(context);
        if let Some(runner) = object.runner.take() {
            self.get(runner).context.set(None);
        }
        let heir = match object.top.get() {
            Some(reply) => {
                self.chain_remove(reply);
                self.get(reply).caller.get()
            }
            None => object.owner.get(),
        };
        if let Some(heir) = heir
            && self.get(heir).context.is_none()
        {
            self.context_to(context, heir);
        }
    }

    /// Ends a context whose last capability goes.
    ///
    /// # Errors
    /// Only `Preempted`: the same call goes on.
    pub(crate) fn context_end(&mut self, context: Ref<SchedContext>) -> Outcome {
        self.context_unbind(context)?;
        self.timer_disarm(self.context_timer(context));
        self.token.destroy(self.context_timer(context));
        self.token.destroy(context);
        Ok(())
    }
}
