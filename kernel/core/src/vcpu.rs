//! VCpu: a second set of registers and an address space that a thread enters and comes back from.

use core::cell::Cell;

use sundog_abi::vcpu::{exit, page};
use sundog_abi::{Error, Rights, memory};
use sundog_machine::{Opt, Ref, Registers, SharedPage, Token, hardware, object};

use crate::kernel::{Kernel, Outcome};
use crate::slot::{Slot, flag};
use crate::thread::{State, Thread};

object! {
/// A VCpu. Its address space's slot and its state page are parts behind it.
pub struct VCpu = 39 {
    /// The guest's registers while it does not run.
    pub registers: Registers,
    /// Capabilities to it.
    pub count: Cell<u32>,
    /// Somebody kicked it and no exit has said so yet.
    pub kicked: Cell<bool>,
    /// The thread that is in it.
    pub runner: Opt<Thread>,
}
}

pub(crate) const VSPACE: u32 = 16;
pub(crate) const STATE: u32 = 64;

impl VCpu {
    /// Units of a VCpu: a page of its own, and the state page.
    pub const UNITS: u32 = 128;
    /// Rights of the first capability.
    pub const RIGHTS: Rights = Rights(Rights::USE.0 | Rights::SEND.0);

    /// Makes a VCpu out of zeroed memory.
    pub(crate) fn create(token: &mut Token, unit: u32) -> Ref<VCpu> {
        let vcpu = token.create::<VCpu>(unit);
        let slot = token.create::<Slot>(unit + VSPACE);
        token.get(slot).set(flag::EMBEDDED);
        token.create::<SharedPage>(unit + STATE);
        vcpu
    }
}

/// The general registers in the order of the state page.
fn general(registers: &Registers) -> [&Cell<u64>; 16] {
    let r = registers;
    [
        &r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.rsp, &r.r8, &r.r9, &r.r10,
        &r.r11, &r.r12, &r.r13, &r.r14, &r.r15,
    ]
}

/// Takes the general registers from a state page, each once.
pub(crate) fn read_general(state: &SharedPage, registers: &Registers) {
    for (index, register) in general(registers).into_iter().enumerate() {
        register.set(state.read(page::REGISTERS + index));
    }
}

/// Takes the registers from a state page that decide where the guest goes on, each once. False if they are not acceptable.
#[inline(always)]
pub(crate) fn read_special(state: &SharedPage, registers: &Registers) -> bool {
    let user = |address: u64| address < memory::USER_END;
    let (rip, flags) = (state.read(page::RIP), state.read(page::RFLAGS));
    let (fs_base, gs_base) = (state.read(page::FS_BASE), state.read(page::GS_BASE));
    registers.rip.set(rip);
    registers.rflags.set(flags);
    registers.fs_base.set(fs_base);
    registers.gs_base.set(gs_base);
    user(rip) && user(fs_base) && user(gs_base)
}

/// Writes all registers to a state page.
pub(crate) fn write_registers(state: &SharedPage, registers: &Registers) {
    for (index, register) in general(registers).into_iter().enumerate() {
        state.write(page::REGISTERS + index, register.get());
    }
    state.write(page::RIP, registers.rip.get());
    state.write(page::RFLAGS, registers.rflags.get());
    state.write(page::FS_BASE, registers.fs_base.get());
    state.write(page::GS_BASE, registers.gs_base.get());
}

impl Kernel {
    /// The slot of a VCpu's address space.
    pub fn vcpu_vspace(&self, vcpu: Ref<VCpu>) -> Ref<Slot> {
        vcpu.part(VSPACE)
    }

    /// A VCpu's state page.
    pub fn vcpu_page(&self, vcpu: Ref<VCpu>) -> Ref<SharedPage> {
        vcpu.part(STATE)
    }

    /// Lets the thread run the guest. It comes back by one of the exits, at once if there is a reason already.
    ///
    /// # Errors
    /// `Busy` if a thread is in it, `NotConfigured` without an address space.
    pub fn vcpu_enter(
        &self,
        thread: Ref<Thread>,
        vcpu: Ref<VCpu>,
        deadline: u64,
    ) -> Result<(), Error> {
        let object = self.get(vcpu);
        if !object.runner.is_none() {
            return Err(Error::Busy);
        }
        let space = self.get(self.vcpu_vspace(vcpu));
        if space.is_empty() || space.has(flag::MARKED) {
            return Err(Error::NotConfigured);
        }
        object.runner.set(Some(thread));
        self.get(thread).vcpu.set(Some(vcpu));
        if object.kicked.replace(false) {
            // The page holds the registers already.
            self.vcpu_return(thread, vcpu, exit::KICK, 0, 0);
            return Ok(());
        }
        let bound = self
            .get(thread)
            .bound
            .get()
            .map_or(0, |bound| self.get(bound).word.replace(0));
        if bound != 0 {
            self.vcpu_return(thread, vcpu, exit::NOTIFICATION, bound, 0);
            return Ok(());
        }
        if !self.vcpu_read(vcpu) {
            self.vcpu_return(thread, vcpu, exit::BAD_STATE, 0, 0);
            return Ok(());
        }
        let timer = self.thread_timer(thread);
        if deadline != 0 {
            self.timer_arm(timer, deadline);
            self.get(timer).guest.set(true);
        } else {
            // The last entry's may be left.
            self.timer_disarm(timer);
        }
        Ok(())
    }

