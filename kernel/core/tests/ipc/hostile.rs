//! Hostile programs: random system calls with random arguments on two CPUs, while time passes, interrupts come and objects die.
//!
//! Nothing is expected of the calls but that no rule breaks.

use sundog_abi::message::page;
use sundog_abi::{CALLS, Call, Info, ObjectType};
use sundog_machine::{Access, Event};

use crate::world::{CNODE, CPUS, MEMORY, PERIOD, Program, SLOTS, World};

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % limit
    }

    pub fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len() as u64) as usize]
    }
}

/// Slots that hold something at first: one past the last.
struct Arena {
    world: World,
    random: Random,
    last: u64,
}

fn arena(seed: u64) -> Arena {
    let mut world = World::with_memory(26 * 128);
    for cpu in [0, 1, 1] {
        world.thread(cpu);
    }
    let kinds = [
        ObjectType::Endpoint,
        ObjectType::Endpoint,
        ObjectType::Notification,
        ObjectType::Notification,
        ObjectType::Reply,
        ObjectType::Reply,
        ObjectType::Reply,
        ObjectType::VCpu,
        ObjectType::SchedContext,
    ];
    for kind in kinds {
        world.make(kind, 0);
    }
    world.make(ObjectType::CNode, 6);
    world.make(ObjectType::Untyped, 1024 * 64);
    world.make(ObjectType::VSpace, 1);
    let last = world.free_slot();
    Arena {
        world,
        random: Random(seed),
        last,
    }
}

impl Arena {
    fn slot(&mut self) -> u64 {
        match self.random.below(20) {
            0 => self.random.below(u64::from(SLOTS) + 3),
            1 => u64::MAX,
            2 => 0,
            3 => CNODE << 32 | self.random.below(self.last + 6),
            _ => 1 + self.random.below(self.last + 6),
        }
    }

    /// A slot with something of the type that a call is about, if there is one.
    fn fitting(&mut self, kind: &str) -> u64 {
        let fits: Vec<u64> = (1..u64::from(SLOTS))
            .filter(|slot| {
                let slot = self.world.kernel.get(self.world.slot(*slot));
                slot.kind().is_some_and(|it| format!("{it:?}") == kind)
            })
            .collect();
        if fits.is_empty() || self.random.below(8) == 0 {
            self.slot()
        } else {
            self.random.of(&fits)
        }
    }

    fn word(&mut self) -> u64 {
        let now = self.world.kernel.token().backing().hardware.now.get();
        match self.random.below(8) {
            0 => 0,
            1 => self.random.below(4),
            2 => now + self.random.below(200_000),
            3 => u64::MAX - self.random.below(2),
            4 => PERIOD,
            5 => self.random.below(64) | self.random.below(3) << 8,
            6 => 1000 + self.random.below(100_000),
            _ => self.slot(),
        }
    }

    fn info(&mut self) -> u64 {
        let flags = match self.random.below(4) {
            0 => Info::DEADLINE,
            1 => Info::NON_BLOCKING,
            2 => 1 << 8,
            _ => 0,
        };
        self.random.below(12) | flags
    }

    /// A random system call of what runs on a CPU; if nothing does, an interrupt.
    fn step(&mut self, cpu: usize) {
        let Some(thread) = self.world.current(cpu) else {
            return self.world.event(cpu, Event::Timer);
        };
        let program = Program {
            thread,
            address: 0,
            context: 0,
        };
        let inside = !self.world.kernel.get(thread).vcpu.is_none();
        if inside {
            let event = self
                .random
                .of(&[Event::Syscall, Event::Timer, Event::BadState]);
            return self.world.event(cpu, event);
        }
        // What ends much is rare, so that something lives long enough to be ended.
        let description = loop {
            let description = self.random.of(CALLS);
            let deadly = matches!(
                description.call,
                Call::cnode_delete | Call::cnode_revoke | Call::thread_suspend | Call::sched_unbind
            );
            if !deadly || self.random.below(12) == 0 {
                break description;
            }
        };
        let mut words = [0; 6];
        words[0] = self.fitting(description.object);
        for (index, argument) in description.arguments.iter().enumerate() {
            words[index + 1] = match argument.kind {
                "Info" => self.info(),
                "Address" => {
                    let kind = match argument.name {
                        "thread" => "Thread",
                        "context" => "SchedContext",
                        "notification" => "Notification",
                        "cspace" | "cnode" => "CNode",
                        "vspace" => "VSpace",
                        "fault" => "Endpoint",
                        _ => "",
                    };
                    self.fitting(kind)
                }
                "Slot" => self.slot(),
                "Rights" => self.word() | 0xff,
                "ObjectType" => 32 + self.random.below(9),
                _ => self.word(),
            };
        }
        if description.call == Call::untyped_retype {
            words[2] = if words[1] == ObjectType::CNode as u64 {
                5
            } else {
                0
            };
            words[5] = 1 + self.random.below(2);
        }
        if description.kind == "message" {
            // r8 is the Reply.
            words[4] = if self.random.below(6) == 0 {
                0
            } else {
                self.fitting("Reply")
            };
            let page = self.world.kernel.thread_message(thread);
            for index in [
                page::SEND,
                page::RECEIVE_CNODE,
                page::RECEIVE_SLOT,
                page::RECEIVE_COUNT,
            ] {
                let word = if index == page::RECEIVE_COUNT {
                    self.random.below(6)
                } else {
                    self.slot()
                };
                self.world.kernel.get(page).write(index, word);
            }
        }
        let number = if self.random.below(100) == 0 {
            1000
        } else {
            description.number
        };
        self.world.load(program, number, words);
        self.world.event(cpu, Event::Syscall);
    }

