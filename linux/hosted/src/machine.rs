//! The machine made of traced child processes: one stub for each address space, entered by one guest at a time.
use crate::mapped::{Mapped, Page};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use sundog_host_sys::ptrace::{Event, Registers, SharedMemory, Stub};
use sundog_linux_core::machine::{
    Exit, GuestRegisters, Machine, NoRoom, Protection, SpaceId, StatePage, Vcpu, VcpuId,
};

const PAGE: u64 = 4096;
const SIGTRAP: i32 = 5;
const SIGSTOP: i32 = 19;

/// An address space: its stub, what it has mapped, and whose floating-point state it holds.
struct Space {
    stub: Stub,
    mapped: Mapped,
    owner: Option<VcpuId>,
}

/// A virtual processor: the floating-point state, while no stub holds it.
#[derive(Default)]
struct Processor {
    fpu: Vec<u8>,
    /// The space whose stub holds the state.
    holder: Option<SpaceId>,
    kicked: bool,
}

/// The machine.
pub struct TracedMachine {
    memory: SharedMemory,
    spaces: BTreeMap<u32, Space>,
    vcpus: BTreeMap<u32, Processor>,
    next: u32,
    fresh: Vec<u8>,
    start: Instant,
    started: SystemTime,
    /// How many stubs there may be at a time.
    limit: usize,
}

