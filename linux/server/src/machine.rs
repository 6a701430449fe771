//! The machine of the personality made of Sundog's objects: address spaces, virtual processors and time.

pub mod blocks;
pub mod clock;
mod room;
mod space;
#[cfg(test)]
mod tests;
mod vcpu;

use crate::objects::Objects;
use crate::random::Random;
use alloc::vec::Vec;
use blocks::Blocks;
use clock::Clock;
use space::{PAGE, Space};
use sundog_linux_core::machine::{Exit, Machine, NoRoom, Protection, SpaceId, Vcpu, VcpuId};
use sundog_linux_core::native::NativeProgram;
use sundog_linux_core::slab::Slab;
use sundog_linux_vfs::Errno;
use sundog_rt::cap::Protection as Allowed;

/// The machine over kernel objects.
pub struct SundogMachine<O: Objects> {
    objects: O,
    blocks: Blocks,
    spaces: Slab<Space>,
    /// The number of the space that is looked at next when objects are short.
    hand: u32,
    vcpus: Slab<vcpu::Vcpu>,
    clock: Clock,
    /// The last deadline, in nanoseconds and in ticks: most entries have the one of those before.
    deadline: (u64, u64),
    calendar: u64,
    random: Random,
}

/// What the machine does not take from its objects.
pub struct Parameters {
    /// The slot of the untyped memory that objects are made of.
    pub memory: u32,
    /// The clock of deadlines and of the calendar.
    pub clock: Clock,
    /// Nanoseconds of the calendar when the clock started, since 1970.
    pub calendar: u64,
    /// Where random bytes come from.
    pub random: Random,
}

fn allowed(protection: Protection) -> Allowed {
    let mut allowed = Allowed::READ.0;
    if protection.write {
        allowed |= Allowed::WRITE.0;
    }
    if protection.execute {
        allowed |= Allowed::EXECUTE.0;
    }
    Allowed(allowed)
}

impl<O: Objects> SundogMachine<O> {
    /// A machine without spaces and virtual processors.
    pub fn new(objects: O, parameters: Parameters) -> SundogMachine<O> {
        SundogMachine {
            objects,
            blocks: Blocks::new(parameters.memory),
            spaces: Slab::default(),
            hand: 0,
            vcpus: Slab::default(),
            clock: parameters.clock,
            deadline: (u64::MAX, 0),
            calendar: parameters.calendar,
            random: parameters.random,
        }
    }
}

impl<O: Objects> Machine for SundogMachine<O> {
    fn create_space(&mut self) -> Result<SpaceId, NoRoom> {
        let space = self.with_room(None, |machine| {
            Space::new(&mut machine.objects, &mut machine.blocks)
        })?;
        Ok(SpaceId(self.spaces.insert(space)))
    }

    fn destroy_space(&mut self, space: SpaceId) {
        self.forget(space);
        self.spaces.remove(space.0);
    }

    fn map(
        &mut self,
        space: SpaceId,
        address: u64,
        offset: usize,
        pages: usize,
        protection: Protection,
    ) -> Result<(), NoRoom> {
        let page = u32::try_from(offset as u64 / PAGE).map_err(|_| NoRoom)?;
        let pages = u32::try_from(pages).map_err(|_| NoRoom)?;
        let protection = allowed(protection);
        self.with_room(Some(space), |machine| {
            let (space, objects, blocks) = machine.present(space)?;
            space.map(objects, blocks, address, page, pages, protection)
        })
    }

    fn unmap(&mut self, space: SpaceId, address: u64, pages: usize) {
        if let Some(space) = self.spaces.get(space.0)
            && !space.is_forgotten()
        {
            let unmapped = self.objects.unmap(space.slot, address, pages as u64);
            debug_assert!(unmapped.is_ok(), "a range of user addresses");
        }
    }

    fn protect(&mut self, space: SpaceId, address: u64, pages: usize, protection: Protection) {
        if let Some(space) = self.spaces.get_mut(space.0)
            && !space.is_forgotten()
        {
            let (objects, blocks) = (&mut self.objects, &mut self.blocks);
            space.protect(objects, blocks, address, pages as u64, allowed(protection));
        }
    }

