//! Job control: stops, continuations, groups, sessions, orphans.
use super::tiny::{Arg, DATA, Op, call, exit, passes};

const FORK: u64 = 57;
const WAIT4: u64 = 61;
const KILL: u64 = 62;

#[test]
fn a_signal_that_comes_while_a_guest_runs_is_not_lost() {
    let quiet = passes(alloc::vec![Op::Spin(1000), exit(0)]);
    assert!(!quiet.kernel.notified);
    let told = passes(alloc::vec![Op::Notification, Op::Spin(1000), exit(0)]);
    assert!(told.kernel.notified);
}

#[test]
fn a_stopped_child_is_told_of_and_goes_on() {
    passes(alloc::vec![
        call(FORK, &[]),
        Op::JumpIfZero(16),
        Op::Keep,
        Op::Call(KILL, alloc::vec![Arg::Rbx, Arg::N(19)]),
        Op::Call(
            WAIT4,
            alloc::vec![Arg::Rbx, Arg::N(DATA), Arg::N(2), Arg::N(0)]
        ),
        Op::Keep12,
        Op::Load(DATA),
        Op::ExpectRbx(19 << 8 | 0x7f),
        Op::Call(KILL, alloc::vec![Arg::R12, Arg::N(18)]),
        Op::Call(
            WAIT4,
            alloc::vec![Arg::R12, Arg::N(DATA), Arg::N(8), Arg::N(0)]
        ),
        Op::Load(DATA),
        Op::ExpectRbx(0xffff),
        Op::Call(KILL, alloc::vec![Arg::R12, Arg::N(9)]),
        Op::Call(
            WAIT4,
            alloc::vec![Arg::R12, Arg::N(0), Arg::N(0), Arg::N(0)]
        ),
        exit(0),
        exit(1),
        Op::Spin(1000),
        Op::Jump(16),
    ]);
}

#[test]
fn a_group_whose_only_member_has_ended_can_be_joined_until_it_is_waited_for() {
    const SETPGID: u64 = 109;
    const WAITID: u64 = 247;
    const P_PID: u64 = 1;
    const WEXITED_AND_WNOWAIT: u64 = 0x0100_0004;
    passes(alloc::vec![
        call(FORK, &[]),
        Op::JumpIfZero(12),
        Op::Keep,
        Op::Call(SETPGID, alloc::vec![Arg::Rbx, Arg::N(0)]),
        Op::Expect(0),
        Op::Call(
            WAITID,
            alloc::vec![
                Arg::N(P_PID),
                Arg::Rbx,
                Arg::N(DATA),
                Arg::N(WEXITED_AND_WNOWAIT),
                Arg::N(0)
            ]
        ),
        Op::Expect(0),
        call(FORK, &[]),
        Op::JumpIfZero(13),
        Op::Keep12,
        Op::Call(
            WAIT4,
            alloc::vec![Arg::R12, Arg::N(0), Arg::N(0), Arg::N(0)]
        ),
        exit(0),
        // The first child ends at once; the second joins its group all the same.
        exit(0),
        Op::Call(SETPGID, alloc::vec![Arg::N(0), Arg::Rbx]),
        Op::Expect(0),
        exit(0),
    ]);
}

#[test]
fn sessions_and_groups_follow_the_rules() {
    passes(alloc::vec![
        // The first process leads its session, so it can start no other and change no group.
        call(112, &[]),
        Op::Expect(-1),
        call(109, &[0, 0]),
        Op::Expect(-1),
        call(109, &[0, u64::MAX]),
        Op::Expect(-22),
        call(121, &[99]),
        Op::Expect(-3),
        call(FORK, &[]),
        Op::JumpIfZero(13),
        call(WAIT4, &[u64::MAX, DATA, 0, 0]),
        Op::Load(DATA),
        Op::Jump(23),
        call(109, &[0, 0]),
        Op::Expect(0),
        call(111, &[]),
        Op::Expect(3),
        // A group leader cannot start a session; a group of another session cannot be joined.
        call(112, &[]),
        Op::Expect(-1),
        call(109, &[0, 1]),
        Op::Expect(-1),
        exit(0),
        exit(1),
        Op::ExpectRbx(0),
        exit(0),
    ]);
}

#[test]
fn a_stop_key_does_nothing_to_an_orphaned_group() {
    // The child of a child whose parent ended is in an orphaned group of its own: SIGTSTP is dropped, SIGSTOP is not.
    passes(
        alloc::vec![
            call(FORK, &[]),
            Op::JumpIfZero(4),
            call(WAIT4, &[u64::MAX, 0, 0, 0]),
            Op::Jump(15),
            call(112, &[]),
            call(FORK, &[]),
            Op::JumpIfZero(8),
            exit(0),
            Op::Spin(20_000_000),
            call(24, &[]),
            call(39, &[]),
            Op::Keep,
            Op::Call(KILL, alloc::vec![Arg::Rbx, Arg::N(20)]),
            // It comes here only if it was not stopped, and ends its grandparent's wait.
            call(KILL, &[2, 12]),
            exit(0),
            call(34, &[]),
            exit(1),
        ]
        .into_iter()
        .collect::<alloc::vec::Vec<_>>()
        .tap_handler(),
    );
}

/// Lets SIGUSR2 (12) end the first process well: a handler at the end of the program.
trait TapHandler {
    fn tap_handler(self) -> Self;
}

impl TapHandler for alloc::vec::Vec<Op> {
    fn tap_handler(mut self) -> Self {
        let handler = self.len() + 1;
        // The first instruction becomes a jump to a prologue that sets the handler and comes back.
        let first = core::mem::replace(&mut self[0], Op::Jump(handler + 1));
        self.push(exit(9));
        self.push(exit(0));
        let base = DATA + 0x100;
        self.extend([
            Op::Store(base, super::tiny::at(handler)),
            Op::Store(base + 8, 0x0400_0000),
            Op::Store(base + 16, super::tiny::at(handler)),
            Op::Store(base + 24, 0),
            call(13, &[12, base, 0, 8]),
            first,
            Op::Jump(1),
        ]);
        self
    }
}
