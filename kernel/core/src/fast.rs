//! The fast paths: call and reply-and-receive with up to four words between two threads, into a guest and out of it, when nothing
//! else is the matter.
//!
//! They do what `ipc` and `vcpu` do, for the cases that decide: the other side waits already, the message lies in registers that the
//! entry code leaves where they are, the scheduling context goes along or stays. Every check that the plain way makes is made here
//! too, or the plain way is taken; tests compare the two. A timer that is due is not looked for: its interrupt comes as soon as user
//! mode runs.

use sundog_abi::vcpu::{exit, page};
use sundog_abi::{Rights, memory};
use sundog_machine::{BY_IRET, Object, Reach, Ref, Registers, Token, hardware};

use crate::cnode::CNode;
use crate::context::SchedContext;
use crate::cpu::Cpu;
use crate::endpoint::Endpoint;
use crate::reply::Reply;
use crate::slot::{Slot, flag};
use crate::thread::{self, State, Thread};
use crate::timer::Timer;
use crate::vcpu::{self, VCpu};
use crate::vspace::{self, VSpace};

/// Most words of a message; an info word with a flag, a capability or more words is greater in its lower half.
const MOST_WORDS: u32 = 4;
/// Flags of a capability that cannot be used.
const UNUSABLE: u8 = flag::MARKED | flag::DYING;

/// The kernel as far as the fast paths need it, while its lock is held.
pub struct Fast<'a> {
    objects: Reach<'a>,
    cpu: &'a Cpu,
}

impl<'a> Fast<'a> {
    /// The fast paths on the CPU of that state.
    #[inline(always)]
    pub fn new(token: &'a Token, cpu: Ref<Cpu>) -> Fast<'a> {
        let objects = token.reach();
        Fast {
            objects,
            cpu: objects.get(cpu),
        }
    }

    #[inline(always)]
    fn get<T: Object>(&self, reference: Ref<T>) -> &'a T {
        self.objects.get(reference)
    }

    /// The thread that runs, if no delete of its own is to be gone on with first.
    #[inline(always)]
    fn caller(&self) -> Option<(Ref<Thread>, &'a Thread)> {
        let thread = self.cpu.current.get()?;
        let caller = self.get(thread);
        debug_assert!(caller.vcpu.is_none(), "a guest's calls end in `exit`");
        caller.deleting.is_none().then_some((thread, caller))
    }

    /// The slot that a one-step address names, and its object, if it holds a usable capability of that type with these rights.
    #[inline(always)]
    fn slot<T: Object>(
        &self,
        thread: Ref<Thread>,
        address: u64,
        rights: Rights,
    ) -> Option<(&'a Slot, Ref<T>)> {
        // Address 0 leads to the slot that parks a CNode's last capability, which is one of a CNode.
        const { assert!(T::KIND != CNode::KIND) };
        let root: &Slot = self.objects.part(thread, thread::CSPACE);
        let cnode = root.object.get_with::<CNode>(0, UNUSABLE)?;
        if address >= u64::from(root.size.get()) {
            return None;
        }
        let slot: &Slot = self.objects.part(cnode, 1 + address as u32);
        let object = slot.object.get_with::<T>(rights.0, UNUSABLE)?;
        Some((slot, object))
    }

