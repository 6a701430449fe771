//! A tiny machine: its guests' instructions are [`Op`]s, numbered by `rip`, over real page mappings of the pool.
//!
//! Registers are copied by fork and saved by signal frames like real ones, so all of that is tested without a processor.
use super::image::{elf, native_elf};
use crate::Errno;
use crate::frames::{Memory, PoolPages};
use crate::kernel::{Kernel, Settings};
use crate::machine::{
    Exit, GuestRegisters, Machine, NoRoom, Protection, SpaceId, StatePage, Vcpu, VcpuId,
};
use crate::native::NativeProgram;
use crate::process::End;
use crate::schedule::Step;
use crate::texts::{List, Texts};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::cell::RefCell;
use std::rc::Rc;
use sundog_linux_memory::Pool;
use sundog_linux_vfs::{Closed, MountFlags, Setup, Vfs};
use sundog_protocols::file::{FileServer, OpenFlags, Owner, Time};
use sundog_tmpfs_core::{Limits, StoppedClock, Tmpfs};

/// Where the first instruction is; each takes two bytes, as long as `syscall`.
pub const BASE: u64 = 0x40_0000;
/// A page of zeros that programs may use as they like.
pub const DATA: u64 = 0x41_0000;

/// The address of an instruction.
pub const fn at(index: usize) -> u64 {
    BASE + 2 * index as u64
}

/// Where an argument comes from.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// A number.
    N(u64),
    /// The register `rbx`.
    Rbx,
    /// The register `r12`.
    R12,
    /// The stack pointer plus this.
    Rsp(i64),
}

/// An instruction.
#[derive(Clone, Debug)]
pub enum Op {
    /// A system call; the rest of the arguments is zero.
    Call(u64, Vec<Arg>),
    /// Stores a word.
    Store(u64, u64),
    /// Loads a word into `rbx`.
    Load(u64),
    /// Keeps `rax` in `rbx`.
    Keep,
    /// Keeps `rax` in `r12`.
    Keep12,
    /// Jumps if `rax` is zero.
    JumpIfZero(usize),
    /// Jumps.
    Jump(usize),
    /// Returns: pops the address.
    Return,
    /// Fails the test if `rax` is not this.
    Expect(i64),
    /// Fails the test if `rbx` is not this.
    ExpectRbx(u64),
    /// Takes this many nanoseconds.
    Spin(u64),
    /// A signal of the personality's notification comes.
    Notification,
    /// Sets the arguments and number of a call to what the function makes, and makes it.
    Random,
}

#[derive(Default)]
struct State {
    spaces: BTreeMap<u32, BTreeMap<u64, (usize, Protection)>>,
    vcpus: BTreeMap<u32, u64>,
    next: u32,
    now: u64,
    entry_cost: u64,
    random: u64,
    failures: Vec<alloc::string::String>,
    programs: BTreeMap<u64, Vec<Op>>,
    natives: Vec<(i32, &'static str)>,
}

/// The machine.
pub struct Tiny {
    memory: Arc<Memory>,
    state: Rc<RefCell<State>>,
}

fn random(state: &mut State) -> u64 {
    state.random ^= state.random << 13;
    state.random ^= state.random >> 7;
    state.random ^= state.random << 17;
    state.random
}

/// A number that a hostile or broken program might pass.
fn hostile(state: &mut State) -> u64 {
    let number = random(state);
    match number % 16 {
        0 | 1 => 0,
        2 => u64::MAX,
        3 => 0xffff_8000_0000_0000 | number >> 20,
        4 => 0x10,
        5 => DATA + (number >> 8) % 4096,
        6 => DATA,
        7 => i64::MAX as u64,
        8 => 1 << (number >> 8 & 63),
        9 => 0x7fff_ffff_f000,
        10 => DATA + 4090,
        11 => (number >> 8) % 70,
        12 => 4096 * ((number >> 8) % 64),
        _ => (number >> 8) % 8,
    }
}

impl Tiny {
    fn access(&self, space: SpaceId, address: u64, write: bool) -> Result<usize, Exit> {
        let state = self.state.borrow();
        let mapping = state
            .spaces
            .get(&space.0)
            .and_then(|pages| pages.get(&(address / 4096)));
        match mapping {
            Some((offset, protection)) if !write || protection.write => {
                Ok(offset + address as usize % 4096)
            }
            found => Err(Exit::Fault {
                address,
                write,
                execute: false,
                present: found.is_some(),
            }),
        }
    }

