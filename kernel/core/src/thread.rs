//! Thread: registers, capability space, address space, fault endpoint, and what it waits for (`docs/states.md`).

use core::cell::Cell;

use sundog_abi::{Error, Rights};
use sundog_machine::{Opt, Ref, Registers, SharedPage, Token, object};

use crate::cnode::CNode;
use crate::context::SchedContext;
use crate::endpoint::Endpoint;
use crate::kernel::{Kernel, Outcome, Stop};
use crate::notification::Notification;
use crate::reply::Reply;
use crate::slot::{Slot, flag};
use crate::timer::Timer;
use crate::vcpu::VCpu;

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Nothing, until it is resumed.
    Stopped = 0,
    /// It runs, or could.
    Ready = 1,
    /// It has a message that nobody took yet.
    Sending = 2,
    /// It waits for a message.
    Receiving = 3,
    /// It waits for a signal.
    Waiting = 4,
    /// Its call was taken; it waits for the answer.
    Calling = 5,
}

object! {
/// A thread. Its slots, its timer and its message page are parts behind it.
pub struct Thread = 33 {
    /// The registers while it does not run.
    pub registers: Registers,
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// A [`State`].
    pub state: Cell<u8>,
    /// What it sends is a call, or it is a call that it waits for the answer of.
    pub calls: Cell<bool>,
    /// What it sends may carry capabilities.
    pub grants: Cell<bool>,
    /// The answer to its call may carry capabilities: its own right, then also the receiver's.
    pub grants_reply: Cell<bool>,
    /// Why the kernel sends for it: a label of `abi::fault`; 0 if the message is its own.
    pub fault: Cell<u32>,
    /// The words of the kernel's message.
    pub fault_words: [Cell<u64>; 3],
    /// The info and badge of the message that it sends.
    pub info: Cell<u64>,
    /// The badge of the capability that it sends through.
    pub badge: Cell<u64>,
    /// Neighbours in the queue of an endpoint or notification.
    pub next: Opt<Thread>,
    /// Neighbours in the queue of an endpoint or notification.
    pub previous: Opt<Thread>,
    /// The endpoint that it sends to or receives from.
    pub endpoint: Opt<Endpoint>,
    /// Receiving: the Reply that the next call goes to. Calling: the Reply that its call went to.
    pub reply: Opt<Reply>,
    /// The notification that it waits for.
    pub notification: Opt<Notification>,
    /// The scheduling context that it runs on, its own or a lent one.
    pub context: Opt<SchedContext>,
    /// The scheduling context that is bound to it.
    pub own_context: Opt<SchedContext>,
    /// The notification that a receive also waits for.
    pub bound: Opt<Notification>,
    /// The VCpu that it is in.
    pub vcpu: Opt<VCpu>,
    /// The CNode that its interrupted call takes apart.
    pub deleting: Opt<CNode>,
}
}

pub(crate) const CSPACE: u32 = 16;
pub(crate) const VSPACE: u32 = 17;
const FAULT: u32 = 18;
pub(crate) const TIMER: u32 = 20;
const MESSAGE: u32 = 64;

const _: () = assert!(size_of::<Thread>() <= 64 * CSPACE as usize);
const _: () = assert!(size_of::<Timer>() <= 64 * (MESSAGE - TIMER) as usize);

impl Thread {
    /// Units of a thread: a page of its own, and the message page.
    pub const UNITS: u32 = 128;
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::READ.0 | Rights::WRITE.0);

    /// The state.
    pub fn state(&self) -> State {
        match self.state.get() {
            1 => State::Ready,
            2 => State::Sending,
            3 => State::Receiving,
            4 => State::Waiting,
            5 => State::Calling,
            _ => State::Stopped,
        }
    }

    /// Changes the state.
    pub(crate) fn set_state(&self, state: State) {
        self.state.set(state as u8);
    }

    /// Sets what the system call that it made returns.
    pub(crate) fn set_status(&self, end: Result<(), Error>) {
        self.registers
            .rax
            .set(end.map_or_else(|error| error as u64, |()| 0));
    }

    /// Makes a thread out of zeroed memory.
    pub(crate) fn create(token: &mut Token, unit: u32) -> Ref<Thread> {
        let thread = token.create::<Thread>(unit);
        for slot in [CSPACE, VSPACE, FAULT] {
            let slot = token.create::<Slot>(unit + slot);
            token.get(slot).set(flag::EMBEDDED);
        }
        let timer = token.create::<Timer>(unit + TIMER);
        token.get(timer).thread.set(Some(thread));
        token.create::<SharedPage>(unit + MESSAGE);
        thread
    }
}

