//! Reply: the right to answer one call, once; and the chain of calls along which a scheduling context was lent.

use core::cell::Cell;

use sundog_abi::{Error, Rights};
use sundog_machine::{Opt, Ref, object};

use crate::context::SchedContext;
use crate::kernel::Kernel;
use crate::thread::{State, Thread};

object! {
/// A Reply.
pub struct Reply = 35 {
    /// Capabilities to it; they cannot be copied, so 1.
    pub count: Cell<u32>,
    /// The answer may carry capabilities: the caller's right to have them and the receiver's right to grant, fixed at the call.
    pub grants: Cell<bool>,
    /// The thread that waits for the answer.
    pub caller: Opt<Thread>,
    /// The thread that waits for a call with this Reply.
    pub receiver: Opt<Thread>,
    /// The context that was lent along this call, as long as it is not back.
    pub context: Opt<SchedContext>,
    /// In that context's chain: the Reply of the call before.
    pub below: Opt<Reply>,
    /// In that context's chain: the Reply of the call after.
    pub above: Opt<Reply>,
}
}

impl Reply {
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights::NONE;
}

impl Kernel {
    /// Puts a Reply on top of a context's chain.
    pub(crate) fn chain_push(&self, context: Ref<SchedContext>, reply: Ref<Reply>) {
        let (object, top) = (self.get(reply), self.get(context).top.get());
        object.context.set(Some(context));
        object.below.set(top);
        if let Some(top) = top {
            self.get(top).above.set(Some(reply));
        }
        self.get(context).top.set(Some(reply));
    }

    /// Takes a Reply out of the chain that it is in.
    pub(crate) fn chain_remove(&self, reply: Ref<Reply>) {
        let object = self.get(reply);
        let Some(context) = object.context.take() else {
            return;
        };
        let (above, below) = (object.above.take(), object.below.take());
        match above {
            Some(above) => self.get(above).below.set(below),
            None => self.get(context).top.set(below),
        }
        if let Some(below) = below {
            self.get(below).above.set(above);
        }
    }

    /// The caller does not wait any more: the Reply is free for another call.
    pub(crate) fn reply_forget(&self, reply: Ref<Reply>) -> Option<Ref<Thread>> {
        self.chain_remove(reply);
        let caller = self.get(reply).caller.take()?;
        self.get(caller).reply.set(None);
        Some(caller)
    }

    /// Fails the call that a Reply stands for, if there is one.
    pub(crate) fn reply_fail(&self, reply: Ref<Reply>) {
        let object = self.get(reply);
        if let Some(context) = object.context.get()
            && self.get(context).top.get() == Some(reply)
            && self
                .get(context)
                .runner
                .get()
                .is_none_or(|runner| self.get(runner).own_context.get() != Some(context))
        {
            // The server has no claim to the time any more.
            self.context_lent_back(context);
        }
        if let Some(caller) = self.reply_forget(reply) {
            self.wake(caller, Err(Error::Dead));
        }
    }

    /// Takes a lent context from the server that runs on it, at a moment when the server may be running.
    fn context_lent_back(&self, context: Ref<SchedContext>) {
        if let Some(runner) = self.get(context).runner.get() {
            self.take_off(runner);
            self.give_up_lent(runner);
            if self.get(runner).state() == State::Ready {
                self.make_ready(runner);
            }
        }
    }

    /// Ends a Reply whose capability goes.
    pub(crate) fn reply_end(&mut self, reply: Ref<Reply>) {
        self.reply_fail(reply);
        if let Some(receiver) = self.get(reply).receiver.take() {
            self.get(receiver).reply.set(None);
        }
        self.token.destroy(reply);
    }
}
