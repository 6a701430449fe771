//! Sending, calling, receiving, replying, and faults as calls that the kernel makes.

use sundog_abi::{Error, Info, ObjectType, Rights};
use sundog_machine::Ref;

use crate::endpoint::Endpoint;
use crate::kernel::{Kernel, Outcome};
use crate::reply::Reply;
use crate::slot::{Slot, flag};
use crate::thread::{State, Thread};

/// What a thread that sends or receives says besides the capability.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The info of the message, or only flags.
    pub info: Info,
    /// When to give up; 0: never.
    pub deadline: u64,
}

impl Kernel {
    /// Sends the thread's message through an endpoint capability; with `calls` it then waits for the answer.
    ///
    /// # Errors
    /// `Dead`, `WouldBlock`, `InvalidArgument` for a message that is too long.
    pub fn send(
        &self,
        thread: Ref<Thread>,
        slot: Ref<Slot>,
        wish: Wish,
        calls: bool,
    ) -> Result<(), Error> {
        let capability = self.get(slot);
        let endpoint = capability
            .object
            .get::<Endpoint>()
            .ok_or(Error::WrongType)?;
        check_length(wish.info)?;
        let rights = capability.rights();
        let sender = self.get(thread);
        sender.badge.set(capability.badge.get());
        sender.info.set(wish.info.0 & Info::SENDER_MASK);
        sender.grants.set(rights.contains(Rights::GRANT));
        sender
            .grants_reply
            .set(rights.contains(Rights::GRANT_REPLY));
        sender.calls.set(calls);
        self.send_to(thread, endpoint, wish)
    }

    fn send_to(
        &self,
        thread: Ref<Thread>,
        endpoint: Ref<Endpoint>,
        wish: Wish,
    ) -> Result<(), Error> {
        if self.get(endpoint).receivers.get() == 0 {
            return Err(Error::Dead);
        }
        let calls = self.get(thread).calls.get();
        let receiver = self.endpoint_first(endpoint, State::Receiving);
        match receiver {
            Some(receiver) if calls && self.get(receiver).reply.is_none() => {
                return Err(Error::Dead);
            }
            Some(receiver) => {
                self.endpoint_leave(endpoint, receiver);
                self.pass(thread, receiver);
                self.wake(receiver, Ok(()));
                if !calls {
                    return Ok(());
                }
            }
            None if wish.info.has(Info::NON_BLOCKING) => return Err(Error::WouldBlock),
            None => self.endpoint_wait(endpoint, thread, State::Sending),
        }
        if wish.deadline != 0 {
            self.timer_arm(self.thread_timer(thread), wish.deadline);
        }
        Ok(())
    }

    /// Receives through an endpoint capability, or takes signals of the bound notification. The next call goes to `reply`.
    ///
    /// # Errors
    /// `WouldBlock`; `Busy` if the Reply is in use. `Preempted` after callers were turned away that nobody could answer.
    pub fn receive(
        &self,
        thread: Ref<Thread>,
        slot: Ref<Slot>,
        reply: Option<Ref<Reply>>,
        wish: Wish,
    ) -> Outcome {
        let capability = self.get(slot);
        let endpoint = capability
            .object
            .get::<Endpoint>()
            .ok_or(Error::WrongType)?;
        if let Some(reply) = reply {
            let reply = self.get(reply);
            if !reply.caller.is_none() || !reply.receiver.is_none() {
                return Err(Error::Busy.into());
            }
        }
        let receiver = self.get(thread);
        receiver
            .grants
            .set(capability.rights().contains(Rights::GRANT));
        if !receiver.own_context.is_none() {
            self.give_up_lent(thread);
        }
        if let Some(bound) = receiver.bound.get() {
            let word = self.get(bound).word.replace(0);
            if word != 0 {
                self.deliver_signal(thread, word);
                receiver.set_status(Ok(()));
                return Ok(());
            }
        }
        while let Some(sender) = self.endpoint_first(endpoint, State::Sending) {
            self.endpoint_leave(endpoint, sender);
            if self.get(sender).calls.get() && reply.is_none() {
                // Nobody could ever answer it.
                self.refuse(sender);
                self.preemption_point()?;
                continue;
            }
            receiver.reply.set(reply);
            self.pass(sender, thread);
            if self.get(sender).state() == State::Sending {
                self.wake(sender, Ok(()));
            }
            receiver.set_status(Ok(()));
            self.make_ready(thread);
            return Ok(());
        }
        if wish.info.has(Info::NON_BLOCKING) {
            return Err(Error::WouldBlock.into());
        }
        if let Some(reply) = reply {
            receiver.reply.set(Some(reply));
            self.get(reply).receiver.set(Some(thread));
        }
        self.endpoint_wait(endpoint, thread, State::Receiving);
        self.give_up_lent(thread);
        if wish.deadline != 0 {
            self.timer_arm(self.thread_timer(thread), wish.deadline);
        }
        Ok(())
    }

