//! A world of two CPUs in which threads make real system calls: a call is made by the thread that runs on a CPU, as its registers say.

use sundog_abi::{Call, Error, Info, ObjectType};
use sundog_core::{CNode, Fast, Kernel, Retype, SchedContext, Slot, State, Thread};
use sundog_machine::{BY_IRET, BY_SYSRET, Backing, Event, Object, Ref, Registers, Token};

const SYSTEM: u32 = 1;
pub const CPUS: u32 = 2;
pub const SLOTS: u32 = 192;

/// Slots of the CNode that all threads share, unless a test makes others.
pub const CNODE: u64 = 1;
pub const MEMORY: u64 = 2;
pub const SCHED: u64 = 3;
pub const IRQS: u64 = 4;
pub const VSPACE: u64 = 5;
pub const FIRST_FREE: u32 = 10;

pub const PRIORITY: u64 = 10;
/// A budget as long as the period: such a thread may always run.
pub const PERIOD: u64 = 1 << 40;

/// A thread of a test, with the addresses of its capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    pub thread: Ref<Thread>,
    pub address: u64,
    /// 0 if it has no time of its own.
    pub context: u64,
}

#[derive(Clone)]
pub struct World {
    pub kernel: Kernel,
    pub cnode: Ref<CNode>,
    pub main: Program,
    next: u32,
    entries: u32,
}

/// Entries from one check of all rules to the next. Miri is for the memory under the operations, and slow.
const CHECK_EVERY: u32 = if cfg!(miri) { 64 } else { 1 };

/// Clears what a thread keeps of a message that it does not send any more.
fn forget_message(thread: &Thread) {
    let state = thread.state();
    if state != State::Sending {
        thread.info.set(0);
        thread.badge.set(0);
        thread.grants_reply.set(false);
    }
    if !matches!(state, State::Sending | State::Receiving) {
        thread.grants.set(false);
    }
    if !matches!(state, State::Sending | State::Calling) {
        thread.calls.set(false);
    }
}

impl World {
    pub fn new() -> World {
        World::with_memory(if cfg!(miri) { 2600 } else { 4200 })
    }

    /// A world with that many units of memory for objects.
    pub fn with_memory(memory: u32) -> World {
        let cnode_unit = SYSTEM + Kernel::system_units(CPUS);
        let start = (cnode_unit + 1 + SLOTS).next_multiple_of(64);
        let units = start + memory;
        let mut token = Token::host(Backing::new(units, CPUS as usize));
        token.zero(SYSTEM, start - SYSTEM);
        let mut kernel = Kernel::create(token, SYSTEM, CPUS);
        let cnode = kernel.boot_cnode(cnode_unit, SLOTS);
        let slot = |kernel: &Kernel, index: u64| kernel.cnode_slot(cnode, index as u32).unwrap();
        kernel.boot_untyped(slot(&kernel, MEMORY), start, memory, false);
        kernel.test_control(slot(&kernel, SCHED), ObjectType::SchedControl);
        kernel.test_control(slot(&kernel, IRQS), ObjectType::IrqControl);
        for (kind, first) in [
            (ObjectType::VSpace, VSPACE),
            (ObjectType::Thread, 6),
            (ObjectType::SchedContext, 7),
        ] {
            let what = Retype {
                kind,
                size: 0,
                target: cnode,
                first: first as u32,
                count: 1,
            };
            let memory = slot(&kernel, MEMORY);
            assert_eq!(kernel.untyped_retype(memory, what), Ok(1));
        }
        let thread = kernel.get(slot(&kernel, 6)).object.get().unwrap();
        let context = kernel.get(slot(&kernel, 7)).object.get().unwrap();
        let all = sundog_abi::Rights::ALL;
        for (source, target) in [
            (CNODE, kernel.thread_cspace(thread)),
            (VSPACE, kernel.thread_vspace(thread)),
        ] {
            kernel
                .cnode_copy(slot(&kernel, source), target, all, None)
                .unwrap();
        }
        kernel
            .context_configure(context, PRIORITY, 0, PERIOD, PERIOD)
            .unwrap();
        kernel.context_bind(context, thread).unwrap();
        kernel.thread_resume(thread).unwrap();
        let main = Program {
            thread,
            address: 6,
            context: 7,
        };
        let mut world = World {
            kernel,
            cnode,
            main,
            next: FIRST_FREE,
            entries: 0,
        };
        world.event(0, Event::Timer);
        world.event(1, Event::Timer);
        assert_eq!(world.current(0), Some(thread));
        world
    }

