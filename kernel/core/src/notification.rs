//! Notification: a word of signal bits, and the threads that wait for one.

use core::cell::Cell;

use sundog_abi::{Error, Info, Rights};
use sundog_machine::{Opt, Ref, object};

use crate::kernel::{Kernel, Outcome};
use crate::queue::Ends;
use crate::thread::{State, Thread};

object! {
/// A notification.
pub struct Notification = 36 {
    /// The signals that nobody took yet.
    pub word: Cell<u64>,
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// The first thread that waits.
    pub first: Opt<Thread>,
    /// The last one.
    pub last: Opt<Thread>,
    /// The thread whose receive also takes the signals.
    pub bound: Opt<Thread>,
    /// How many interrupt lines signal it.
    pub lines: Cell<u32>,
}
}

impl Notification {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::SEND.0 | Rights::RECEIVE.0 | Rights::BADGE.0);

    fn ends(&self) -> Ends<'_> {
        Ends {
            first: &self.first,
            last: &self.last,
        }
    }
}

impl Kernel {
    /// Uncounts a capability; the last one ends the notification.
    ///
    /// # Errors
    /// Only `Preempted`: some waiting threads were told, the same call goes on.
    pub(crate) fn notification_lost(&mut self, notification: Ref<Notification>) -> Outcome {
        let object = self.get(notification);
        if object.count.get() > 1 {
            object.count.set(object.count.get() - 1);
            return Ok(());
        }
        while let Some(thread) = self.get(notification).first.get() {
            self.cancel_and_wake(thread, Error::Cancelled);
            self.preemption_point()?;
        }
        if let Some(thread) = self.get(notification).bound.take() {
            self.get(thread).bound.set(None);
        }
        self.irq_forget(notification);
        self.token.destroy(notification);
        Ok(())
    }

    /// Takes a waiting thread out of the queue.
    pub(crate) fn notification_leave(&self, notification: Ref<Notification>, thread: Ref<Thread>) {
        self.get(thread).notification.set(None);
        self.queue_remove(self.get(notification).ends(), thread);
    }

    /// Adds signals; a thread that waits for them takes them.
    pub(crate) fn notification_signal(&self, notification: Ref<Notification>, bits: u64) {
        let object = self.get(notification);
        let word = object.word.get() | bits;
        object.word.set(word);
        if word == 0 {
            return;
        }
        if let Some(thread) = object.first.get() {
            object.word.set(0);
            self.notification_leave(notification, thread);
            self.get(thread).registers.rdx.set(word);
            self.wake(thread, Ok(()));
            return;
        }
        let Some(thread) = object.bound.get() else {
            return;
        };
        let bound = self.get(thread);
        if bound.state() == State::Receiving {
            object.word.set(0);
            if let Some(endpoint) = bound.endpoint.get() {
                self.endpoint_leave(endpoint, thread);
            }
            if let Some(reply) = bound.reply.take() {
                self.get(reply).receiver.set(None);
            }
            self.deliver_signal(thread, word);
            self.wake(thread, Ok(()));
        } else {
            self.vcpu_notify(thread);
        }
    }

    /// Sets a receiver's registers to a message that is a notification's word.
    pub(crate) fn deliver_signal(&self, thread: Ref<Thread>, word: u64) {
        let registers = &self.get(thread).registers;
        registers.rdi.set(0);
        registers.rsi.set(Info::NOTIFICATION | 1);
        registers.r12.set(word);
    }

    /// Waits for signals on behalf of the thread that runs.
    ///
    /// # Errors
    /// `Busy` if the notification is bound to another thread.
    pub(crate) fn notification_wait(
        &self,
        notification: Ref<Notification>,
        thread: Ref<Thread>,
        deadline: u64,
    ) -> Result<Option<u64>, Error> {
        let object = self.get(notification);
        if object.bound.get().is_some_and(|bound| bound != thread) {
            return Err(Error::Busy);
        }
        let word = object.word.replace(0);
        if word != 0 {
            return Ok(Some(word));
        }
        let waiting = self.get(thread);
        self.wait_in(thread, State::Waiting);
        waiting.notification.set(Some(notification));
        self.queue_append(object.ends(), thread);
        if deadline != 0 {
            self.timer_arm(self.thread_timer(thread), deadline);
        }
        Ok(None)
    }
}