    /// Takes the registers from the state page, each once. False if they are not acceptable.
    fn vcpu_read(&self, vcpu: Ref<VCpu>) -> bool {
        let (state, registers) = (self.get(self.vcpu_page(vcpu)), &self.get(vcpu).registers);
        read_general(state, registers);
        registers.how.set(sundog_machine::BY_IRET);
        read_special(state, registers)
    }

    /// The guest comes back: its registers go to the state page.
    pub(crate) fn vcpu_exit(
        &self,
        thread: Ref<Thread>,
        vcpu: Ref<VCpu>,
        reason: u64,
        address: u64,
        code: u64,
    ) {
        let (state, registers) = (self.get(self.vcpu_page(vcpu)), &self.get(vcpu).registers);
        write_registers(state, registers);
        self.vcpu_return(thread, vcpu, reason, address, code);
    }

    fn vcpu_return(
        &self,
        thread: Ref<Thread>,
        vcpu: Ref<VCpu>,
        reason: u64,
        address: u64,
        code: u64,
    ) {
        let state = self.get(self.vcpu_page(vcpu));
        state.write(page::EXIT, reason);
        state.write(page::EXIT_ADDRESS, address);
        state.write(page::EXIT_CODE, code);
        self.timer_disarm(self.thread_timer(thread));
        self.get(vcpu).runner.set(None);
        let object = self.get(thread);
        object.vcpu.set(None);
        object.set_status(Ok(()));
        object.registers.rdx.set(reason);
    }

    /// Brings the guest back, or makes the next entry come back at once.
    pub fn vcpu_kick(&self, vcpu: Ref<VCpu>) {
        match self.get(vcpu).runner.get() {
            Some(thread) => self.vcpu_interrupt(thread, vcpu, exit::KICK, 0),
            None => self.get(vcpu).kicked.set(true),
        }
    }

    /// The thread's bound notification has signals: if it is in a guest it comes back.
    pub(crate) fn vcpu_notify(&self, thread: Ref<Thread>) {
        let object = self.get(thread);
        let (Some(vcpu), Some(bound)) = (object.vcpu.get(), object.bound.get()) else {
            return;
        };
        let word = self.get(bound).word.replace(0);
        self.vcpu_interrupt(thread, vcpu, exit::NOTIFICATION, word);
    }

    /// A guest's deadline has passed.
    pub(crate) fn vcpu_deadline(&self, thread: Ref<Thread>) {
        if let Some(vcpu) = self.get(thread).vcpu.get() {
            self.vcpu_interrupt(thread, vcpu, exit::DEADLINE, 0);
        }
    }

    /// Brings a guest back that may be running on any CPU.
    fn vcpu_interrupt(&self, thread: Ref<Thread>, vcpu: Ref<VCpu>, reason: u64, word: u64) {
        let here = self.current() == Some(thread);
        if !here {
            self.take_off(thread);
        }
        self.vcpu_exit(thread, vcpu, reason, word, 0);
        if !here && self.get(thread).state() == State::Ready {
            self.make_ready(thread);
        }
    }

    /// The thread leaves its guest because it is suspended or ends; it runs on no CPU.
    pub(crate) fn vcpu_left(&self, thread: Ref<Thread>) {
        if let Some(vcpu) = self.get(thread).vcpu.get() {
            self.vcpu_exit(thread, vcpu, exit::KICK, 0, 0);
        }
    }

    /// Ends a VCpu whose last capability goes.
    ///
    /// # Errors
    /// Only `Preempted`.
    pub(crate) fn vcpu_end(&mut self, vcpu: Ref<VCpu>) -> Outcome {
        if let Some(thread) = self.get(vcpu).runner.get() {
            self.vcpu_interrupt(thread, vcpu, exit::KICK, 0);
        }
        let slot = self.vcpu_vspace(vcpu);
        self.delete_one(slot)?;
        hardware::fpu_forget(&self.token, self.vcpu_page(vcpu));
        self.token.destroy(slot);
        self.token.destroy(self.vcpu_page(vcpu));
        self.token.destroy(vcpu);
        Ok(())
    }
}
