//! Calls on threads, scheduling contexts and VCpus.

use sundog_abi::message::page;
use sundog_abi::{Address, Error, ObjectType, Rights, Slot as Number, memory};
use sundog_machine::{Object, Ref, Registers, SharedPage};

use crate::context::SchedContext;
use crate::dispatch::{Call, Values};
use crate::kernel::Outcome;
use crate::notification::Notification;
use crate::slot::Slot;
use crate::thread::{State, Thread};
use crate::vcpu::VCpu;
use crate::vspace::VSpace;

const DONE: Outcome<Values> = Ok((0, 0));

/// Registers in the order of `thread_read_registers`, but for the flags at the end.
fn listed(r: &Registers) -> [&core::cell::Cell<u64>; 19] {
    [
        &r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rbp, &r.rsp, &r.r8, &r.r9, &r.r10,
        &r.r11, &r.r12, &r.r13, &r.r14, &r.r15, &r.rip, &r.rflags, &r.fs_base,
    ]
}

impl Call<'_> {
    /// The object of the capability in a slot.
    pub(super) fn object<T: Object>(&self, slot: Ref<Slot>) -> Result<Ref<T>, Error> {
        self.kernel.get(slot).object.get().ok_or(Error::WrongType)
    }

    /// A capability of the caller's; `None` for address 0.
    fn held(
        &self,
        address: Address,
        kind: ObjectType,
        rights: Rights,
    ) -> Result<Option<Ref<Slot>>, Error> {
        if address == Address::NULL {
            return Ok(None);
        }
        self.kernel
            .look_up(
                self.kernel.thread_cspace(self.thread),
                address,
                kind,
                rights,
            )
            .map(Some)
    }

    /// An empty slot of a CNode that the caller may write.
    pub(super) fn target(&self, cnode: Address, slot: Number) -> Result<Ref<Slot>, Error> {
        let cnode = self
            .kernel
            .writable_cnode(self.kernel.thread_cspace(self.thread), cnode)?;
        self.kernel.cnode_empty_slot(cnode, slot.0)
    }

    fn stopped(&self, slot: Ref<Slot>) -> Result<Ref<Thread>, Error> {
        let thread = self.object::<Thread>(slot)?;
        match self.kernel.get(thread).state() {
            State::Stopped => Ok(thread),
            _ => Err(Error::Busy),
        }
    }

    pub fn thread_configure(
        &mut self,
        slot: Ref<Slot>,
        cspace: Address,
        vspace: Address,
        fault: Address,
    ) -> Outcome<Values> {
        let thread = self.stopped(slot)?;
        let cspace = self.held(cspace, ObjectType::CNode, Rights::USE)?;
        let vspace = self.held(vspace, ObjectType::VSpace, Rights::MAP)?;
        let fault = self.held(fault, ObjectType::Endpoint, Rights::SEND)?;
        if let Some(vspace) = vspace
            && self
                .kernel
                .get(self.object::<VSpace>(vspace)?)
                .is_for_guests()
        {
            return Err(Error::WrongType.into());
        }
        for source in [cspace, vspace, fault].into_iter().flatten() {
            self.kernel.may_derive(source)?;
        }
        self.kernel.thread_uninstall([
            self.kernel.thread_fault(thread),
            self.kernel.thread_vspace(thread),
            self.kernel.thread_cspace(thread),
        ])?;
        self.kernel
            // No more than it needs: with the right to receive it would count as a server.
            .thread_install(self.kernel.thread_fault(thread), fault, Rights::SEND)?;
        self.kernel
            .thread_install(self.kernel.thread_vspace(thread), vspace, Rights::ALL)?;
        self.kernel
            .thread_install(self.kernel.thread_cspace(thread), cspace, Rights::ALL)?;
        DONE
    }

    pub fn thread_start_at(
        &mut self,
        slot: Ref<Slot>,
        instruction: u64,
        stack: u64,
        argument: u64,
    ) -> Outcome<Values> {
        let thread = self.stopped(slot)?;
        if instruction >= memory::USER_END || stack > memory::USER_END {
            return Err(Error::OutOfRange.into());
        }
        let registers = &self.kernel.get(thread).registers;
        for register in listed(registers) {
            register.set(0);
        }
        registers.gs_base.set(0);
        registers.rip.set(instruction);
        registers.rsp.set(stack);
        registers.rdi.set(argument);
        registers.how.set(sundog_machine::BY_IRET);
        DONE
    }

    pub fn thread_resume(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let thread = self.object(slot)?;
        self.kernel.thread_resume(thread)?;
        DONE
    }

    pub fn thread_suspend(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let thread = self.object(slot)?;
        self.kernel.thread_suspend(thread);
        DONE
    }

    pub fn thread_read_registers(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let thread = self.waiting(slot)?;
        let message = self.kernel.get(self.kernel.thread_message(self.thread));
        let registers = listed(&self.kernel.get(thread).registers);
        for (index, register) in registers.iter().enumerate() {
            message.write(page::REGISTERS + index, register.get());
        }
        Ok((registers.len() as u64, 0))
    }

    pub fn thread_write_registers(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let thread = self.waiting(slot)?;
        let message = self.kernel.get(self.kernel.thread_message(self.thread));
        let registers = &self.kernel.get(thread).registers;
        for (index, register) in listed(registers).into_iter().enumerate() {
            register.set(message.read(page::REGISTERS + index));
        }
        registers.how.set(sundog_machine::BY_IRET);
        DONE
    }

    /// A thread whose registers are its own: stopped, or waiting for the answer to a fault.
    fn waiting(&self, slot: Ref<Slot>) -> Result<Ref<Thread>, Error> {
        let thread = self.object::<Thread>(slot)?;
        let object = self.kernel.get(thread);
        if object.state() == State::Stopped || object.fault.get() != 0 {
            Ok(thread)
        } else {
            Err(Error::Busy)
        }
    }

    pub fn thread_bind_notification(
        &mut self,
        slot: Ref<Slot>,
        notification: Address,
    ) -> Outcome<Values> {
        let thread = self.object::<Thread>(slot)?;
        let bound = match self.held(notification, ObjectType::Notification, Rights::RECEIVE)? {
            Some(slot) => Some(self.object::<Notification>(slot)?),
            None => None,
        };
        let object = self.kernel.get(thread);
        if let Some(notification) = bound {
            let other = self.kernel.get(notification);
            if !other.bound.is_none() || !object.bound.is_none() || !other.first.is_none() {
                return Err(Error::Busy.into());
            }
            other.bound.set(Some(thread));
            object.bound.set(bound);
            // It may be waiting for a message already, while signals are there.
            self.kernel.notification_signal(notification, 0);
            return DONE;
        } else if let Some(old) = object.bound.get() {
            self.kernel.get(old).bound.set(None);
        }
        object.bound.set(bound);
        DONE
    }

    pub fn thread_message_frame(
        &mut self,
        slot: Ref<Slot>,
        cnode: Address,
        number: Number,
    ) -> Outcome<Values> {
        let target = self.target(cnode, number)?;
        let page = self.kernel.thread_message(self.object(slot)?);
        self.page_frame(slot, target, page)
    }

    /// Makes a Frame of one page that belongs to an object, as a child of the object's capability.
    fn page_frame(
        &mut self,
        slot: Ref<Slot>,
        target: Ref<Slot>,
        page: Ref<SharedPage>,
    ) -> Outcome<Values> {
        self.kernel.frame_child(
            slot,
            target,
            page.unit(),
            1,
            Rights::READ.union(Rights::WRITE),
        )?;
        DONE
    }

    pub fn sched_configure(
        &mut self,
        slot: Ref<Slot>,
        context: Address,
        place: u64,
        budget: u64,
        period: u64,
    ) -> Outcome<Values> {
        let _ = slot;
        let context = self
            .held(context, ObjectType::SchedContext, Rights::USE)?
            .ok_or(Error::InvalidAddress)?;
        self.kernel.context_configure(
            self.object(context)?,
            place & 0xff,
            place >> 8,
            budget,
            period,
        )?;
        DONE
    }

    pub fn sched_bind(&mut self, slot: Ref<Slot>, thread: Address) -> Outcome<Values> {
        let thread = self
            .held(thread, ObjectType::Thread, Rights::WRITE)?
            .ok_or(Error::InvalidAddress)?;
        self.kernel
            .context_bind(self.object(slot)?, self.object(thread)?)?;
        DONE
    }

    pub fn sched_unbind(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        self.kernel.context_unbind(self.object(slot)?)?;
        DONE
    }

    pub fn sched_consumed(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let context = self.object::<SchedContext>(slot)?;
        Ok((self.kernel.context_consumed(context), 0))
    }

    pub fn sched_yield(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let context = self.object::<SchedContext>(slot)?;
        let state = self.kernel.get(self.kernel.cpu_state(self.kernel.cpu));
        if state.context.get() == Some(context) {
            state.yields.set(true);
        }
        DONE
    }

    pub fn vcpu_configure(&mut self, slot: Ref<Slot>, vspace: Address) -> Outcome<Values> {
        let vcpu = self.object::<VCpu>(slot)?;
        if !self.kernel.get(vcpu).runner.is_none() {
            return Err(Error::Busy.into());
        }
        let vspace = self
            .held(vspace, ObjectType::VSpace, Rights::MAP)?
            .ok_or(Error::InvalidAddress)?;
        if !self
            .kernel
            .get(self.object::<VSpace>(vspace)?)
            .is_for_guests()
        {
            return Err(Error::NotAllowed.into());
        }
        self.kernel.may_derive(vspace)?;
        self.kernel
            .thread_uninstall([self.kernel.vcpu_vspace(vcpu)])?;
        self.kernel
            .thread_install(self.kernel.vcpu_vspace(vcpu), Some(vspace), Rights::ALL)?;
        DONE
    }

    pub fn vcpu_enter(&mut self, slot: Ref<Slot>, deadline: u64) -> Outcome<Values> {
        let vcpu = self.object(slot)?;
        self.kernel.vcpu_enter(self.thread, vcpu, deadline)?;
        // An exit that came at once has set the value already.
        Ok((self.kernel.get(self.thread).registers.rdx.get(), 0))
    }

    pub fn vcpu_kick(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        self.kernel.vcpu_kick(self.object(slot)?);
        DONE
    }

    pub fn vcpu_state_frame(
        &mut self,
        slot: Ref<Slot>,
        cnode: Address,
        number: Number,
    ) -> Outcome<Values> {
        let target = self.target(cnode, number)?;
        let page = self.kernel.vcpu_page(self.object(slot)?);
        self.page_frame(slot, target, page)
    }

    pub fn vcpu_sync_fpu(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        let page = self.kernel.vcpu_page(self.object(slot)?);
        sundog_machine::hardware::fpu_sync(self.kernel.token(), page);
        DONE
    }
}