    pub fn slot(&self, address: u64) -> Ref<Slot> {
        self.kernel.cnode_slot(self.cnode, address as u32).unwrap()
    }

    pub fn object<T: Object>(&self, address: u64) -> Ref<T> {
        self.kernel.get(self.slot(address)).object.get().unwrap()
    }

    pub fn holds(&self, address: u64) -> bool {
        !self.kernel.get(self.slot(address)).is_empty()
    }

    pub fn registers(&self, program: Program) -> &Registers {
        &self.kernel.get(program.thread).registers
    }

    pub fn state(&self, program: Program) -> State {
        self.kernel.get(program.thread).state()
    }

    /// The context that a program runs on, or would.
    pub fn runs_on(&self, program: Program) -> Option<Ref<SchedContext>> {
        self.kernel.get(program.thread).context.get()
    }

    pub fn status(&self, program: Program) -> Result<(), Error> {
        sundog_abi::from_status(self.registers(program).rax.get())
    }

    pub fn current(&self, cpu: usize) -> Option<Ref<Thread>> {
        self.kernel.get(self.kernel.cpu_state(cpu)).current.get()
    }

    /// The CPU on which a program runs now.
    pub fn cpu_of(&self, program: Program) -> Option<usize> {
        (0..CPUS as usize).find(|cpu| self.current(*cpu) == Some(program.thread))
    }

    /// One entry into the kernel on a CPU, then those that it caused on others, then the check.
    pub fn event(&mut self, cpu: usize, event: Event) {
        self.enter(cpu, event);
        self.answer_calls();
        self.entries += 1;
        if self.entries.is_multiple_of(CHECK_EVERY) {
            self.kernel.check();
        }
    }

    /// One entry only: other CPUs that were called have not answered yet.
    pub fn enter(&mut self, cpu: usize, event: Event) {
        self.kernel.cpu = cpu;
        if event != Event::Syscall || !self.fast_as_plain(cpu) {
            self.kernel.handle(event);
        }
        self.in_user_mode(cpu);
    }

    /// Tries the fast paths. What they did, the plain way does too, down to the last word.
    fn fast_as_plain(&mut self, cpu: usize) -> bool {
        let state = self.kernel.get(self.kernel.cpu_state(cpu));
        // The plain way looks after timers that are due; here their interrupt comes later.
        let due = self.kernel.token().backing().hardware.now.get() >= state.armed.get();
        let compared = !due && !cfg!(miri) && self.may_be_fast(cpu);
        let plain = compared.then(|| self.kernel.clone());
        let before = self.current(cpu);
        if !self.fast(cpu) {
            return false;
        }
        if let Some(mut plain) = plain {
            plain.handle(Event::Syscall);
            let parties = [before, self.current(cpu)];
            let words = |kernel: &mut Kernel| -> Vec<u64> {
                for thread in parties.into_iter().flatten() {
                    forget_message(kernel.get(thread));
                    kernel.test_forget_deadline(thread);
                }
                kernel.token_mut().backing_mut().words().collect()
            };
            let mut fast = self.kernel.clone();
            let (fast, plain) = (words(&mut fast), words(&mut plain));
            let differs = (0..fast.len()).find(|index| fast[*index] != plain[*index]);
            if let Some(index) = differs {
                panic!(
                    "unit {}, word {}: {:x} on the fast path, {:x} on the plain one",
                    index / 8,
                    index % 8,
                    fast[index],
                    plain[index]
                );
            }
        }
        true
    }

    /// Whether what runs on a CPU makes a call that has a fast path.
    fn may_be_fast(&self, cpu: usize) -> bool {
        self.current(cpu).is_some_and(|thread| {
            let object = self.kernel.get(thread);
            let number = Call::from_number(object.registers.rax.get());
            let fast = [Call::call, Call::reply_receive, Call::vcpu_enter];
            !object.vcpu.is_none() || number.is_some_and(|number| fast.contains(&number))
        })
    }