impl TracedMachine {
    /// A machine whose guests' memory is `memory`.
    ///
    /// # Errors
    /// When processes cannot be traced here.
    pub fn new(memory: SharedMemory) -> std::io::Result<Self> {
        sundog_host_sys::ptrace::block_child_signal();
        let fresh = Stub::start(&memory)?.extended_state()?;
        Ok(Self {
            memory,
            spaces: BTreeMap::new(),
            vcpus: BTreeMap::new(),
            next: 1,
            fresh,
            start: Instant::now(),
            started: SystemTime::now(),
            limit: 4096,
        })
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Takes the floating-point state of a virtual processor out of the stub that holds it.
    fn take_fpu(&mut self, vcpu: VcpuId) {
        let Some(state) = self.vcpus.get_mut(&vcpu.0) else {
            return;
        };
        let Some(space) = state
            .holder
            .take()
            .and_then(|holder| self.spaces.get_mut(&holder.0))
        else {
            return;
        };
        space.owner = None;
        if let Ok(fpu) = space.stub.extended_state() {
            state.fpu = fpu;
        }
    }

    /// Lets the stub of `space` hold the floating-point state of `vcpu`.
    fn give_fpu(&mut self, vcpu: VcpuId, space: SpaceId) -> Option<()> {
        if self.spaces.get(&space.0)?.owner == Some(vcpu) {
            return Some(());
        }
        if let Some(other) = self.spaces.get(&space.0)?.owner {
            self.take_fpu(other);
        }
        self.take_fpu(vcpu);
        let state = self.vcpus.get_mut(&vcpu.0)?;
        let target = self.spaces.get_mut(&space.0)?;
        target.stub.set_extended_state(&state.fpu).ok()?;
        target.owner = Some(vcpu);
        state.holder = Some(space);
        Some(())
    }

    fn run(&mut self, vcpu: &Vcpu, space: SpaceId, deadline: u64) -> Option<Exit> {
        self.give_fpu(vcpu.id, space)?;
        let until = self.start + Duration::from_nanos(deadline.min(u64::MAX / 4));
        let target = self.spaces.get_mut(&space.0)?;
        let mut state = to_host(&vcpu.registers.load(), &target.stub.template());
        if target.stub.set_registers(&state).is_err() {
            return Some(Exit::BadState);
        }
        let mut late = false;
        loop {
            target.stub.run().ok()?;
            let event = match target.stub.wait(until).ok()? {
                Some(event) => event,
                None => {
                    late = true;
                    target.stub.stop();
                    target.stub.wait_for_ever().ok()?
                }
            };
            state = target.stub.registers().ok()?;
            let registers = &vcpu.registers;
            registers.store(&from_host(&state));
            match event {
                Event::Gone => return None,
                // The stop that was asked for may still be on its way; it is passed over when it comes.
                Event::SystemCall => {
                    registers.rax.set(state.orig_rax);
                    return Some(Exit::Syscall);
                }
                Event::Signal(SIGSTOP) if late => return Some(Exit::Deadline),
                Event::Signal(signal @ (4 | SIGTRAP | 7 | 8 | 11)) => {
                    return Some(exception(target, signal, registers.rip.get()));
                }
                Event::Signal(_) => {}
            }
        }
    }
}

fn exception(space: &Space, signal: i32, rip: u64) -> Exit {
    let Ok(information) = space.stub.signal_information() else {
        return Exit::BadState;
    };
    let plain = |vector| Exit::Exception { vector, code: 0 };
    match (signal, information.code) {
        (4, _) => plain(6),
        (SIGTRAP, 0x80) => plain(3),
        (SIGTRAP, _) => plain(1),
        (8, 1) => plain(0),
        (8, _) => plain(16),
        (11, 1 | 2) => {
            let address = information.address;
            let present = space.mapped.get(address / PAGE);
            let near = address.wrapping_sub(rip) < 16;
            // The system does not tell the kind of access: a fetch is told by the place, a write by what was allowed.
            let execute = near && present.is_none_or(|page| !page.protection.execute);
            let write = present.is_some() && !execute;
            Exit::Fault {
                address,
                write,
                execute,
                present: present.is_some(),
            }
        }
        (7, _) => plain(17),
        _ => plain(13),
    }
}

fn to_host(guest: &GuestRegisters, template: &Registers) -> Registers {
    Registers {
        r15: guest.r15,
        r14: guest.r14,
        r13: guest.r13,
        r12: guest.r12,
        rbp: guest.rbp,
        rbx: guest.rbx,
        r11: guest.r11,
        r10: guest.r10,
        r9: guest.r9,
        r8: guest.r8,
        rax: guest.rax,
        rcx: guest.rcx,
        rdx: guest.rdx,
        rsi: guest.rsi,
        rdi: guest.rdi,
        orig_rax: u64::MAX,
        rip: guest.rip,
        eflags: guest.rflags,
        rsp: guest.rsp,
        fs_base: guest.fs_base,
        gs_base: guest.gs_base,
        ..*template
    }
}

fn from_host(host: &Registers) -> GuestRegisters {
    GuestRegisters {
        rax: host.rax,
        rbx: host.rbx,
        rcx: host.rcx,
        rdx: host.rdx,
        rsi: host.rsi,
        rdi: host.rdi,
        rbp: host.rbp,
        rsp: host.rsp,
        r8: host.r8,
        r9: host.r9,
        r10: host.r10,
        r11: host.r11,
        r12: host.r12,
        r13: host.r13,
        r14: host.r14,
        r15: host.r15,
        rip: host.rip,
        rflags: host.eflags,
        fs_base: host.fs_base,
        gs_base: host.gs_base,
    }
}

impl Machine for TracedMachine {
    fn create_space(&mut self) -> Result<SpaceId, NoRoom> {
        if self.spaces.len() >= self.limit {
            return Err(NoRoom);
        }
        let stub = Stub::start(&self.memory).map_err(|_| NoRoom)?;
        let id = self.number();
        self.spaces.insert(
            id,
            Space {
                stub,
                mapped: Mapped::default(),
                owner: None,
            },
        );
        Ok(SpaceId(id))
    }

    fn destroy_space(&mut self, space: SpaceId) {
        if let Some(owner) = self.spaces.get(&space.0).and_then(|space| space.owner) {
            self.take_fpu(owner);
        }
        self.spaces.remove(&space.0);
    }

    fn map(
        &mut self,
        space: SpaceId,
        address: u64,
        offset: usize,
        pages: usize,
        protection: Protection,
    ) -> Result<(), NoRoom> {
        let space = self.spaces.get_mut(&space.0).ok_or(NoRoom)?;
        let length = pages * PAGE as usize;
        space
            .stub
            .map(
                address,
                offset,
                length,
                protection.write,
                protection.execute,
            )
            .map_err(|_| NoRoom)?;
        for page in 0..pages as u64 {
            space
                .mapped
                .insert(address / PAGE + page, Page { protection });
        }
        Ok(())
    }