    fn share(&mut self, source: SpaceId, destination: SpaceId, address: u64, pages: usize) -> bool {
        let Some((source, target)) = self.spaces.get_two(source.0, destination.0) else {
            return false;
        };
        if source.is_forgotten() || target.is_forgotten() {
            return true;
        }
        let (objects, blocks) = (&mut self.objects, &mut self.blocks);
        source.share(objects, blocks, target, address, pages as u64);
        true
    }

    fn create_vcpu(&mut self) -> Result<Vcpu, NoRoom> {
        let (vcpu, registers) = self.with_room(None, |machine| {
            vcpu::Vcpu::new(&mut machine.objects, &mut machine.blocks)
        })?;
        let id = VcpuId(self.vcpus.insert(vcpu));
        Ok(Vcpu { id, registers })
    }

    fn destroy_vcpu(&mut self, vcpu: Vcpu) {
        if let Some(object) = self.vcpus.remove(vcpu.id.0) {
            object.end(vcpu.registers, &mut self.objects, &mut self.blocks);
        }
    }

    fn enter(&mut self, vcpu: &Vcpu, space: SpaceId, deadline: u64) -> Exit {
        let Some(object) = self.vcpus.get(vcpu.id.0) else {
            return Exit::BadState;
        };
        if object.space != Some(space) && self.configure(vcpu.id, space).is_err() {
            return Exit::BadState;
        }
        if self.deadline.0 != deadline {
            self.deadline = (deadline, self.clock.deadline(deadline));
        }
        let Some(object) = self.vcpus.get(vcpu.id.0) else {
            return Exit::BadState;
        };
        object
            .enter(&mut self.objects, &vcpu.registers, self.deadline.1)
            .unwrap_or(Exit::BadState)
    }

    fn kick(&mut self, vcpu: VcpuId) {
        if let Some(vcpu) = self.vcpus.get(vcpu.0) {
            let kicked = vcpu.kick(&mut self.objects);
            debug_assert!(kicked.is_ok(), "a virtual processor can be kicked");
        }
    }

    fn copy_fpu(&mut self, from: &Vcpu, to: &Vcpu) {
        let state = self.save_fpu(from);
        self.load_fpu(to, &state);
    }

    fn reset_fpu(&mut self, vcpu: &Vcpu) {
        if let Some(object) = self.vcpus.get(vcpu.id.0) {
            let reset = object.reset_fpu(&mut self.objects, &vcpu.registers);
            debug_assert!(reset.is_ok(), "the state can be written out");
        }
    }

    fn save_fpu(&mut self, vcpu: &Vcpu) -> Vec<u8> {
        self.vcpus
            .get(vcpu.id.0)
            .and_then(|object| object.fpu(&mut self.objects, &vcpu.registers).ok())
            .unwrap_or_default()
    }

    fn load_fpu(&mut self, vcpu: &Vcpu, state: &[u8]) -> bool {
        let objects = &mut self.objects;
        self.vcpus
            .get(vcpu.id.0)
            .is_some_and(|object| object.set_fpu(objects, &vcpu.registers, state).is_ok())
    }

    fn now(&mut self) -> u64 {
        self.clock.nanoseconds(self.objects.ticks())
    }

    fn calendar_at_start(&mut self) -> u64 {
        self.calendar
    }

    fn random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    fn has_room(&self) -> bool {
        crate::root::room_for_tables()
    }

    fn start_native(&mut self, pid: i32, program: NativeProgram) -> Result<(), Errno> {
        self.objects.start_native(pid, program)
    }

    fn suspend_native(&mut self, pid: i32) {
        self.objects.suspend_native(pid);
    }

    fn resume_native(&mut self, pid: i32) {
        self.objects.resume_native(pid);
    }

    fn end_native(&mut self, pid: i32) {
        self.objects.end_native(pid);
    }
}