    /// Tries the fast paths, as the entry code does.
    fn fast(&mut self, cpu: usize) -> bool {
        let Some(thread) = self.current(cpu) else {
            return false;
        };
        let fast = Fast::new(self.kernel.token(), self.kernel.cpu_state(cpu));
        let object = self.kernel.get(thread);
        if !object.vcpu.is_none() {
            return fast.exit().is_some();
        }
        let registers = &object.registers;
        let (rdi, rsi) = (registers.rdi.get(), registers.rsi.get());
        match Call::from_number(registers.rax.get()) {
            Some(Call::call) => fast.call(rdi, rsi).is_some(),
            Some(Call::reply_receive) => fast.reply_receive(rdi, rsi, registers.r8.get()).is_some(),
            Some(Call::vcpu_enter) => fast.enter(rdi, rsi).is_some(),
            _ => false,
        }
    }

    /// What runs in user mode is next interrupted, unless it makes a call.
    fn in_user_mode(&self, cpu: usize) {
        if let Some(thread) = self.current(cpu) {
            let object = self.kernel.get(thread);
            match object.vcpu.get() {
                Some(vcpu) => self.kernel.get(vcpu).registers.how.set(BY_IRET),
                None => object.registers.how.set(BY_IRET),
            }
        }
    }

    pub fn answer_calls(&mut self) {
        let hardware = |world: &World| -> u64 {
            let hardware = &world.kernel.token().backing().hardware;
            hardware.interrupted.take() | hardware.flushed.take() | hardware.left.take()
        };
        for _ in 0..8 {
            let called = hardware(self);
            if called == 0 {
                return;
            }
            for cpu in (0..CPUS as usize).filter(|cpu| called >> cpu & 1 != 0) {
                self.enter(cpu, Event::Call);
            }
        }
        panic!("CPUs call each other for ever");
    }

    /// Time passes; then both CPUs look, as their timers may make them.
    pub fn pass(&mut self, ticks: u64) {
        self.advance(ticks);
        for cpu in 0..CPUS as usize {
            self.event(cpu, Event::Timer);
        }
    }

    pub fn advance(&self, ticks: u64) {
        let now = &self.kernel.token().backing().hardware.now;
        now.set(now.get() + ticks);
    }

    /// Puts a system call into the registers of what runs on a CPU: rax, rdi, rsi, rdx, r10, r8, r9.
    pub fn load(&self, program: Program, number: u64, words: [u64; 6]) {
        let registers = self.registers(program);
        registers.rax.set(number);
        let places = [
            &registers.rdi,
            &registers.rsi,
            &registers.rdx,
            &registers.r10,
            &registers.r8,
            &registers.r9,
        ];
        for (place, word) in places.into_iter().zip(words) {
            place.set(word);
        }
        registers.rip.set(registers.rip.get() | 0x1000);
        registers.how.set(BY_SYSRET);
    }

    /// Makes a program run: those on its CPU before it make room.
    pub fn turn(&mut self, program: Program) -> usize {
        for _ in 0..64 {
            if let Some(cpu) = self.cpu_of(program) {
                return cpu;
            }
            let context = self.runs_on(program).expect("it has time");
            let cpu = self.kernel.get(context).cpu.get() as usize;
            self.kernel.get(self.kernel.cpu_state(cpu)).yields.set(true);
            self.event(cpu, Event::Timer);
        }
        panic!(
            "{program:?} does not get its turn: {:?}",
            self.state(program)
        );
    }

    /// A system call of a program, which is made to run first.
    pub fn call(&mut self, program: Program, what: Call, words: &[u64]) -> Result<u64, Error> {
        let cpu = self.turn(program);
        let mut all = [0; 6];
        all[..words.len()].copy_from_slice(words);
        self.load(program, what as u64, all);
        let rip = self.registers(program).rip.get();
        self.event(cpu, Event::Syscall);
        // A long call lets others in and is made again.
        while self.state(program) == State::Ready && self.registers(program).rip.get() + 2 == rip {
            let cpu = self.turn(program);
            self.registers(program).rip.set(rip);
            self.registers(program).how.set(BY_SYSRET);
            self.event(cpu, Event::Syscall);
        }
        self.status(program)
            .map(|()| self.registers(program).rdx.get())
    }

