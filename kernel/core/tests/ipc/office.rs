//! Clients and servers whose waits are ended by deadlines and suspensions at any moment: every message with status 0 arrived exactly
//! once, none that failed arrives later, and every call has its own answer.

use std::collections::BTreeSet;

use sundog_abi::{Call, Info, ObjectType};
use sundog_core::State;
use sundog_machine::Event;

use crate::hostile::Random;
use crate::world::{Program, World};

const CLIENTS: usize = 3;
const ALL: usize = 5;

/// What a thread is doing, as it knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Nothing,
    /// A message with this word; whether it is a call.
    Send(u64, bool),
    Receive,
    /// The answer to the call with this word.
    Answer(u64),
}

struct Office {
    world: World,
    programs: Vec<Program>,
    replies: Vec<u64>,
    endpoint: u64,
    doing: [Doing; ALL],
    /// The call that a server has to answer.
    open: [Option<u64>; ALL],
    /// Messages that may arrive yet.
    sent: BTreeSet<u64>,
    arrived: BTreeSet<u64>,
    answered: BTreeSet<u64>,
    completed: usize,
    failed: usize,
}

impl Office {
    fn new() -> Office {
        let mut world = World::new();
        let endpoint = world.make(ObjectType::Endpoint, 0);
        let programs = (0..ALL as u64)
            .map(|index| {
                let place = 10 | (index & 1) << 8;
                world.thread_at(place, 20_000, 20_000 + 30_000 * (index & 2))
            })
            .collect();
        let replies = (0..ALL).map(|_| world.make(ObjectType::Reply, 0)).collect();
        let main = world.main.address;
        world.does(Call::thread_suspend, &[main]);
        Office {
            world,
            programs,
            replies,
            endpoint,
            doing: [Doing::Nothing; ALL],
            open: [None; ALL],
            sent: BTreeSet::new(),
            arrived: BTreeSet::new(),
            answered: BTreeSet::new(),
            completed: 0,
            failed: 0,
        }
    }

    /// Looks who has come back from its call; receivers first, since a sender returns when its message was taken.
    fn settle(&mut self) {
        for index in (0..ALL).rev() {
            let program = self.programs[index];
            if self.world.state(program) != State::Ready {
                continue;
            }
            let end = self.world.status(program);
            let (_, info, word) = self.world.received(program);
            match std::mem::replace(&mut self.doing[index], Doing::Nothing) {
                Doing::Nothing => {}
                Doing::Answer(_) => assert_eq!(end, Ok(())),
                Doing::Receive => {
                    if end.is_ok() {
                        assert!(self.sent.remove(&word), "{word} arrives once, in time");
                        assert!(self.arrived.insert(word));
                        self.open[index] = (info.label() == 1).then_some(word);
                    }
                }
                Doing::Send(sent, is_call) => match end {
                    Ok(()) => {
                        assert!(self.arrived.contains(&sent), "{sent} was taken");
                        if is_call {
                            assert!(self.answered.remove(&sent), "answered once");
                            assert_eq!(word, sent + 1, "by its own answer");
                        }
                        self.completed += 1;
                    }
                    Err(_) => {
                        assert!(
                            is_call || !self.arrived.contains(&sent),
                            "an error means not taken"
                        );
                        self.sent.remove(&sent);
                        self.failed += 1;
                    }
                },
            }
        }
    }

    /// A message system call of what runs on a CPU.
    fn message(&mut self, cpu: usize, index: usize, what: Call, words: [u64; 6], word: u64) {
        let program = self.programs[index];
        self.world.registers(program).r12.set(word);
        self.world.load(program, what as u64, words);
        self.world.event(cpu, Event::Syscall);
    }

    fn step(&mut self, random: &mut Random, number: u64) {
        let cpu = random.below(2) as usize;
        let current = self.world.current(cpu);
        let running = self
            .programs
            .iter()
            .position(|program| Some(program.thread) == current);
        let Some(index) = running.filter(|_| random.below(6) > 0) else {
            return self.world.pass(random.of(&[100, 5000, 30_000]));
        };
        let now = self.world.kernel.token().backing().hardware.now.get();
        let deadline = now + random.of(&[3000, 50_000, 1 << 30]);
        let flags = random.of(&[0, Info::DEADLINE, Info::DEADLINE, Info::NON_BLOCKING]);
        let (endpoint, reply) = (self.endpoint, self.replies[index]);
        if let Some(word) = self.open[index].take() {
            self.doing[index] = Doing::Answer(word);
            self.answered.insert(word);
            let words = [reply, Info::new(0, 1).0, 0, 0, 0, 0];
            self.message(cpu, index, Call::reply, words, word + 1);
        } else if index >= CLIENTS {
            self.doing[index] = Doing::Receive;
            let words = [endpoint, flags, deadline, 0, reply, 0];
            self.message(cpu, index, Call::receive, words, 0);
        } else if random.below(5) == 0 {
            // Another client is stopped in the middle of anything, and goes on.
            let victim = self.programs[random.below(CLIENTS as u64) as usize];
            if victim != self.programs[index] {
                self.world.kernel.cpu = cpu;
                self.world.kernel.thread_suspend(victim.thread);
                self.world.kernel.thread_resume(victim.thread).unwrap();
                self.world.event(cpu, Event::Timer);
            }
        } else {
            let is_call = random.below(3) > 0;
            self.doing[index] = Doing::Send(number, is_call);
            self.sent.insert(number);
            let what = if is_call { Call::call } else { Call::send };
            let info = Info::new(u32::from(is_call), 1).0 | flags;
            let words = [endpoint, info, deadline, 0, 0, 0];
            self.message(cpu, index, what, words, number);
        }
    }
}

#[test]
fn every_message_arrives_once_and_every_call_returns_once() {
    let (seeds, steps) = if cfg!(miri) { (1, 60) } else { (12, 4000) };
    for seed in 1..=seeds {
        let mut office = Office::new();
        let mut random = Random(0x2545_f491_4f6c_dd1d_u64.wrapping_mul(seed));
        for step in 1..=steps {
            office.step(&mut random, 10 * step);
            office.settle();
        }
        assert!(
            cfg!(miri) || office.completed > 100 && office.failed > 20,
            "{} completed, {} failed",
            office.completed,
            office.failed
        );
    }
}