    /// Whether the common CNode is still there; without it nobody can do anything any more.
    fn goes_on(&self) -> bool {
        let cnode = self.world.cnode.unit();
        self.world.kernel.token().backing().is_alive(cnode)
    }

    fn other(&mut self, cpu: usize) {
        let event = match self.random.below(6) {
            0 => Event::Interrupt {
                vector: self.random.below(26) as u8,
            },
            1 => Event::PageFault {
                address: 0x123,
                access: Access {
                    present: false,
                    write: false,
                    execute: true,
                },
            },
            2 => Event::Exception {
                vector: self.random.below(20) as u8,
                error: 1,
            },
            _ => Event::Timer,
        };
        self.world.event(cpu, event);
    }

    fn run(&mut self, steps: usize) -> usize {
        let mut calls = 0;
        for _ in 0..steps {
            let cpu = self.random.below(u64::from(CPUS)) as usize;
            let preempt = (self.random.below(3) == 0).then(|| self.random.below(4) as u32);
            self.world
                .kernel
                .token()
                .backing()
                .hardware
                .preempt_after
                .set(preempt);
            match self.random.below(10) {
                0 => {
                    let bits = self.random.below(18);
                    self.world.advance(self.random.below(1 << bits));
                    self.other(cpu);
                }
                1 => self.other(cpu),
                _ => {
                    calls += usize::from(self.world.current(cpu).is_some());
                    self.step(cpu);
                }
            }
            if !self.goes_on() {
                break;
            }
            if (0..CPUS as usize).all(|cpu| self.world.current(cpu).is_none()) && !self.revive() {
                break;
            }
        }
        calls
    }

    /// When all wait, time passes; if that does not help, somebody is resumed from outside. False if nothing is left.
    fn revive(&mut self) -> bool {
        self.world.pass(1 << 18);
        if !self.goes_on() {
            return false;
        }
        let slots: Vec<u64> = (1..u64::from(SLOTS)).collect();
        for slot in slots {
            if self.world.current(0).is_some() || self.world.current(1).is_some() {
                return true;
            }
            let slot = self.world.kernel.get(self.world.slot(slot));
            let Some(thread) = slot.object.get::<sundog_core::Thread>() else {
                continue;
            };
            self.world.kernel.cpu = 0;
            self.world.kernel.thread_suspend(thread);
            let _ = self.world.kernel.thread_resume(thread);
            self.world.event(0, Event::Timer);
            self.world.event(1, Event::Timer);
        }
        self.world.current(0).is_some() || self.world.current(1).is_some()
    }
}

#[test]
fn no_sequence_of_hostile_calls_breaks_a_rule() {
    let (calls, length) = if cfg!(miri) { (60, 60) } else { (100_000, 800) };
    let (mut done, mut seed) = (0, 0);
    while done < calls {
        seed += 1;
        assert!(seed < 4000, "the programs die too soon: {done} calls");
        let mut arena = arena(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        done += arena.run(length);
        // Whatever they did, all memory can be had back.
        let hardware = &arena.world.kernel.token().backing().hardware;
        hardware.preempt_after.set(None);
        arena.world.kernel.cpu = 0;
        if !arena.goes_on() {
            continue;
        }
        let memory = arena.world.slot(MEMORY);
        if arena.world.kernel.get(memory).kind() == Some(ObjectType::Untyped) {
            assert_eq!(arena.world.kernel.revoke(memory), Ok(()));
            arena.world.answer_calls();
            arena.world.kernel.check();
            // The common CNode itself goes with the last thread if nobody else names it.
            if arena.goes_on() {
                assert_eq!(arena.world.kernel.untyped_reset(memory), Ok(()));
            }
            assert!(arena.world.current(0).is_none() && arena.world.current(1).is_none());
        }
    }
    println!("{done} calls in {seed} worlds");
}