    fn load(&self, space: SpaceId, address: u64) -> Result<u64, Exit> {
        let offset = self.access(space, address, false)?;
        let mut bytes = [0; 8];
        self.memory.pool().read(offset, &mut bytes).unwrap();
        Ok(u64::from_le_bytes(bytes))
    }

    fn store(&self, space: SpaceId, address: u64, value: u64) -> Result<(), Exit> {
        let offset = self.access(space, address, true)?;
        self.memory
            .pool()
            .write(offset, &value.to_le_bytes())
            .unwrap();
        Ok(())
    }

    /// Carries out one instruction; an exit other than of a system call leaves `rip` on it.
    fn step(&self, op: &Op, space: SpaceId, r: &mut GuestRegisters) -> Result<(), Exit> {
        let mut next = r.rip + 2;
        match op {
            Op::Call(number, arguments) => {
                let value = |index: usize| match arguments.get(index) {
                    Some(Arg::N(number)) => *number,
                    Some(Arg::Rbx) => r.rbx,
                    Some(Arg::R12) => r.r12,
                    Some(Arg::Rsp(offset)) => r.rsp.wrapping_add_signed(*offset),
                    None => 0,
                };
                let values = [0, 1, 2, 3, 4, 5].map(value);
                [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9] = values;
                r.rax = *number;
                r.rip = next;
                return Err(Exit::Syscall);
            }
            Op::Random => {
                let mut state = self.state.borrow_mut();
                let number = random(&mut state) % 460;
                // Ends and waits without end would end the test too early.
                r.rax = if matches!(number, 60 | 231 | 34 | 130 | 59 | 322) {
                    39
                } else {
                    number
                };
                [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9] = [0; 6].map(|_: u64| hostile(&mut state));
                r.rip = next;
                return Err(Exit::Syscall);
            }
            Op::Store(address, value) => self.store(space, *address, *value)?,
            Op::Load(address) => r.rbx = self.load(space, *address)?,
            Op::Keep => r.rbx = r.rax,
            Op::Keep12 => r.r12 = r.rax,
            Op::JumpIfZero(target) if r.rax == 0 => next = at(*target),
            Op::JumpIfZero(_) => {}
            Op::Jump(target) => next = at(*target),
            Op::Return => {
                next = self.load(space, r.rsp)?;
                r.rsp += 8;
            }
            Op::Expect(value) if r.rax as i64 != *value => {
                let message = std::format!("at {:#x}: rax is {}, not {value}", r.rip, r.rax as i64);
                self.state.borrow_mut().failures.push(message);
            }
            Op::ExpectRbx(value) if r.rbx != *value => {
                let message = std::format!("at {:#x}: rbx is {:#x}, not {value:#x}", r.rip, r.rbx);
                self.state.borrow_mut().failures.push(message);
            }
            Op::Expect(_) | Op::ExpectRbx(_) => {}
            Op::Notification => {
                r.rip = next;
                return Err(Exit::Notification);
            }
            Op::Spin(time) => self.state.borrow_mut().now += time,
        }
        r.rip = next;
        Ok(())
    }
}

impl Machine for Tiny {
    fn create_space(&mut self) -> Result<SpaceId, NoRoom> {
        let mut state = self.state.borrow_mut();
        state.next += 1;
        let id = state.next;
        state.spaces.insert(id, BTreeMap::new());
        Ok(SpaceId(id))
    }
    fn destroy_space(&mut self, space: SpaceId) {
        assert!(self.state.borrow_mut().spaces.remove(&space.0).is_some());
    }
    fn map(
        &mut self,
        space: SpaceId,
        address: u64,
        offset: usize,
        pages: usize,
        protection: Protection,
    ) -> Result<(), NoRoom> {
        let mut state = self.state.borrow_mut();
        let table = state.spaces.get_mut(&space.0).unwrap();
        // A machine has room for so many mappings only, so that forgetting them is tested too.
        if table.len() + pages > 64 {
            return Err(NoRoom);
        }
        for page in 0..pages {
            table.insert(
                address / 4096 + page as u64,
                (offset + page * 4096, protection),
            );
        }
        Ok(())
    }
    fn unmap(&mut self, space: SpaceId, address: u64, pages: usize) {
        let mut state = self.state.borrow_mut();
        let table = state.spaces.get_mut(&space.0).unwrap();
        table.retain(|page, _| *page < address / 4096 || *page - address / 4096 >= pages as u64);
    }
    fn protect(&mut self, space: SpaceId, address: u64, pages: usize, protection: Protection) {
        let mut state = self.state.borrow_mut();
        let table = state.spaces.get_mut(&space.0).unwrap();
        for (_, mapping) in table.range_mut(address / 4096..address / 4096 + pages as u64) {
            mapping.1 = protection;
        }
    }
    fn share(&mut self, source: SpaceId, destination: SpaceId, address: u64, pages: usize) -> bool {
        let mut state = self.state.borrow_mut();
        let table = &state.spaces[&source.0];
        let shared = table.range(address / 4096..address / 4096 + pages as u64);
        let copies: Vec<_> = shared.map(|(page, mapping)| (*page, *mapping)).collect();
        state.spaces.get_mut(&destination.0).unwrap().extend(copies);
        true
    }
    fn create_vcpu(&mut self) -> Result<Vcpu, NoRoom> {
        let mut state = self.state.borrow_mut();
        state.next += 1;
        let id = VcpuId(state.next);
        state.vcpus.insert(id.0, 0);
        let registers = StatePage::on_heap();
        Ok(Vcpu { id, registers })
    }
    fn destroy_vcpu(&mut self, vcpu: Vcpu) {
        let removed = self.state.borrow_mut().vcpus.remove(&vcpu.id.0);
        assert!(removed.is_some());
    }
    fn enter(&mut self, vcpu: &Vcpu, space: SpaceId, deadline: u64) -> Exit {
        let mut state = self.state.borrow_mut();
        state.now += state.entry_cost;
        drop(state);
        loop {
            let mut registers = vcpu.registers.load();
            if self.state.borrow().now >= deadline {
                return Exit::Deadline;
            }
            self.state.borrow_mut().now += 10;
            let op = {
                let state = self.state.borrow();
                let program = state.programs.range(..=registers.rip).next_back();
                program
                    .and_then(|(base, ops)| ops.get(((registers.rip - base) / 2) as usize))
                    .cloned()
            };
            let Some(op) = op else {
                let address = registers.rip;
                return Exit::Fault {
                    address,
                    write: false,
                    execute: true,
                    present: false,
                };
            };
            let done = self.step(&op, space, &mut registers);
            vcpu.registers.store(&registers);
            if let Err(exit) = done {
                return exit;
            }
        }
    }
    fn kick(&mut self, _: VcpuId) {}
    fn copy_fpu(&mut self, from: &Vcpu, to: &Vcpu) {
        let mut state = self.state.borrow_mut();
        let fpu = state.vcpus[&from.id.0];
        state.vcpus.insert(to.id.0, fpu);
    }
    fn reset_fpu(&mut self, vcpu: &Vcpu) {
        self.state.borrow_mut().vcpus.insert(vcpu.id.0, 0);
    }
    fn save_fpu(&mut self, vcpu: &Vcpu) -> Vec<u8> {
        let mut bytes = alloc::vec![0; 512];
        bytes[..8].copy_from_slice(&self.state.borrow().vcpus[&vcpu.id.0].to_le_bytes());
        bytes
    }
    fn load_fpu(&mut self, vcpu: &Vcpu, state: &[u8]) -> bool {
        let mut word = [0; 8];
        word.copy_from_slice(&state[..8]);
        self.state
            .borrow_mut()
            .vcpus
            .insert(vcpu.id.0, u64::from_le_bytes(word));
        true
    }
    fn now(&mut self) -> u64 {
        self.state.borrow().now
    }
    fn calendar_at_start(&mut self) -> u64 {
        1_000_000_000_000_000_000
    }
    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
    fn start_native(&mut self, pid: i32, program: NativeProgram) -> Result<(), Errno> {
        let start = program.texts.arguments.len() == 1 && program.image == native_elf();
        let natives = &mut self.state.borrow_mut().natives;
        natives.push((pid, if start { "start" } else { "refuse" }));
        start.then_some(()).ok_or(Errno::EAGAIN)
    }
    fn suspend_native(&mut self, pid: i32) {
        self.state.borrow_mut().natives.push((pid, "suspend"));
    }
    fn resume_native(&mut self, pid: i32) {
        self.state.borrow_mut().natives.push((pid, "resume"));
    }
    fn end_native(&mut self, pid: i32) {
        self.state.borrow_mut().natives.push((pid, "end"));
    }
}

/// A sandbox with a tiny machine.
pub struct Sandbox {
    /// The personality.
    pub kernel: Kernel,
    state: Rc<RefCell<State>>,
}

impl Sandbox {
    /// A sandbox with so many pages of memory, that runs a program whose file `/program` can be run again by execve;
    /// `/other` starts at instruction `other`.
    pub fn new(pages: usize, other: usize, ops: Vec<Op>) -> Self {
        let memory = Memory::new(Pool::on_heap(pages * 4096).unwrap());
        let state = Rc::new(RefCell::new(State {
            random: 0x9e37_79b9_7f4a_7c15,
            ..State::default()
        }));
        state.borrow_mut().programs.insert(BASE, ops);
        let clock = Time {
            seconds: 1_000_000_000,
            nanos: 0,
        };
        let tree = |memory: &Arc<Memory>| {
            let clock = Box::new(StoppedClock(clock));
            Tmpfs::new(
                PoolPages(memory.clone()),
                clock,
                Limits::default(),
                0o755,
                Owner::default(),
            )
        };
        let mut root = tree(&memory);
        let folder = root.attach(b"").unwrap().handle;
        for (name, entry) in [("program", BASE), ("other", at(other))] {
            let file = root
                .create(
                    folder,
                    name.as_bytes(),
                    OpenFlags::WRITE,
                    0o755,
                    Owner::default(),
                )
                .unwrap();
            root.write(file.open, 0, &elf(entry)).unwrap();
        }
        let setup = Setup {
            root: Box::new(root),
            flags: MountFlags::default(),
            anonymous: Box::new(tree(&memory)),
            random: Box::new(|bytes: &mut [u8]| bytes.fill(7)),
            gates: Box::new(Closed),
            names: 64,
        };
        let vfs = Vfs::new(setup).unwrap();
        let machine = Box::new(Tiny {
            memory: memory.clone(),
            state: state.clone(),
        });
        let settings = Settings {
            max_tasks: 64,
            ..Settings::default()
        };
        let mut kernel = Kernel::new(machine, memory, vfs, settings);
        let texts = Texts {
            arguments: List::of(["program"]).unwrap(),
            environment: List::default(),
        };
        kernel
            .start(b"/program", texts, b"/", |_, _| Ok(()))
            .unwrap();
        Self { kernel, state }
    }