    fn unmap(&mut self, space: SpaceId, address: u64, pages: usize) {
        let Some(space) = self.spaces.get_mut(&space.0) else {
            return;
        };
        for (start, count, _) in space.mapped.take(address / PAGE, pages as u64) {
            // An error means that the stub is gone, which the next entry tells.
            let _ = space.stub.unmap(start * PAGE, (count * PAGE) as usize);
        }
    }

    fn protect(&mut self, space: SpaceId, address: u64, pages: usize, protection: Protection) {
        let Some(space) = self.spaces.get_mut(&space.0) else {
            return;
        };
        for (start, count, _) in space.mapped.set(address / PAGE, pages as u64, protection) {
            // As in unmap.
            let _ = space.stub.protect(
                start * PAGE,
                (count * PAGE) as usize,
                protection.write,
                protection.execute,
            );
        }
    }

    fn share(&mut self, _: SpaceId, _: SpaceId, _: u64, _: usize) -> bool {
        false
    }

    fn create_vcpu(&mut self) -> Result<Vcpu, NoRoom> {
        let id = VcpuId(self.number());
        self.vcpus.insert(
            id.0,
            Processor {
                fpu: self.fresh.clone(),
                ..Processor::default()
            },
        );
        let registers = StatePage::on_heap();
        Ok(Vcpu { id, registers })
    }

    fn destroy_vcpu(&mut self, vcpu: Vcpu) {
        if let Some(holder) = self.vcpus.remove(&vcpu.id.0).and_then(|vcpu| vcpu.holder)
            && let Some(space) = self.spaces.get_mut(&holder.0)
        {
            space.owner = None;
        }
    }

    fn enter(&mut self, vcpu: &Vcpu, space: SpaceId, deadline: u64) -> Exit {
        match self.vcpus.get_mut(&vcpu.id.0) {
            Some(state) => {
                if std::mem::take(&mut state.kicked) {
                    return Exit::Kick;
                }
            }
            None => return Exit::BadState,
        }
        if self.now() >= deadline {
            return Exit::Deadline;
        }
        self.run(vcpu, space, deadline).unwrap_or(Exit::BadState)
    }

    fn kick(&mut self, vcpu: VcpuId) {
        if let Some(state) = self.vcpus.get_mut(&vcpu.0) {
            state.kicked = true;
        }
    }

    fn copy_fpu(&mut self, from: &Vcpu, to: &Vcpu) {
        let fpu = self.save_fpu(from);
        self.load_fpu(to, &fpu);
    }

    fn reset_fpu(&mut self, vcpu: &Vcpu) {
        self.take_fpu(vcpu.id);
        let fresh = self.fresh.clone();
        if let Some(state) = self.vcpus.get_mut(&vcpu.id.0) {
            state.fpu = fresh;
        }
    }

    fn save_fpu(&mut self, vcpu: &Vcpu) -> Vec<u8> {
        self.take_fpu(vcpu.id);
        self.vcpus
            .get(&vcpu.id.0)
            .map(|state| state.fpu.clone())
            .unwrap_or_default()
    }

    fn load_fpu(&mut self, vcpu: &Vcpu, state: &[u8]) -> bool {
        if state.len() != self.fresh.len() {
            return false;
        }
        self.take_fpu(vcpu.id);
        // Whether the system takes it shows when the guest is entered; it is tried out on the stub that will run it.
        match self.vcpus.get_mut(&vcpu.id.0) {
            Some(vcpu) => vcpu.fpu = state.to_vec(),
            None => return false,
        }
        true
    }

    fn now(&mut self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn calendar_at_start(&mut self) -> u64 {
        self.started
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as u64)
    }

    fn random(&mut self, bytes: &mut [u8]) {
        crate::random(bytes);
    }
}
