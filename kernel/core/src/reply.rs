//! Reply: the right to answer one call, once; and the chain of calls along which a scheduling context was lent.

use core::cell::Cell;

use sundog_abi::Rights;
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
        // The server has no claim to the time any more.
        self.take_back(reply, |_| true);
        if let Some(caller) = self.reply_forget(reply) {
            self.refuse(caller);
        }
    }

    /// A caller gives up. A server that has time of its own goes on with that, and what the caller lent comes back; one that has none
    /// is not stopped in the middle, but keeps it until it replies or receives.
    pub(crate) fn reply_given_up(&self, reply: Ref<Reply>) {
        self.take_back(reply, |server| !self.get(server).own_context.is_none());
        self.reply_forget(reply);
    }

    /// Takes what was lent along the newest call of a chain from the server that runs on it, which may be running now, if `may`.
    fn take_back(&self, reply: Ref<Reply>, may: impl FnOnce(Ref<Thread>) -> bool) {
        let Some(context) = self.get(reply).context.get() else {
            return;
        };
        if self.get(context).top.get() != Some(reply) {
            return;
        }
        let Some(server) = self.get(context).runner.get().filter(|server| may(*server)) else {
            return;
        };
        self.take_off(server);
        self.give_up_lent(server);
        if self.get(server).state() == State::Ready {
            self.make_ready(server);
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
