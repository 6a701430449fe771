//! Signals: handlers and their return, masks, restarts, fatal ones, alarms.
use super::tiny::{Arg, DATA, Op, Sandbox, at, call, exit, passes};
use crate::process::End;

const SIGACTION: u64 = 13;
const PIPE: u64 = 22;
const KILL: u64 = 62;
const RESTORER: u64 = 0x0400_0000;
const RESTART: u64 = 0x1000_0000;

/// Stores a sigaction at `DATA + 0x100` and sets it.
fn action(signal: u64, handler: u64, flags: u64, restorer: usize) -> [Op; 5] {
    let base = DATA + 0x100;
    [
        Op::Store(base, handler),
        Op::Store(base + 8, flags | RESTORER),
        Op::Store(base + 16, at(restorer)),
        Op::Store(base + 24, 0),
        call(SIGACTION, &[signal, base, 0, 8]),
    ]
}

/// A program with a handler at 1 that stores what it got, and a restorer at 3; `main` starts at 4.
fn with_handler(main: impl IntoIterator<Item = Op>) -> alloc::vec::Vec<Op> {
    let mut ops = alloc::vec![
        Op::Jump(4),
        Op::Store(DATA + 0x200, 1),
        Op::Return,
        call(15, &[])
    ];
    ops.extend(main);
    ops
}

#[test]
fn a_handler_runs_and_everything_is_as_before() {
    let mut main = alloc::vec::Vec::from(action(10, at(1), 0, 3));
    main.extend([
        call(39, &[]),
        Op::Keep,
        Op::Call(KILL, alloc::vec![Arg::Rbx, Arg::N(10)]),
        // The result of kill, not what the handler left.
        Op::Expect(0),
        Op::ExpectRbx(2),
        Op::Load(DATA + 0x200),
        Op::ExpectRbx(1),
        // The signal is not blocked any more.
        call(14, &[0, 0, DATA + 0x300, 8]),
        Op::Load(DATA + 0x300),
        Op::ExpectRbx(0),
        exit(0),
    ]);
    passes(with_handler(main));
}

#[test]
fn a_signal_without_handler_kills() {
    let ops = alloc::vec![
        call(39, &[]),
        Op::Keep,
        Op::Call(KILL, alloc::vec![Arg::Rbx, Arg::N(15)]),
        exit(0)
    ];
    let mut sandbox = Sandbox::new(256, 0, ops);
    assert_eq!(sandbox.run(100), Some(End::Killed { signal: 15 }));
}

#[test]
fn a_bad_access_is_a_segmentation_fault() {
    let mut sandbox = Sandbox::new(256, 0, alloc::vec![Op::Store(0x10, 1), exit(0)]);
    assert_eq!(sandbox.run(100), Some(End::Killed { signal: 11 }));
    // Writing to the program's text, too.
    let mut sandbox = Sandbox::new(
        256,
        0,
        alloc::vec![Op::Store(super::tiny::BASE, 1), exit(0)],
    );
    assert_eq!(sandbox.run(100), Some(End::Killed { signal: 11 }));
}

/// Reads from an empty pipe until an alarm comes after 10 ms.
fn interrupted_read(flags: u64, behind: impl IntoIterator<Item = Op>) -> alloc::vec::Vec<Op> {
    let mut main = alloc::vec::Vec::from(action(14, at(1), flags, 3));
    main.extend([
        call(PIPE, &[DATA + 0x400]),
        Op::Store(DATA + 0x420, 0),
        Op::Store(DATA + 0x428, 0),
        Op::Store(DATA + 0x430, 0),
        Op::Store(DATA + 0x438, 10_000),
        call(38, &[0, DATA + 0x420, 0]),
    ]);
    main.extend(behind);
    with_handler(main)
}

#[test]
fn an_interrupted_read_fails_with_eintr() {
    let ops = interrupted_read(
        0,
        [
            call(0, &[0, DATA, 8]),
            Op::Expect(-4),
            Op::Load(DATA + 0x200),
            Op::ExpectRbx(1),
            exit(0),
        ],
    );
    passes(ops);
}

#[test]
fn an_interrupted_read_goes_on_if_the_handler_says_so() {
    // A child writes after the alarm; the read returns its byte.
    let child = 4 + 5 + 6 + 8;
    let ops = interrupted_read(
        RESTART,
        [
            call(57, &[]),
            Op::JumpIfZero(child),
            call(0, &[0, DATA, 8]),
            Op::Expect(1),
            Op::Load(DATA + 0x200),
            Op::ExpectRbx(1),
            call(61, &[u64::MAX, 0, 0, 0]),
            exit(0),
            Op::Spin(50_000_000),
            call(1, &[1, DATA + 0x500, 1]),
            exit(0),
        ],
    );
    passes(ops);
}

