//! A Linux program that asks its kernel for as much memory of its own as calls can: `linux-greedy CASE`. Whatever it is refused, it ends
//! with success; that the kernel is still there afterwards is for others to see.
#![forbid(unsafe_code)]

mod cases;

use cases::{CASES, Case, Memory};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};
use sundog_host_sys::Arena;

/// How long nothing may change before the attackers are ended.
const REST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    if wanted == "names" {
        CASES.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    let Some(case) = CASES.iter().find(|case| case.name == wanted) else {
        eprintln!("linux-greedy: the argument is a case, or names");
        return ExitCode::FAILURE;
    };
    match Arena::new() {
        Ok(arena) => {
            let (children, calls) = run(&arena, case);
            println!("linux-greedy: {wanted}: {calls} calls in {children} processes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("linux-greedy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a case in as many processes as it wants and gets, until all its calls were made or nothing goes on.
fn run(arena: &Arena, case: &Case) -> (u64, u64) {
    let memory = Memory::new();
    let mut children = 0;
    let mut attackers = Vec::new();
    for _ in 0..case.processes {
        let mut number = 0;
        let next = || {
            number += 1;
            (case.call)(&memory, number - 1)
        };
        let wanted = (children + 1) * case.calls;
        let Ok(attacker) = arena.attack(0, wanted, next) else {
            break;
        };
        attackers.push(attacker);
        children += 1;
        // One after the other, so that the counter is one child's; the last call of a case may be one that does not return.
        wait_for(arena, wanted);
    }
    let made = arena.counter(0).load(Ordering::Relaxed);
    // Not all that there is: the shell that started this is no attacker.
    attackers
        .into_iter()
        .for_each(|attacker| arena.end(attacker));
    while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
    (children, made)
}

/// Waits until the counter has come to `wanted`, or stands still.
fn wait_for(arena: &Arena, wanted: u64) {
    let begin = Instant::now();
    let (mut seen, mut still) = (0, 0);
    while still < 20 && begin.elapsed() < LONGEST {
        let now = arena.counter(0).load(Ordering::Relaxed);
        still = if now == seen { still + 1 } else { 0 };
        seen = now;
        if now >= wanted {
            break;
        }
        sleep(REST / 10);
    }
}
