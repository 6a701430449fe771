//! Two programs on two CPUs that wake each other in every way there is: a wake-up that is lost would leave one of them asleep for ever,
//! since nothing else happens on its CPU.
//!
//! Argument: `left` or `right`, and for both `rounds=N` of each way and `seed=S`. Given: `page` (one Frame of both), `events` (the own
//! notification), `other` (the other side's); `left` calls and sends to `requests`, which `right` serves.
//!
//! With a third one, `spin`, at a lower priority than `right`, the second CPU never sleeps: it is given `spun-left` and `spun-right` (a Frame
//! of it and each of the others).
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

mod left;
mod page;
mod right;
mod spin;

use sundog_rt::{Environment, entry, fail, sys};

entry!(run);

/// The ways, in their order.
#[derive(Clone, Copy)]
enum Way {
    /// No kernel at all: both spin on a word of memory. What this takes at most is what the computer kept one of the CPUs from running.
    Memory,
    /// Signals there and back.
    Signals,
    /// A message there, a signal back.
    Sends,
    /// A call there, whose time goes along, and its answer.
    Calls,
    /// A signal there, a sleep of a random length on the other CPU's own timer, a signal back.
    Sleeps,
}

impl Way {
    /// How many rounds are made if so many are asked for. Where two CPUs must share one of the computer's, a round of spinning lasts as
    /// long as that computer's scheduler lets each of them spin.
    fn rounds(self, asked: u64) -> u64 {
        match self {
            Way::Memory => asked / 16,
            _ => asked,
        }
    }
}

const WAYS: [(Way, &str); 5] = [
    (Way::Memory, "memory"),
    (Way::Signals, "signals"),
    (Way::Sends, "sends"),
    (Way::Calls, "calls"),
    (Way::Sleeps, "sleeps"),
];

fn run(environment: Environment) {
    let number = |name: &str| {
        environment.start.arguments().skip(2).find_map(|argument| {
            let text = core::str::from_utf8(argument).ok()?;
            text.strip_prefix(name)?.strip_prefix('=')?.parse().ok()
        })
    };
    let role = environment.start.arguments().nth(1);
    let done = match (role, number("rounds"), number("seed")) {
        (Some(b"left"), Some(rounds), Some(seed)) => left::run(environment, rounds, seed),
        (Some(b"right"), Some(rounds), Some(seed)) => right::run(environment, rounds, seed),
        (Some(b"spin"), None, None) => spin::run(environment),
        _ => fail("wakes: left or right, rounds=N seed=S, or spin"),
    };
    if let Err(error) = done {
        fail(&alloc::format!("wakes: {error:?}"));
    }
}

/// Xorshift: its sequence depends on the seed alone.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        // Neighbouring seeds begin far from each other; 0 would stay 0.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Wastes a random time, mostly none or little, so that what comes next meets the other side at ever other moments: before it goes to
    /// sleep, on its way there, and asleep.
    fn linger(&mut self, ticks_per_microsecond: u64) {
        let microseconds = [0, 1, 4, 16][self.below(4) as usize];
        let end = sys::ticks() + self.below(microseconds * ticks_per_microsecond + 1);
        while sys::ticks() < end {}
    }
}
