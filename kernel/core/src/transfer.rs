//! Moving a message from one thread to another: words, then capabilities.

use sundog_abi::message::{REGISTER_WORDS, page};
use sundog_abi::{Address, Info, ObjectType, Rights};
use sundog_machine::Ref;

use crate::cnode::CNode;
use crate::kernel::Kernel;
use crate::thread::Thread;

impl Kernel {
    /// Copies the sender's message to the receiver, with capabilities if `grants`. Tells whether every capability arrived.
    pub(crate) fn transfer(&self, from: Ref<Thread>, to: Ref<Thread>, grants: bool) -> bool {
        let (sender, receiver) = (self.get(from), self.get(to));
        let registers = &receiver.registers;
        let label = sender.fault.get();
        if label != 0 {
            registers.rsi.set(Info::new(label, 3).0 | Info::FAULT);
            registers.r12.set(sender.fault_words[0].get());
            registers.r13.set(sender.fault_words[1].get());
            registers.r14.set(sender.fault_words[2].get());
            registers.r15.set(0);
            return true;
        }
        let info = Info(sender.info.get());
        let words = info.words();
        registers.rsi.set(info.0);
        registers.r12.set(sender.registers.r12.get());
        registers.r13.set(sender.registers.r13.get());
        registers.r14.set(sender.registers.r14.get());
        registers.r15.set(sender.registers.r15.get());
        let more = [
            (&registers.r9, &sender.registers.r9),
            (&registers.r10, &sender.registers.r10),
            (&registers.rbx, &sender.registers.rbx),
            (&registers.rbp, &sender.registers.rbp),
        ];
        for (index, (target, source)) in more.into_iter().enumerate() {
            target.set(if words > 4 + index { source.get() } else { 0 });
        }
        if words > REGISTER_WORDS {
            let (source, target) = (
                self.get(self.thread_message(from)),
                self.get(self.thread_message(to)),
            );
            for index in page::WORDS..page::WORDS + words {
                target.write(index, source.read(index));
            }
        }
        match info.capabilities() {
            0 => true,
            count => self.transfer_capabilities(from, to, count, grants),
        }
    }

    /// Copies capabilities into the receiver's window; each copy is a child. The receiver's page says which arrived.
    fn transfer_capabilities(
        &self,
        from: Ref<Thread>,
        to: Ref<Thread>,
        count: usize,
        grants: bool,
    ) -> bool {
        let (source, target) = (
            self.get(self.thread_message(from)),
            self.get(self.thread_message(to)),
        );
        let window = if grants { self.window(to) } else { None };
        let mut arrived = 0;
        if let Some((cnode, first, length)) = window {
            for index in 0..count.min(length as usize) {
                let address = Address(source.read(page::SEND + index));
                let Ok(capability) = self.capability(self.thread_cspace(from), address) else {
                    continue;
                };
                let Some(slot) = first.checked_add(index as u32) else {
                    continue;
                };
                let Ok(slot) = self.cnode_empty_slot(cnode, slot) else {
                    continue;
                };
                if self.cnode_copy(capability, slot, Rights::ALL, None).is_ok() {
                    arrived |= 1 << index;
                }
            }
        }
        target.write(page::ARRIVED, arrived);
        arrived == (1 << count) - 1
    }

    /// The window of slots in which a thread takes capabilities.
    fn window(&self, thread: Ref<Thread>) -> Option<(Ref<CNode>, u32, u32)> {
        let message = self.get(self.thread_message(thread));
        let cspace = self.thread_cspace(thread);
        let cnode = self
            .writable_cnode(cspace, Address(message.read(page::RECEIVE_CNODE)))
            .ok()?;
        let first = u32::try_from(message.read(page::RECEIVE_SLOT)).ok()?;
        let length = u32::try_from(message.read(page::RECEIVE_COUNT)).ok()?;
        Some((cnode, first, length))
    }

    /// The CNode that `address` names with the right to write; address 0 is the root of the capability space itself.
    pub(crate) fn writable_cnode(
        &self,
        space: Ref<crate::Slot>,
        address: Address,
    ) -> Result<Ref<CNode>, sundog_abi::Error> {
        let slot = if address == Address::NULL {
            let root = self.get(space);
            if root.has(crate::flag::MARKED) || !root.rights().contains(Rights::WRITE) {
                return Err(sundog_abi::Error::MissingRights);
            }
            space
        } else {
            self.look_up(space, address, ObjectType::CNode, Rights::WRITE)?
        };
        self.get(slot)
            .object
            .get()
            .ok_or(sundog_abi::Error::WrongType)
    }
}