    /// Tries the system call `call` for the thread that runs on this CPU and is in no guest: the receiver runs then, with the message
    /// in its registers, which this gives. `None`: nothing was changed.
    #[inline(always)]
    pub fn call(&self, address: u64, info: u64) -> Option<&'a Registers> {
        let (thread, caller) = self.caller()?;
        if info as u32 > MOST_WORDS {
            return None;
        }
        let (slot, endpoint) = self.slot::<Endpoint>(thread, address, Rights::SEND)?;
        let queue = self.get(endpoint);
        let server = queue.first.get()?;
        let receiver = self.get(server);
        let reply = receiver.reply.get()?;
        if receiver.state.get() != State::Receiving as u8
            || queue.receivers.get() == 0
            || self.has_deadline(server)
            || !receiver.context.is_none()
        {
            return None;
        }
        let context = caller.context.get()?;
        let lent = self.get(context);
        let space = self.space(self.objects.part(server, thread::VSPACE))?;
        if !self.goes_on(lent) {
            return None;
        }
        // Nothing fails from here on.
        self.load(space);
        match receiver.next.get() {
            Some(next) => {
                receiver.next.set(None);
                self.get(next).previous.set(None);
                queue.first.set(Some(next));
            }
            None => {
                queue.first.set(None);
                queue.last.set(None);
            }
        }
        receiver.endpoint.set(None);
        receiver.reply.set(None);
        pass(
            &caller.registers,
            &receiver.registers,
            info,
            slot.badge.get(),
        );
        receiver.set_state(State::Ready);
        receiver.context.set(Some(context));
        let object = self.get(reply);
        object.receiver.set(None);
        object.caller.set(Some(thread));
        object
            .grants
            .set(slot.rights().contains(Rights::GRANT_REPLY) & receiver.grants.get());
        caller.reply.set(Some(reply));
        caller.calls.set(true);
        waits(&caller.registers);
        caller.set_state(State::Calling);
        caller.context.set(None);
        let top = lent.top.get();
        object.context.set(Some(context));
        object.below.set(top);
        if let Some(top) = top {
            self.get(top).above.set(Some(reply));
        }
        lent.top.set(Some(reply));
        lent.runner.set(Some(server));
        self.resume(server, receiver);
        Some(&receiver.registers)
    }

    /// Tries `reply_receive` likewise; the Reply is at the address `answer`. The caller runs then.
    #[inline(always)]
    pub fn reply_receive(&self, address: u64, info: u64, answer: u64) -> Option<&'a Registers> {
        let (thread, server) = self.caller()?;
        if info as u32 > MOST_WORDS {
            return None;
        }
        let (slot, endpoint) = self.slot::<Endpoint>(thread, address, Rights::RECEIVE)?;
        let (_, reply) = self.slot::<Reply>(thread, answer, Rights::NONE)?;
        let queue = self.get(endpoint);
        let object = self.get(reply);
        let caller = object.caller.get()?;
        let client = self.get(caller);
        let context = server.context.get()?;
        let lent = self.get(context);
        // Senders that wait, faults, timers, signals, and lent time that is not this call's are for the plain way.
        let last = queue.last.get();
        if last.is_some_and(|last| self.get(last).state.get() != State::Receiving as u8)
            || server
                .bound
                .get()
                .is_some_and(|bound| self.get(bound).word.get() != 0)
            || client.fault.get() != 0
            || self.has_deadline(caller)
            || lent.top.get() != Some(reply)
            || server.own_context.get() == Some(context)
            || !client.context.is_none()
        {
            return None;
        }
        let space = self.space(self.objects.part(caller, thread::VSPACE))?;
        if !self.goes_on(lent) {
            return None;
        }
        // Nothing fails from here on.
        self.load(space);
        let below = object.below.take();
        lent.top.set(below);
        if let Some(below) = below {
            self.get(below).above.set(None);
        }
        object.context.set(None);
        object.caller.set(None);
        object.receiver.set(Some(thread));
        pass(&server.registers, &client.registers, info, 0);
        client.reply.set(None);
        client.set_state(State::Ready);
        client.context.set(Some(context));
        lent.runner.set(Some(caller));
        server.context.set(None);
        server.reply.set(Some(reply));
        server.grants.set(slot.rights().contains(Rights::GRANT));
        waits(&server.registers);
        server.set_state(State::Receiving);
        server.endpoint.set(Some(endpoint));
        server.next.set(None);
        server.previous.set(last);
        queue.last.set(Some(thread));
        match last {
            Some(last) => self.get(last).next.set(Some(thread)),
            None => queue.first.set(Some(thread)),
        }
        self.resume(caller, client);
        Some(&client.registers)
    }

    /// Tries `vcpu_enter` likewise: the guest runs then. Gives the registers of the thread that made the call.
    #[inline(always)]
    pub fn enter(&self, address: u64, deadline: u64) -> Option<&'a Registers> {
        let (thread, caller) = self.caller()?;
        let (_, vcpu) = self.slot::<VCpu>(thread, address, Rights::USE)?;
        let guest = self.get(vcpu);
        let signals = caller
            .bound
            .get()
            .is_some_and(|bound| self.get(bound).word.get() != 0);
        let timer = self.timer(thread);
        let armed = timer.place.get() != 0;
        // The last entry's is left armed, for the next one that has the same.
        let timed = if deadline == 0 {
            !armed
        } else {
            armed && timer.deadline.get() == deadline && timer.guest.get()
        };
        if !timed || !guest.runner.is_none() || guest.kicked.get() || signals {
            return None;
        }
        let space = self.space(self.objects.part(vcpu, vcpu::VSPACE))?;
        if !self.read(vcpu, guest) {
            return None;
        }
        // Nothing fails from here on.
        self.load(space);
        guest.runner.set(Some(thread));
        caller.vcpu.set(Some(vcpu));
        caller.registers.rax.set(0);
        caller.registers.r8.set(0);
        let state = vcpu.part(vcpu::STATE);
        hardware::fpu_leave(self.objects.token(), Some(state));
        hardware::resume_guest(self.objects.token(), &guest.registers, state);
        Some(&caller.registers)
    }

    /// Takes those of a guest's registers from its page that the kernel must look at, each once. False if they are not acceptable.
    #[inline(always)]
    fn read(&self, vcpu: Ref<VCpu>, guest: &VCpu) -> bool {
        let (state, registers) = (self.objects.part(vcpu, vcpu::STATE), &guest.registers);
        if !hardware::MOVES_REGISTERS {
            vcpu::read_general(state, registers);
            registers.how.set(BY_IRET);
        }
        vcpu::read_special(state, registers)
    }

    /// Tries to bring the guest back that runs on this CPU, which made a system call of its own. Its holder runs then.
    #[inline(always)]
    pub fn exit(&self) -> Option<()> {
        let thread = self.cpu.current.get()?;
        let holder = self.get(thread);
        let vcpu = holder.vcpu.get()?;
        let guest = self.get(vcpu);
        let space = self.space(self.objects.part(thread, thread::VSPACE))?;
        // Nothing fails from here on.
        self.load(space);
        let state = self.objects.part(vcpu, vcpu::STATE);
        if !hardware::MOVES_REGISTERS {
            vcpu::write_registers(state, &guest.registers);
        }
        state.write(page::EXIT, exit::SYSCALL);
        state.write(page::EXIT_ADDRESS, 0);
        state.write(page::EXIT_CODE, 0);
        guest.runner.set(None);
        holder.vcpu.set(None);
        holder.registers.rax.set(0);
        holder.registers.rdx.set(exit::SYSCALL);
        hardware::fpu_leave(self.objects.token(), None);
        hardware::resume(self.objects.token(), Some(&holder.registers));
        Some(())
    }

    #[inline(always)]
    fn timer(&self, thread: Ref<Thread>) -> &'a Timer {
        self.objects.part(thread, thread::TIMER)
    }

    #[inline(always)]
    fn has_deadline(&self, thread: Ref<Thread>) -> bool {
        self.timer(thread).place.get() != 0
    }

    /// Whether a context has time left, and the scheduler nothing to say: nobody more urgent waits.
    #[inline(always)]
    fn goes_on(&self, context: &SchedContext) -> bool {
        context.left.get() != 0 && self.cpu.waiting.get() <= context.ceiling.get()
    }

    /// The address space in a slot, if it can be loaded.
    #[inline(always)]
    fn space(&self, slot: &Slot) -> Option<Ref<VSpace>> {
        slot.object.get_with::<VSpace>(0, UNUSABLE)
    }

    /// Loads an address space's root.
    #[inline(always)]
    fn load(&self, wanted: Ref<VSpace>) {
        if self.cpu.vspace.get() != Some(wanted) {
            self.cpu.vspace.set(Some(wanted));
            hardware::load_root_of(self.objects.token(), wanted, vspace::ROOT);
        }
    }

    /// Makes a thread the one that runs, after another that was in no guest either, so that the FPU is off already.
    #[inline(always)]
    fn resume(&self, thread: Ref<Thread>, object: &Thread) {
        self.cpu.current.set(Some(thread));
        hardware::resume_other(self.objects.token(), &object.registers);
    }
}

/// Whoever ends a wait sets the status. So that tests can compare the two ways, it is as on the plain one until then.
#[inline(always)]
fn waits(registers: &Registers) {
    if !hardware::MOVES_REGISTERS {
        registers.rax.set(0);
    }
}

/// Hands a message of at most four words over.
#[inline(always)]
fn pass(from: &Registers, to: &Registers, info: u64, badge: u64) {
    to.rdi.set(badge);
    to.rsi.set(info);
    if hardware::MOVES_REGISTERS {
        return;
    }
    to.rax.set(0);
    to.r12.set(from.r12.get());
    to.r13.set(from.r13.get());
    to.r14.set(from.r14.get());
    to.r15.set(from.r15.get());
    for unused in [&to.r9, &to.r10, &to.rbx, &to.rbp] {
        unused.set(0);
    }
}

const _: () = assert!(memory::USER_END < 1 << 47);