    /// Ends a call, or a fault, that nobody will answer; the caller is in no queue.
    pub(crate) fn refuse(&self, sender: Ref<Thread>) {
        if self.get(sender).fault.get() != 0 {
            self.timer_disarm(self.thread_timer(sender));
            self.get(sender).fault.set(0);
            self.stop(sender);
        } else {
            self.wake(sender, Err(Error::Dead));
        }
    }

    /// Hands a message over; both are in no queue. A caller waits for the answer then, and its scheduling context goes along.
    fn pass(&self, from: Ref<Thread>, to: Ref<Thread>) {
        let (sender, receiver) = (self.get(from), self.get(to));
        self.transfer(from, to, sender.grants.get());
        receiver.registers.rdi.set(sender.badge.get());
        let reply = receiver.reply.take();
        if let Some(reply) = reply {
            self.get(reply).receiver.set(None);
        }
        let (true, Some(reply)) = (sender.calls.get(), reply) else {
            return;
        };
        let object = self.get(reply);
        object.caller.set(Some(from));
        object
            .grants
            .set(sender.grants_reply.get() && receiver.grants.get());
        sender.reply.set(Some(reply));
        sender.set_state(State::Calling);
        if let Some(context) = sender.context.take() {
            self.dequeue(context);
            // One that it has not given back yet goes on its way first.
            self.give_up_lent(to);
            self.chain_push(context, reply);
            if let Some(own) = receiver.context.get() {
                self.dequeue(own);
                self.get(own).runner.set(None);
            }
            self.get(context).runner.set(Some(to));
            receiver.context.set(Some(context));
        }
    }

    /// Answers a call, if its caller still waits. With `waits` the thread receives next and needs no time until it has a message: the
    /// caller of this sees to it that it gets its own back.
    ///
    /// # Errors
    /// `InvalidArgument` for a message that is too long; `TransferFailed` if the answer arrived, but not all of its capabilities.
    pub fn reply(
        &self,
        thread: Ref<Thread>,
        reply: Ref<Reply>,
        info: Info,
        waits: bool,
    ) -> Result<(), Error> {
        check_length(info)?;
        let object = self.get(reply);
        let Some(caller) = object.caller.get() else {
            return Ok(());
        };
        let sender = self.get(thread);
        sender.info.set(info.0 & Info::SENDER_MASK);
        let mut complete = true;
        if self.get(caller).fault.get() == 0 {
            complete = self.transfer(thread, caller, object.grants.get());
            self.get(caller).registers.rdi.set(0);
        }
        let lent = object
            .context
            .get()
            .filter(|context| self.get(*context).top.get() == Some(reply));
        self.reply_forget(reply);
        if let Some(context) = lent {
            self.hand_back(context, caller, waits.then_some(thread));
        }
        self.wake(caller, Ok(()));
        if complete {
            Ok(())
        } else {
            Err(Error::TransferFailed)
        }
    }

    /// Gives a lent context back to the caller.
    fn hand_back(
        &self,
        context: Ref<crate::SchedContext>,
        caller: Ref<Thread>,
        waiting: Option<Ref<Thread>>,
    ) {
        let object = self.get(context);
        self.dequeue(context);
        if let Some(runner) = object.runner.get() {
            self.stop_elsewhere(runner);
        }
        let runner = object.runner.take();
        if let Some(runner) = runner {
            self.get(runner).context.set(None);
        }
        if self.get(caller).context.is_none() {
            object.runner.set(Some(caller));
            self.get(caller).context.set(Some(context));
        }
        if let Some(runner) = runner
            && waiting != Some(runner)
            && self.get(runner).state() == State::Ready
        {
            self.make_ready(runner);
        }
    }

    /// Makes the call to the thread's fault endpoint. Without one the thread is stopped.
    pub fn fault(&self, thread: Ref<Thread>, label: u32, words: [u64; 3]) {
        let object = self.get(thread);
        let slot = self.get(self.thread_fault(thread));
        let usable = !slot.has(flag::MARKED | flag::DYING)
            && slot.kind() == Some(ObjectType::Endpoint)
            && slot.rights().contains(Rights::SEND);
        object.fault.set(label);
        for (word, value) in object.fault_words.iter().zip(words) {
            word.set(value);
        }
        object.badge.set(slot.badge.get());
        object.grants.set(false);
        object.grants_reply.set(false);
        object.calls.set(true);
        let end = match slot.object.get::<Endpoint>().filter(|_| usable) {
            Some(endpoint) => self.send_to(
                thread,
                endpoint,
                Wish {
                    info: Info(0),
                    deadline: 0,
                },
            ),
            None => Err(Error::Dead),
        };
        if end.is_err() {
            object.fault.set(0);
            self.stop(thread);
        }
    }
}

fn check_length(info: Info) -> Result<(), Error> {
    let fits = info.words() <= sundog_abi::message::MAX_WORDS
        && info.capabilities() <= sundog_abi::message::MAX_CAPABILITIES;
    if fits {
        Ok(())
    } else {
        Err(Error::InvalidArgument)
    }
}
