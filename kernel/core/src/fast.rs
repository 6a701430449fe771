//! The fast path: call and reply-and-receive with up to four words between two threads, when nothing else is the matter.
//!
//! It does what `ipc` does, for the one case that decides: the other side waits already, the message lies in registers that are only
//! copied, the scheduling context goes along, and no timer is due. Every check that the slow path makes is made here too, or the slow
//! path is taken; a test compares the two.

use sundog_abi::{Call, Info, ObjectType, Rights};
use sundog_machine::{Ref, Registers, hardware};

use crate::cnode::CNode;
use crate::context::SchedContext;
use crate::cpu::Cpu;
use crate::endpoint::Endpoint;
use crate::kernel::Kernel;
use crate::reply::Reply;
use crate::slot::{Slot, flag};
use crate::thread::{State, Thread};

/// Bits of an info word that the fast path knows: the label, and a length of at most four words (which bit 2 alone, or bits 0-1, say).
const PLAIN: u64 = 0xffff_ffff_0000_0007;
const MOST_WORDS: usize = 4;

impl Kernel {
    /// Tries the fast path for the system call that the thread on this CPU makes. True if it is done, and the next thread ready to be
    /// resumed; false if nothing was changed.
    #[inline(always)]
    pub fn fast_path(&self) -> bool {
        let state = self.get(self.cpu_state(self.cpu));
        let (Some(thread), Some(context)) = (state.current.get(), state.context.get()) else {
            return false;
        };
        let caller = self.get(thread);
        let number = caller.registers.rax.get();
        let info = Info(caller.registers.rsi.get());
        let plain = info.0 & !PLAIN == 0 && info.words() <= MOST_WORDS;
        if !plain
            || !caller.vcpu.is_none()
            || !caller.deleting.is_none()
            || self.now() >= state.armed.get()
        {
            return false;
        }
        if number == Call::call as u64 {
            self.fast_call(state, thread, context, info)
        } else if number == Call::reply_receive as u64 {
            self.fast_reply_receive(state, thread, context, info)
        } else {
            false
        }
    }

    /// The slot that a one-step address names, if it holds a usable capability of this kind with these rights.
    #[inline(always)]
    fn fast_slot(
        &self,
        thread: Ref<Thread>,
        address: u64,
        kind: ObjectType,
        rights: Rights,
    ) -> Option<&Slot> {
        let root = self.get(self.thread_cspace(thread));
        let cnode = root
            .object
            .get::<CNode>()
            .filter(|_| !root.has(flag::MARKED | flag::DYING))?;
        let index = u32::try_from(address).ok()?;
        let slot = self.get(self.cnode_slot(cnode, index)?);
        let usable = slot.object.kind() == kind as u8
            && !slot.has(flag::MARKED | flag::DYING)
            && slot.rights().contains(rights);
        usable.then_some(slot)
    }

    fn fast_call(
        &self,
        state: &Cpu,
        thread: Ref<Thread>,
        context: Ref<SchedContext>,
        info: Info,
    ) -> bool {
        let caller = self.get(thread);
        let Some(slot) = self.fast_slot(
            thread,
            caller.registers.rdi.get(),
            ObjectType::Endpoint,
            Rights::SEND,
        ) else {
            return false;
        };
        let Some(endpoint) = slot.object.get::<Endpoint>() else {
            return false;
        };
        let queue = self.get(endpoint);
        let Some(server) = queue.first.get() else {
            return false;
        };
        let receiver = self.get(server);
        let Some(reply) = receiver.reply.get() else {
            return false;
        };
        if receiver.state() != State::Receiving
            || queue.receivers.get() == 0
            || self.get(self.thread_timer(server)).place.get() != 0
        {
            return false;
        }
        // Its own context, if it has one, must lie idle; it is left behind.
        let own = receiver.context.get();
        if own.is_some_and(|own| {
            self.get(own).queued.get()
                || !self.get(own).top.is_none()
                || receiver.own_context.get() != Some(own)
        }) {
            return false;
        }
        let lent = self.get(context);
        if caller.context.get() != Some(context)
            || lent.left.get() == 0
            || !self.fast_space(state, server)
        {
            return false;
        }
        // Nothing fails from here on.
        let next = receiver.next.take();
        queue.first.set(next);
        match next {
            Some(next) => self.get(next).previous.set(None),
            None => queue.last.set(None),
        }
        receiver.endpoint.set(None);
        receiver.reply.set(None);
        if let Some(own) = own {
            self.get(own).runner.set(None);
        }
        copy_words(&caller.registers, &receiver.registers, info);
        receiver.registers.rdi.set(slot.badge.get());
        receiver.registers.rax.set(0);
        receiver.set_state(State::Ready);
        receiver.context.set(Some(context));
        let object = self.get(reply);
        object.receiver.set(None);
        object.caller.set(Some(thread));
        object
            .grants
            .set(slot.rights().contains(Rights::GRANT_REPLY) && receiver.grants.get());
        caller.reply.set(Some(reply));
        caller.calls.set(true);
        caller.registers.rax.set(0);
        caller.set_state(State::Calling);
        caller.context.set(None);
        self.chain_push(context, reply);
        lent.runner.set(Some(server));
        self.fast_resume(state, server);
        true
    }

