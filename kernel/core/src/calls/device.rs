//! Calls on interrupt lines and I/O ports.

use sundog_abi::{Address, Error, ObjectType, Rights, Slot as Number};
use sundog_machine::{Ref, hardware};

use crate::dispatch::{Call, Values};
use crate::kernel::Outcome;
use crate::notification::Notification;
use crate::slot::Slot;

const DONE: Outcome<Values> = Ok((0, 0));

impl Call<'_> {
    pub fn irq_bind(&mut self, slot: Ref<Slot>, notification: Address) -> Outcome<Values> {
        let line = self.kernel.get(slot).object.number();
        let bound = if notification == Address::NULL {
            None
        } else {
            let space = self.kernel.thread_cspace(self.thread);
            let held =
                self.kernel
                    .look_up(space, notification, ObjectType::Notification, Rights::SEND)?;
            let bits = self.kernel.get(held).badge.get().max(1);
            Some((self.object::<Notification>(held)?, bits))
        };
        self.kernel.irq_bind(line, bound);
        DONE
    }

    pub fn irq_acknowledge(&mut self, slot: Ref<Slot>) -> Outcome<Values> {
        self.kernel
            .irq_acknowledge(self.kernel.get(slot).object.number());
        DONE
    }

    pub fn irq_control_get(
        &mut self,
        slot: Ref<Slot>,
        line: u64,
        cnode: Address,
        number: Number,
    ) -> Outcome<Values> {
        let target = self.target(cnode, number)?;
        self.kernel.irq_get(slot, line, target)?;
        DONE
    }

    pub fn io_port_in(&mut self, slot: Ref<Slot>, port: u64, width: u64) -> Outcome<Values> {
        let (port, width) = self.kernel.port_of(slot, port, width)?;
        Ok((
            hardware::port_in(self.kernel.token(), port, width).into(),
            0,
        ))
    }

    pub fn io_port_out(
        &mut self,
        slot: Ref<Slot>,
        port: u64,
        width: u64,
        value: u64,
    ) -> Outcome<Values> {
        let (port, width) = self.kernel.port_of(slot, port, width)?;
        let value = u32::try_from(value).map_err(|_| Error::InvalidArgument)?;
        hardware::port_out(self.kernel.token(), port, width, value);
        DONE
    }

    pub fn io_port_control_get(
        &mut self,
        slot: Ref<Slot>,
        first: u64,
        count: u64,
        cnode: Address,
        number: Number,
    ) -> Outcome<Values> {
        let target = self.target(cnode, number)?;
        self.kernel.ports_get(slot, first, count, target)?;
        DONE
    }
}
