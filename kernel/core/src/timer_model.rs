//! The wheel against a sorted list: timers armed, moved, disarmed and expired at random, with deadlines from one tick to 2^50.

use std::collections::BTreeMap;
use std::vec::Vec;

use sundog_machine::{Backing, Ref, Token};

use crate::kernel::Kernel;
use crate::timer::{Step, Timer};

/// Ticks by which a timer may be late: the granule that it is in, and the one that is not over.
const LATE: u64 = 2 << 10;

struct Model {
    kernel: Kernel,
    timers: Vec<Ref<Timer>>,
    armed: BTreeMap<u32, u64>,
    now: u64,
    random: u64,
    /// Steps that moved a timer down.
    moved: usize,
}

impl Model {
    fn new(timers: u32, now: u64) -> Model {
        let system = Kernel::system_units(1);
        let units = 1 + system + timers;
        let mut token = Token::host(Backing::new(units, 1));
        token.zero(1, units - 1);
        let mut kernel = Kernel::create(token, 1, 1);
        let timers = (0..timers)
            .map(|timer| kernel.token_mut().create::<Timer>(1 + system + timer))
            .collect();
        let model = Model {
            kernel,
            timers,
            armed: BTreeMap::new(),
            now,
            random: 0x9e37_79b9_7f4a_7c15 ^ now,
            moved: 0,
        };
        assert_eq!(model.kernel.timer_step(now), Step::Done);
        model
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn arm(&mut self, timer: usize, deadline: u64) {
        let timer = self.timers[timer];
        self.kernel.timer_arm(timer, deadline);
        // One that is past when it is armed comes as if it were due then.
        self.armed.insert(timer.unit(), deadline.max(self.now));
    }

    /// Makes at most `most` steps, as one entry does; whether all that were due have come.
    fn expire(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let timer = match self.kernel.timer_step(self.now) {
                Step::Expired(timer) => timer,
                Step::Moved => {
                    self.moved += 1;
                    continue;
                }
                Step::Done => {
                    let oldest = self.armed.values().min().copied();
                    assert!(
                        oldest.is_none_or(|deadline| deadline + LATE > self.now),
                        "nothing that is due is left"
                    );
                    return true;
                }
            };
            let deadline = self.armed.remove(&timer.unit()).expect("it was armed");
            assert!(deadline <= self.now, "nothing comes early");
        }
        false
    }

    fn check(&self) {
        assert_eq!(self.kernel.check_wheel(0), self.armed.len());
        match self.armed.values().min() {
            None => assert_eq!(self.kernel.timer_next(), u64::MAX),
            Some(first) => assert!(
                self.kernel.timer_next() <= ((first >> 10) + 1).max((self.now >> 10) + 1) << 10,
                "the next time to look is not late"
            ),
        }
    }
}

#[test]
fn random_timers_come_when_they_are_due() {
    let (runs, steps) = if cfg!(miri) { (2, 60) } else { (40, 4000) };
    for run in 0..runs {
        let mut model = Model::new(64, [0, 1 << 10, (1 << 46) - 5000, 0x3f_ffff_ffff][run % 4]);
        for _ in 0..steps {
            match model.random(8) {
                0..=3 => {
                    let (timer, bits) = (model.random(64) as usize, model.random(51));
                    let ahead = model.random(1 << bits);
                    let deadline = if model.random(8) == 0 {
                        model.now.saturating_sub(ahead)
                    } else {
                        model.now + ahead
                    };
                    model.arm(timer, deadline);
                }
                4 => {
                    let timer = model.random(64) as usize;
                    let timer = model.timers[timer];
                    model.kernel.timer_disarm(timer);
                    model.armed.remove(&timer.unit());
                }
                5 => {
                    let bits = model.random(22);
                    model.now += model.random(1 << bits);
                    model.expire(16);
                }
                6 => {
                    // As the CPU's timer would have it.
                    model.now = model.now.max(match model.kernel.timer_next() {
                        u64::MAX => 0,
                        next => next,
                    });
                    model.expire(16);
                }
                _ => {
                    let most = model.random(4) as usize;
                    model.expire(most);
                }
            }
            model.check();
        }
        // Jumping from one time to look to the next ends with all of them.
        let mut looks = 0;
        while !model.armed.is_empty() {
            model.now = model.now.max(model.kernel.timer_next());
            model.expire(16);
            model.check();
            looks += 1;
            assert!(looks < 64 * 12, "every look gets nearer");
        }
    }
}

#[test]
fn ten_thousand_timers_come_in_order_and_sixteen_at_a_time() {
    let count = if cfg!(miri) { 60 } else { 10_000 };
    let mut model = Model::new(count, 123_456);
    for timer in 0..count {
        let ahead = model.random(1 << 28);
        model.arm(timer as usize, 123_456 + ahead);
    }
    let mut expired = Vec::new();
    while !model.armed.is_empty() {
        model.now = model.now.max(model.kernel.timer_next());
        for _ in 0..16 {
            let timer = match model.kernel.timer_step(model.now) {
                Step::Expired(timer) => timer,
                Step::Moved => continue,
                Step::Done => break,
            };
            let deadline = model.armed.remove(&timer.unit()).expect("it was armed");
            assert!(
                deadline <= model.now && model.now - deadline <= 2 * LATE,
                "on time: {deadline} at {}",
                model.now
            );
            expired.push(deadline >> 10);
        }
    }
    assert_eq!(expired.len(), count as usize);
    assert!(expired.is_sorted(), "in the order of their deadlines");
}

#[test]
fn two_timers_that_moved_down_together_come_apart() {
    let mut model = Model::new(4, 0);
    // Both lie in the first slot of the second level until its turn comes; one of them is due at its very start.
    for (timer, granule) in [64, 64, 69].into_iter().enumerate() {
        model.arm(timer, granule << 10);
    }
    model.now = 66 << 10;
    // Each that moves down is a step of its own, as each that expires is; between two steps more may be armed.
    assert!(!model.expire(2));
    assert_eq!((model.moved, model.armed.len()), (2, 3));
    model.check();
    model.arm(3, 64 << 10);
    model.check();
    assert!(!model.expire(1));
    assert_eq!(model.moved, 3);
    model.check();
    assert!(model.expire(4), "two of them and the new one, then no more");
    assert_eq!(model.armed.len(), 1, "the third is not due yet");
    model.now = 71 << 10;
    model.expire(1);
    assert!(model.armed.is_empty());
}