    fn fast_reply_receive(
        &self,
        state: &Cpu,
        thread: Ref<Thread>,
        context: Ref<SchedContext>,
        info: Info,
    ) -> bool {
        let server = self.get(thread);
        let registers = &server.registers;
        let Some(slot) = self.fast_slot(
            thread,
            registers.rdi.get(),
            ObjectType::Endpoint,
            Rights::RECEIVE,
        ) else {
            return false;
        };
        let Some(answer) =
            self.fast_slot(thread, registers.r8.get(), ObjectType::Reply, Rights::NONE)
        else {
            return false;
        };
        let (Some(endpoint), Some(reply)) =
            (slot.object.get::<Endpoint>(), answer.object.get::<Reply>())
        else {
            return false;
        };
        let object = self.get(reply);
        let Some(caller) = object.caller.get() else {
            return false;
        };
        let client = self.get(caller);
        let lent = self.get(context);
        let signals = server
            .bound
            .get()
            .is_some_and(|bound| self.get(bound).word.get() != 0);
        // Senders that wait, faults, timers and lent time that is not this call's are for the slow path.
        if signals
            || self.endpoint_first(endpoint, State::Sending).is_some()
            || client.fault.get() != 0
            || self.get(self.thread_timer(caller)).place.get() != 0
            || object.context.get() != Some(context)
            || lent.top.get() != Some(reply)
            || lent.left.get() == 0
            || server.context.get() != Some(context)
            || server.own_context.get() == Some(context)
            || !client.context.is_none()
            || !self.fast_space(state, caller)
        {
            return false;
        }
        // Nothing fails from here on.
        self.chain_remove(reply);
        object.caller.set(None);
        object.receiver.set(Some(thread));
        copy_words(registers, &client.registers, info);
        client.registers.rdi.set(0);
        client.registers.rax.set(0);
        client.reply.set(None);
        client.set_state(State::Ready);
        client.context.set(Some(context));
        lent.runner.set(Some(caller));
        server.context.set(None);
        server.reply.set(Some(reply));
        server.grants.set(slot.rights().contains(Rights::GRANT));
        registers.rax.set(0);
        self.endpoint_wait(endpoint, thread, State::Receiving);
        self.fast_resume(state, caller);
        true
    }

    /// Whether a thread's address space can be loaded, and is, when this says so.
    #[inline(always)]
    fn fast_space(&self, state: &Cpu, thread: Ref<Thread>) -> bool {
        // Somebody more urgent, or a change of turns, is for the scheduler.
        let Some(context) = state.context.get() else {
            return false;
        };
        if state.waiting.get() >> self.get(context).priority.get() > 1 || state.yields.get() {
            return false;
        }
        self.load(Some(self.thread_vspace(thread)))
    }

    #[inline(always)]
    fn fast_resume(&self, state: &Cpu, thread: Ref<Thread>) {
        state.current.set(Some(thread));
        hardware::fpu_leave(&self.token, None);
        hardware::resume(&self.token, Some(&self.get(thread).registers));
    }
}

/// Copies a message of at most four words.
#[inline(always)]
fn copy_words(from: &Registers, to: &Registers, info: Info) {
    to.rsi.set(info.0);
    to.r12.set(from.r12.get());
    to.r13.set(from.r13.get());
    to.r14.set(from.r14.get());
    to.r15.set(from.r15.get());
    for unused in [&to.r9, &to.r10, &to.rbx, &to.rbp] {
        unused.set(0);
    }
}
