//! A Linux program that attacks its kernel: processes that make random system calls, until `calls=N` were made in all. Such calls also
//! hit their caller, so whenever one has ended or stands still, one with a seed derived from `seed=S` takes its place.
#![forbid(unsafe_code)]

mod random;

use random::{Memory, Random};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;
use sundog_host_sys::Arena;

/// Attackers at a time.
const ATTACKERS: usize = 6;
/// Most calls of one: what it has broken is gone with it.
const LONGEST: u64 = 2000;
/// What an attacker's counter can be beyond that: as many processes as it may have count there too. More is no count: some call wrote
/// there, and then none of its calls is counted.
const BEYOND: u64 = 64;
/// How long the parent rests between its looks, and after how many without a call an attacker stands still.
const REST: Duration = Duration::from_millis(3);
const STILL: u32 = 3;
/// After so many attackers all processes that they have left behind are ended.
const SWEEP: u64 = 30;
/// After so many calls it says how many there were: a call may end this program too.
const SAID: u64 = 10_000;
/// Attempts in a row to start an attacker before the attack is given up.
const MOST_FAILED: u32 = 30;

/// One of the attackers.
#[derive(Clone, Copy, Default)]
struct Attacker {
    /// Its number, 0 if there is none now.
    number: usize,
    /// What its counter was when it was last looked at, and how often it has been that.
    seen: u64,
    still: u32,
}

fn main() -> ExitCode {
    let (Some(calls), Some(seed)) = (number("calls="), number("seed=")) else {
        eprintln!("linux-hostile: the arguments are calls=N and seed=S");
        return ExitCode::FAILURE;
    };
    match Arena::new() {
        Ok(arena) => {
            let (made, attackers) = attack(&arena, calls, seed);
            say(made, attackers);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("linux-hostile: {error}");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let words: Vec<_> = std::env::args().collect();
    let mut values = words.iter().filter_map(|word| word.strip_prefix(name));
    values.next()?.parse().ok()
}

/// Attacks until so many calls were made or no attacker can be started any more; how many calls there were, of how many attackers.
fn attack(arena: &Arena, calls: u64, seed: u64) -> (u64, u64) {
    let memory = Memory::new();
    let mut attackers = [Attacker::default(); ATTACKERS];
    let (mut made, mut started, mut failed, mut said) = (0, 0, 0, 0);
    while made < calls && failed < MOST_FAILED {
        for (index, attacker) in attackers.iter_mut().enumerate() {
            look(arena, index, attacker);
            if attacker.number != 0 {
                continue;
            }
            made += count(arena, index);
            let end = LONGEST.min(calls);
            let mut random = Random::new(seed.wrapping_add(started << 32), &memory);
            match arena.attack(index, end, || random.call()) {
                Ok(number) => {
                    *attacker = Attacker {
                        number,
                        ..Attacker::default()
                    };
                    started += 1;
                    failed = 0;
                }
                Err(_) => failed += 1,
            }
            if failed != 0 || started % SWEEP == 0 {
                arena.end_all();
            }
        }
        if made - said >= SAID {
            said = made;
            say(made, started);
        }
        bury(&mut attackers);
        sleep(REST);
        bury(&mut attackers);
    }
    arena.end_all();
    (made, started)
}

/// Says how many calls were made. Attackers write to the same file, so it is a line of its own whatever came before.
fn say(made: u64, attackers: u64) {
    println!("\nlinux-hostile: {made} calls by {attackers} attackers");
}

/// The calls that an attacker has made, once.
fn count(arena: &Arena, index: usize) -> u64 {
    match arena.counter(index).swap(0, Ordering::Relaxed) {
        made if made <= LONGEST + BEYOND => made,
        _ => 0,
    }
}

/// Kills an attacker that has made no call for a while.
fn look(arena: &Arena, index: usize, attacker: &mut Attacker) {
    let now = arena.counter(index).load(Ordering::Relaxed);
    attacker.still = if now == attacker.seen {
        attacker.still + 1
    } else {
        0
    };
    attacker.seen = now;
    let number = i32::try_from(attacker.number).ok().and_then(Pid::from_raw);
    if let Some(number) = number
        && attacker.still >= STILL
    {
        // One that has ended meanwhile is buried like all others.
        let _ = kill_process(number, Signal::KILL);
    }
}

/// Takes note of all children that have ended.
fn bury(attackers: &mut [Attacker]) {
    while let Ok(Some((number, status))) = wait(WaitOptions::NOHANG) {
        let number = number.as_raw_nonzero().get();
        let ended = status.exited() || status.signaled();
        for attacker in attackers.iter_mut() {
            if ended && i32::try_from(attacker.number) == Ok(number) {
                attacker.number = 0;
            }
        }
    }
}
