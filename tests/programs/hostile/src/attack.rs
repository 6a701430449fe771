//! Every call on every slot, every port, then random calls with hostile arguments.

use crate::random::{Random, SLOTS};
use sundog_rt::sys::abi::{CALLS, Call, Protection};
use sundog_rt::sys::arbitrary;
use sundog_rt::{Environment, Mapping, fail};

/// Attacks. With a page for its progress it is one of many and makes the random calls only; the first word counts them.
pub fn run(mut environment: Environment, calls: u64, seed: u64) {
    let mut progress = progress(&mut environment);
    if progress.is_none() {
        every_port();
        every_call();
    }
    let mut random = Random::new(seed);
    for done in 1..=calls {
        let number = random.number();
        let registers = [
            random.address(),
            random.value(),
            random.value(),
            random.value(),
        ];
        let mut words = core::array::from_fn(|_| random.value());
        // Counted before it is made: it may be the last one.
        if let Some(page) = &mut progress
            && page.write(0, &done.to_ne_bytes()).is_err()
        {
            fail("hostile: the page for the progress has no first word");
        }
        let _ = arbitrary(number, in_time(number, registers), &mut words);
    }
}

fn progress(environment: &mut Environment) -> Option<Mapping> {
    let frame = environment.capability("progress")?;
    let resources = &mut environment.resources;
    match resources.map(frame, 0, 1, Protection::READ_WRITE) {
        Ok(mapping) => Some(mapping),
        Err(_) => fail("hostile: the page for the progress cannot be mapped"),
    }
}

/// Reads and writes each port through each slot: only those of the own range answer.
fn every_port() {
    for slot in 0..SLOTS {
        for port in (0..0x1_0000_u64).step_by(if slot == 17 { 1 } else { 251 }) {
            let mut words = [0; 8];
            let _ = arbitrary(Call::io_port_in as u64, [slot, port, 1, 0], &mut words);
            let mut words = [0; 8];
            // r10, the value, is the sixth word.
            words[5] = u64::from(b'x');
            let _ = arbitrary(Call::io_port_out as u64, [slot, port, 1, 0], &mut words);
        }
    }
}

/// Each call of the table on each slot, with arguments that are nothing or slots again.
fn every_call() {
    for call in CALLS {
        for slot in 0..SLOTS {
            for argument in [0, 1, 2, 17, u64::MAX] {
                if !harms_itself(call.call, slot) {
                    let mut words = [argument; 8];
                    let registers = [slot, argument, argument, argument];
                    let _ = arbitrary(call.number, in_time(call.number, registers), &mut words);
                }
            }
        }
    }
}

/// The registers of a call that could wait for ever, with a deadline that is over.
fn in_time(number: u64, registers: [u64; 4]) -> [u64; 4] {
    const LONG_AGO: u64 = 1;
    let [capability, first, second, reply] = registers;
    match Call::from_number(number) {
        Some(Call::call | Call::send | Call::receive | Call::reply_receive) => {
            [capability, first, LONG_AGO, reply]
        }
        Some(Call::notification_wait | Call::vcpu_enter) => [capability, LONG_AGO, second, reply],
        _ => registers,
    }
}

/// Calls on the own CNode, address space, thread and time end the attack before it has begun; the random part comes to them in time.
fn harms_itself(what: Call, slot: u64) -> bool {
    slot <= 4
        && !matches!(
            what,
            Call::cnode_inspect
                | Call::cnode_copy
                | Call::cnode_mint
                | Call::vspace_look_up
                | Call::sched_consumed
        )
}
