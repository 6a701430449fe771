//! Futexes: waiting, waking, values that changed, time-outs, requeueing.
use super::tiny::{DATA, Op, call, exit, passes};

const FUTEX: u64 = 202;
const PRIVATE: u64 = 128;
const THREAD: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000;

#[test]
fn a_changed_word_is_not_waited_for() {
    passes(alloc::vec![
        Op::Store(DATA, 5),
        call(FUTEX, &[DATA, 0, 4, 0]),
        Op::Expect(-11),
        call(FUTEX, &[DATA + 1, 0, 4, 0]),
        Op::Expect(-22),
        call(FUTEX, &[8, 0, 4, 0]),
        Op::Expect(-14),
        call(FUTEX, &[DATA, 99, 4, 0]),
        Op::Expect(-38),
        exit(0),
    ]);
}

#[test]
fn a_wait_times_out() {
    let mut sandbox = passes(alloc::vec![
        Op::Store(DATA + 8, 2),
        Op::Store(DATA + 16, 0),
        call(FUTEX, &[DATA, PRIVATE, 0, DATA + 8]),
        Op::Expect(-110),
        // WAIT_BITSET until a time of the calendar that is past.
        call(FUTEX, &[DATA, 9 | 256, 0, DATA + 8, 0, 0xffff_ffff]),
        Op::Expect(-110),
        exit(0),
    ]);
    assert!(sandbox.kernel.now() >= 2_000_000_000);
}

#[test]
fn wakes_count_and_choose_by_bits() {
    passes(alloc::vec![
        // Two threads wait, with bits 1 and 2.
        call(56, &[THREAD, DATA + 0x800]),
        Op::JumpIfZero(14),
        call(56, &[THREAD, DATA + 0x900]),
        Op::JumpIfZero(16),
        Op::Spin(20_000_000),
        call(24, &[]),
        call(FUTEX, &[DATA, 10, 9, 0, 0, 4]),
        Op::Expect(0),
        call(FUTEX, &[DATA, 10, 9, 0, 0, 2]),
        Op::Expect(1),
        call(FUTEX, &[DATA, 1, 9]),
        Op::Expect(1),
        Op::Spin(20_000_000),
        exit(0),
        call(FUTEX, &[DATA, 9, 0, 0, 0, 1]),
        call(60, &[]),
        call(FUTEX, &[DATA, 9, 0, 0, 0, 2]),
        call(60, &[]),
    ]);
}

#[test]
fn requeued_waiters_wait_for_the_second_word() {
    passes(alloc::vec![
        call(56, &[THREAD, DATA + 0x800]),
        Op::JumpIfZero(10),
        Op::Spin(20_000_000),
        call(24, &[]),
        call(FUTEX, &[DATA, 4, 0, 1, DATA + 4, 0]),
        Op::Expect(1),
        call(FUTEX, &[DATA, 1, 9]),
        Op::Expect(0),
        call(FUTEX, &[DATA + 4, 1, 9]),
        exit(0),
        call(FUTEX, &[DATA, 0, 0, 0]),
        call(60, &[]),
    ]);
}
