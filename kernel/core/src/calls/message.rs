//! Calls that send and receive messages. Their arguments lie in the registers that `abi::message` names.

use sundog_abi::{Address, Error, Info, ObjectType, Rights};
use sundog_machine::Ref;

use crate::dispatch::Call;
use crate::ipc::Wish;
use crate::kernel::Outcome;
use crate::reply::Reply;
use crate::slot::Slot;
use crate::thread::State;

impl Call<'_> {
    fn wish(&self) -> Wish {
        let registers = &self.kernel.get(self.thread).registers;
        let info = Info(registers.rsi.get());
        let deadline = if info.has(Info::DEADLINE) {
            registers.rdx.get().max(1)
        } else {
            0
        };
        Wish { info, deadline }
    }

    /// The Reply that r8 names; `None` for address 0.
    fn reply_argument(&self) -> Outcome<Option<Ref<Reply>>> {
        let address = Address(self.kernel.get(self.thread).registers.r8.get());
        if address == Address::NULL {
            return Ok(None);
        }
        let space = self.kernel.thread_cspace(self.thread);
        let slot = self
            .kernel
            .look_up(space, address, ObjectType::Reply, Rights::NONE)?;
        Ok(self.kernel.get(slot).object.get())
    }

    pub fn call(&mut self, slot: Ref<Slot>) -> Outcome {
        Ok(self.kernel.send(self.thread, slot, self.wish(), true)?)
    }

    pub fn send(&mut self, slot: Ref<Slot>) -> Outcome {
        Ok(self.kernel.send(self.thread, slot, self.wish(), false)?)
    }

    pub fn receive(&mut self, slot: Ref<Slot>) -> Outcome {
        let reply = self.reply_argument()?;
        self.kernel.receive(self.thread, slot, reply, self.wish())
    }

    pub fn reply(&mut self, slot: Ref<Slot>) -> Outcome {
        let reply = self
            .kernel
            .get(slot)
            .object
            .get::<Reply>()
            .ok_or(Error::WrongType)?;
        let info = Info(self.kernel.get(self.thread).registers.rsi.get());
        Ok(self.kernel.reply(self.thread, reply, info, false)?)
    }

    pub fn reply_receive(&mut self, slot: Ref<Slot>) -> Outcome {
        let reply = self.reply_argument()?;
        let wish = self.wish();
        if let Some(reply) = reply {
            // What the caller could not take concerns it alone; the server serves the next one.
            match self.kernel.reply(self.thread, reply, wish.info, true) {
                Ok(()) | Err(Error::TransferFailed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let end = self.kernel.receive(self.thread, slot, reply, wish);
        // The reply took the lent time away; if it need not wait, its own comes back now.
        if self.kernel.calling == Some(self.thread)
            && self.kernel.get(self.thread).state() == State::Ready
        {
            self.kernel.make_ready(self.thread);
        }
        end
    }
}
