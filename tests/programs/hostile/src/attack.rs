//! Every call on every slot, every port, then random calls with hostile arguments.

use sundog_rt::sys::abi::{CALLS, Call};
use sundog_rt::sys::arbitrary;

/// Slots that are tried; the program has fewer.
const SLOTS: u64 = 80;

/// Numbers that are not in the table are tried up to here.
const NUMBERS: u64 = 128;

/// Attacks.
pub fn run(seed: u64, rounds: u64) {
    every_port();
    every_call();
    let mut random = Random(seed | 1);
    for _ in 0..rounds {
        let number = random.next() % NUMBERS;
        if !waits_for_ever(number) {
            let registers = [
                random.address(),
                random.value(),
                random.value(),
                random.value(),
            ];
            let mut words = core::array::from_fn(|_| random.value());
            let _ = arbitrary(number, registers, &mut words);
        }
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
                if !waits_for_ever(call.number) && !harms_itself(call.call, slot) {
                    let mut words = [argument; 8];
                    let _ = arbitrary(
                        call.number,
                        [slot, argument, argument, argument],
                        &mut words,
                    );
                }
            }
        }
    }
}

/// Calls that a program could only wait in: they are tried with a deadline in the past by the random part of other tests.
fn waits_for_ever(number: u64) -> bool {
    matches!(
        Call::from_number(number),
        Some(
            Call::call | Call::send | Call::receive | Call::reply_receive | Call::notification_wait
        )
    )
}

/// Calls on the own CNode, address space and thread end the attack before it has begun; the random part comes to them in time.
fn harms_itself(what: Call, slot: u64) -> bool {
    slot <= 3
        && !matches!(
            what,
            Call::cnode_inspect | Call::cnode_copy | Call::cnode_mint | Call::vspace_look_up
        )
}

/// A small generator (xorshift); its sequence depends on the seed alone.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A capability address: mostly a slot, sometimes two steps, sometimes anything.
    fn address(&mut self) -> u64 {
        let word = self.next();
        match word >> 60 {
            0..12 => word % SLOTS,
            12..15 => (word >> 8 & 0x3f) << 32 | word & 0x3f,
            _ => word,
        }
    }

    /// An argument: small numbers, edges, addresses of the kernel, anything.
    fn value(&mut self) -> u64 {
        let word = self.next();
        match word >> 60 {
            0..6 => word & 0x3f,
            6 => u64::MAX,
            7 => 1 << (word & 63),
            8 => 0xffff_8000_0000_0000 | word >> 20,
            9 => 0x7fff_ffff_f000 & word,
            10 => word & 0xffff_f000,
            _ => word,
        }
    }
}
