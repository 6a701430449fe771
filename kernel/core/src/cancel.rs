//! Ending a wait early: the one function that takes a thread out of whatever it waits in.

use sundog_abi::Error;
use sundog_machine::Ref;

use crate::context::SchedContext;
use crate::kernel::Kernel;
use crate::thread::{State, Thread};

impl Kernel {
    /// Takes a thread out of its wait, which fails with `error`; the thread is Stopped then. A thread that does not wait stays as it is.
    pub(crate) fn cancel(&self, thread: Ref<Thread>, error: Error) {
        let object = self.get(thread);
        match object.state() {
            State::Stopped | State::Ready => return,
            State::Sending | State::Receiving => {
                if let Some(endpoint) = object.endpoint.get() {
                    self.endpoint_leave(endpoint, thread);
                }
                if let Some(reply) = object.reply.take() {
                    self.get(reply).receiver.set(None);
                }
            }
            State::Waiting => {
                if let Some(notification) = object.notification.get() {
                    self.notification_leave(notification, thread);
                }
            }
            State::Calling => {
                if let Some(reply) = object.reply.get() {
                    self.reply_given_up(reply);
                }
            }
        }
        self.timer_disarm(self.thread_timer(thread));
        // A fault has no result: the thread's registers are its own.
        if object.fault.replace(0) == 0 {
            object.set_status(Err(error));
        }
        object.set_state(State::Stopped);
    }

    /// Ends the wait of a thread that is in no queue any more, and lets it run.
    pub(crate) fn wake(&self, thread: Ref<Thread>, end: Result<(), Error>) {
        let object = self.get(thread);
        self.timer_disarm(self.thread_timer(thread));
        if object.fault.replace(0) == 0 {
            object.set_status(end);
        }
        self.make_ready(thread);
    }

    /// Ends a wait early and lets the thread run.
    pub(crate) fn cancel_and_wake(&self, thread: Ref<Thread>, error: Error) {
        if matches!(self.get(thread).state(), State::Stopped | State::Ready) {
            return;
        }
        self.cancel(thread, error);
        self.make_ready(thread);
    }

    /// Makes a thread ready, and lets its context run if it has one: its own comes back to it if nobody else runs on it.
    pub(crate) fn make_ready(&self, thread: Ref<Thread>) {
        let object = self.get(thread);
        object.set_state(State::Ready);
        if object.context.is_none()
            && let Some(own) = object.own_context.get()
            && self.get(own).runner.is_none()
        {
            self.get(own).runner.set(Some(thread));
            object.context.set(Some(own));
        }
        if let Some(context) = object.context.get() {
            self.run_on(context);
        }
    }

    /// Lets a context run whose runner is ready. If it is a lent one without time left, its runner goes on with its own.
    pub(crate) fn run_on(&self, context: Ref<SchedContext>) {
        let object = self.get(context);
        if object.left.get() == 0
            && let Some(runner) = object.runner.get()
            && self.get(runner).own_context.get().is_some_and(|own| {
                own != context && self.get(own).runner.is_none() && self.get(own).left.get() > 0
            })
        {
            self.give_up_lent(runner);
            return;
        }
        self.context_go(context);
    }
}