/// Alarms that are due again before the guest has made a step stop nobody: not who has them, nor others.
#[test]
fn alarms_in_a_flood_leave_time_for_everybody() {
    let timer = DATA + 0x420;
    let child = 4 + 5 + 5 + 4;
    let mut main = alloc::vec::Vec::from(action(14, at(1), RESTART, 3));
    main.extend([
        Op::Store(timer, 0),
        Op::Store(timer + 8, 1),
        Op::Store(timer + 16, 0),
        Op::Store(timer + 24, 1),
        call(38, &[0, timer, 0]),
        call(57, &[]),
        Op::JumpIfZero(child),
        call(61, &[u64::MAX, 0, 0, 0]),
        exit(0),
    ]);
    main.extend((0..20).map(|_| call(39, &[])));
    main.push(exit(0));
    let mut sandbox = Sandbox::new(256, 0, with_handler(main));
    sandbox.set_entry_cost(2000);
    let end = sandbox.run(1000);
    assert_eq!(end, Some(End::Exited(0)));
}

#[test]
fn sigsuspend_waits_with_another_mask_and_goes_back() {
    let mut main = alloc::vec::Vec::from(action(10, at(1), 0, 3));
    main.extend([
        // Block it, send it: pending. Then wait with nothing blocked.
        Op::Store(DATA + 0x300, 1 << 9),
        call(14, &[0, DATA + 0x300, 0, 8]),
        call(39, &[]),
        Op::Keep,
        Op::Call(KILL, alloc::vec![Arg::Rbx, Arg::N(10)]),
        Op::Load(DATA + 0x200),
        Op::ExpectRbx(0),
        call(127, &[DATA + 0x308, 8]),
        Op::Load(DATA + 0x308),
        Op::ExpectRbx(1 << 9),
        Op::Store(DATA + 0x310, 0),
        call(130, &[DATA + 0x310, 8]),
        Op::Expect(-4),
        Op::Load(DATA + 0x200),
        Op::ExpectRbx(1),
        call(14, &[0, 0, DATA + 0x308, 8]),
        Op::Load(DATA + 0x308),
        Op::ExpectRbx(1 << 9),
        exit(0),
    ]);
    passes(with_handler(main));
}

#[test]
fn a_forged_frame_kills_only_its_maker() {
    // rt_sigreturn with the stack pointer nowhere, in a child; the parent goes on.
    passes(alloc::vec![
        call(57, &[]),
        Op::JumpIfZero(6),
        call(61, &[u64::MAX, DATA, 0, 0]),
        Op::Load(DATA),
        Op::ExpectRbx(11),
        exit(0),
        call(11, &[0x7fff_ff00_0000, 0xff_0000]),
        call(15, &[]),
        exit(0),
    ]);
}

#[test]
fn sleeping_takes_its_time_and_no_processor() {
    let mut sandbox = passes(alloc::vec![
        Op::Store(DATA, 3),
        Op::Store(DATA + 8, 500_000_000),
        call(35, &[DATA, 0]),
        Op::Expect(0),
        exit(0),
    ]);
    assert!(sandbox.kernel.now() >= 3_500_000_000);
    assert!(sandbox.kernel.world.used_time < 1_000_000);
}

#[test]
fn a_guest_that_does_nothing_but_calls_leaves_others_their_turn() {
    passes(alloc::vec![
        call(57, &[]),
        Op::JumpIfZero(6),
        Op::Store(DATA, 0),
        Op::Store(DATA + 8, 20_000_000),
        call(35, &[DATA, 0]),
        exit(0),
        call(110, &[]),
        Op::Jump(6),
    ]);
}

#[test]
fn used_time_is_known_in_the_middle_of_a_turn() {
    // clock_gettime of the thread's and of the process' time, both within the first slice.
    passes(alloc::vec![
        Op::Spin(2_000_000),
        call(228, &[3, DATA]),
        call(228, &[2, DATA + 16]),
        Op::Load(DATA),
        Op::ExpectRbx(0),
        Op::Load(DATA + 8),
        Op::ExpectRbx(2_000_020),
        Op::Load(DATA + 24),
        Op::ExpectRbx(2_000_030),
        exit(0),
    ]);
}