    /// The same by the first thread, which must succeed.
    pub fn does(&mut self, what: Call, words: &[u64]) -> u64 {
        let end = self.call(self.main, what, words);
        end.unwrap_or_else(|error| panic!("{what:?} {words:?}: {error:?}"))
    }

    /// Takes a free slot of the CNode.
    pub fn free_slot(&mut self) -> u64 {
        self.next += 1;
        u64::from(self.next - 1)
    }

    /// Makes an object.
    pub fn make(&mut self, kind: ObjectType, size: u64) -> u64 {
        let slot = self.free_slot();
        self.does(
            Call::untyped_retype,
            &[MEMORY, kind as u64, size, 0, slot, 1],
        );
        slot
    }

    /// A copy with other rights, or with a badge.
    pub fn mint(&mut self, source: u64, rights: sundog_abi::Rights, badge: u64) -> u64 {
        let slot = self.free_slot();
        let words = [CNODE, slot, source, rights.0.into(), badge];
        if badge == 0 {
            self.does(Call::cnode_copy, &words[..4]);
        } else {
            self.does(Call::cnode_mint, &words);
        }
        slot
    }

    /// A thread that is ready, without time of its own.
    pub fn passive(&mut self) -> Program {
        self.passive_in(CNODE, 0)
    }

    /// The same in a CNode and with a fault endpoint of its own.
    pub fn passive_in(&mut self, cnode: u64, fault: u64) -> Program {
        let address = self.make(ObjectType::Thread, 0);
        self.does(Call::thread_configure, &[address, cnode, VSPACE, fault]);
        self.does(Call::thread_start_at, &[address, 0x4000, 0x8000, 7]);
        self.does(Call::thread_resume, &[address]);
        Program {
            thread: self.object(address),
            address,
            context: 0,
        }
    }

    pub fn context(&mut self, place: u64, budget: u64, period: u64) -> u64 {
        let context = self.make(ObjectType::SchedContext, 0);
        self.does(
            Call::sched_configure,
            &[SCHED, context, place, budget, period],
        );
        context
    }

    /// A thread with time of its own on a CPU.
    pub fn thread(&mut self, cpu: u64) -> Program {
        self.thread_at(PRIORITY | cpu << 8, PERIOD, PERIOD)
    }

    pub fn thread_at(&mut self, place: u64, budget: u64, period: u64) -> Program {
        let program = self.passive();
        let context = self.context(place, budget, period);
        self.does(Call::sched_bind, &[context, program.address]);
        Program { context, ..program }
    }

    /// A server that waits at an endpoint with a Reply; it has time only to get there unless `keeps`.
    pub fn server(&mut self, endpoint: u64, reply: u64, cpu: u64, keeps: bool) -> Program {
        let server = self.thread(cpu);
        assert!(self.receive(server, endpoint, reply).is_ok());
        assert_eq!(self.state(server), State::Receiving);
        if keeps {
            return server;
        }
        self.does(Call::sched_unbind, &[server.context]);
        Program {
            context: 0,
            ..server
        }
    }

    pub fn receive(&mut self, program: Program, endpoint: u64, reply: u64) -> Result<u64, Error> {
        self.call(program, Call::receive, &[endpoint, 0, 0, 0, reply])
    }

    /// Sends or calls with a message of one word.
    pub fn sends(
        &mut self,
        program: Program,
        what: Call,
        to: u64,
        word: u64,
    ) -> Result<u64, Error> {
        self.turn(program);
        self.registers(program).r12.set(word);
        self.call(program, what, &[to, Info::new(3, 1).0])
    }

    pub fn replies(&mut self, program: Program, reply: u64, word: u64) -> Result<u64, Error> {
        self.sends(program, Call::reply, reply, word)
    }

    /// What a program received: badge, info, first word.
    pub fn received(&self, program: Program) -> (u64, Info, u64) {
        let registers = self.registers(program);
        (
            registers.rdi.get(),
            Info(registers.rsi.get()),
            registers.r12.get(),
        )
    }
}