    /// Entering a guest takes this many nanoseconds from now on.
    pub fn set_entry_cost(&mut self, nanoseconds: u64) {
        self.state.borrow_mut().entry_cost = nanoseconds;
    }

    /// Runs to the end of the first process, at most so many steps; time passes when nothing can run.
    pub fn run(&mut self, steps: usize) -> Option<End> {
        for _ in 0..steps {
            match self.kernel.step() {
                Step::Ran => {}
                Step::Idle { until: Some(until) } => self.state.borrow_mut().now = until,
                Step::Idle { until: None } => panic!("everybody waits for ever"),
                Step::Finished(end) => {
                    let failures = core::mem::take(&mut self.state.borrow_mut().failures);
                    assert!(failures.is_empty(), "{failures:?}");
                    return Some(end);
                }
            }
        }
        None
    }

    /// What was done with native processes since the last look.
    pub fn natives(&self) -> Vec<(i32, &'static str)> {
        core::mem::take(&mut self.state.borrow_mut().natives)
    }

    /// How many spaces and virtual processors the machine has.
    pub fn machine_objects(&self) -> (usize, usize) {
        let state = self.state.borrow();
        (state.spaces.len(), state.vcpus.len())
    }
}

/// Runs a program and expects it to exit with status 0.
pub fn passes(ops: Vec<Op>) -> Sandbox {
    let mut sandbox = Sandbox::new(512, 0, ops);
    assert_eq!(sandbox.run(10_000), Some(End::Exited(0)));
    sandbox
}

/// A system call with numbers as arguments.
pub fn call(number: u64, arguments: &[u64]) -> Op {
    Op::Call(
        number,
        arguments.iter().map(|number| Arg::N(*number)).collect(),
    )
}

/// exit_group.
pub fn exit(status: u64) -> Op {
    call(231, &[status])
}