impl Kernel {
    /// The slot of a thread's capability space.
    pub fn thread_cspace(&self, thread: Ref<Thread>) -> Ref<Slot> {
        thread.part(CSPACE)
    }

    /// The slot of a thread's address space.
    pub fn thread_vspace(&self, thread: Ref<Thread>) -> Ref<Slot> {
        thread.part(VSPACE)
    }

    /// The slot of a thread's fault endpoint.
    pub fn thread_fault(&self, thread: Ref<Thread>) -> Ref<Slot> {
        thread.part(FAULT)
    }

    pub(crate) fn thread_timer(&self, thread: Ref<Thread>) -> Ref<Timer> {
        thread.part(TIMER)
    }

    /// A thread's message page.
    pub fn thread_message(&self, thread: Ref<Thread>) -> Ref<SharedPage> {
        thread.part(MESSAGE)
    }

    /// Lets a stopped thread run; one that is not stopped goes on as before.
    ///
    /// # Errors
    /// `NotConfigured` without capability space or address space.
    pub fn thread_resume(&self, thread: Ref<Thread>) -> Result<(), Error> {
        if self.get(self.thread_cspace(thread)).is_empty()
            || self.get(self.thread_vspace(thread)).is_empty()
        {
            return Err(Error::NotConfigured);
        }
        if self.get(thread).state() == State::Stopped {
            self.make_ready(thread);
        }
        Ok(())
    }

    /// Stops a thread, whatever it does. A wait that it was in has failed with `Cancelled`.
    pub fn thread_suspend(&self, thread: Ref<Thread>) {
        self.take_off(thread);
        self.cancel(thread, Error::Cancelled);
        self.vcpu_left(thread);
        // A guest's deadline may be left.
        self.timer_disarm(self.thread_timer(thread));
        self.stop(thread);
    }

    /// Makes a thread Stopped that waits for nothing and runs on no CPU, or on this one.
    pub(crate) fn stop(&self, thread: Ref<Thread>) {
        self.get(thread).set_state(State::Stopped);
        self.give_up_lent(thread);
        self.unqueue_of(thread);
    }

    /// Lets a thread, which is ready, wait for something.
    pub(crate) fn wait_in(&self, thread: Ref<Thread>, state: State) {
        self.get(thread).set_state(state);
        self.unqueue_of(thread);
    }

    /// Empties those of a thread's slots that hold something.
    ///
    /// # Errors
    /// `Preempted` unless all were empty: what went along may have been anything, so the same call is decoded again.
    pub(crate) fn thread_uninstall<const N: usize>(&mut self, slots: [Ref<Slot>; N]) -> Outcome {
        for slot in slots {
            if !self.get(slot).is_empty() {
                self.delete(slot)?;
                return Err(Stop::Preempted);
            }
        }
        Ok(())
    }

    /// Puts a capability into one of a thread's slots, which is empty, as a child of `source` with at most `rights`.
    ///
    /// # Errors
    /// `Revoked` while `source` is being removed.
    pub(crate) fn thread_install(
        &mut self,
        slot: Ref<Slot>,
        source: Option<Ref<Slot>>,
        rights: Rights,
    ) -> Outcome {
        if let Some(source) = source {
            self.cnode_copy(source, slot, rights, None)?;
        }
        Ok(())
    }

    /// Ends a thread whose last capability goes. A CNode that dies by it is parked and returned.
    pub(crate) fn thread_end(&mut self, thread: Ref<Thread>) -> Outcome<Option<Ref<CNode>>> {
        self.thread_suspend(thread);
        let mut parked = None;
        for slot in [
            self.thread_fault(thread),
            self.thread_vspace(thread),
            self.thread_cspace(thread),
        ] {
            // At most one of them holds a CNode.
            parked = self.delete_one(slot)?.or(parked);
        }
        let object = self.get(thread);
        if let Some(cnode) = object.deleting.take() {
            self.get(cnode).deleter.set(None);
        }
        if let Some(context) = object.own_context.take() {
            let context = self.get(context);
            context.owner.set(None);
            if context.runner.get() == Some(thread) {
                context.runner.set(None);
            }
        }
        if let Some(notification) = object.bound.take() {
            self.get(notification).bound.set(None);
        }
        if self.calling == Some(thread) {
            self.calling = None;
        }
        for slot in [CSPACE, VSPACE, FAULT] {
            self.token.destroy(thread.part::<Slot>(slot));
        }
        self.token.destroy(self.thread_timer(thread));
        self.token.destroy(self.thread_message(thread));
        self.token.destroy(thread);
        Ok(parked)
    }
}
