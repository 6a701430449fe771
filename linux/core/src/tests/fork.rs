//! Fork and the end of processes: copies on write, wait, vfork, and nothing left over.
use super::tiny::{Arg, DATA, Op, Sandbox, at, call, exit, passes};
use crate::process::End;

const FORK: u64 = 57;
const VFORK: u64 = 58;
const WAIT4: u64 = 61;
const CLONE: u64 = 56;

#[test]
fn both_sides_of_a_fork_write_to_pages_of_their_own() {
    let sandbox = passes(alloc::vec![
        Op::Store(DATA, 7),
        call(FORK, &[]),
        Op::JumpIfZero(9),
        Op::Store(DATA, 8),
        call(WAIT4, &[-1_i64 as u64, DATA + 8, 0, 0]),
        Op::Load(DATA),
        Op::ExpectRbx(8),
        Op::Load(DATA + 8),
        Op::Jump(15),
        // The child.
        Op::Load(DATA),
        Op::ExpectRbx(7),
        Op::Store(DATA, 9),
        Op::Load(DATA),
        Op::ExpectRbx(9),
        exit(5),
        // The parent again: the child's status.
        Op::ExpectRbx(5 << 8),
        exit(0),
    ]);
    assert_eq!(sandbox.machine_objects(), (0, 0));
    assert_eq!(sandbox.kernel.world.spaces.len(), 0);
}

#[test]
fn all_frames_but_the_files_come_back() {
    let mut ops = alloc::vec![Op::Store(DATA, 1)];
    for _ in 0..20 {
        let child = ops.len() + 4;
        ops.extend([
            call(FORK, &[]),
            Op::JumpIfZero(child),
            call(WAIT4, &[u64::MAX, 0, 0, 0]),
            Op::Jump(child + 2),
        ]);
        ops.extend([Op::Store(DATA, 2), exit(1)]);
    }
    ops.push(exit(0));
    let mut sandbox = Sandbox::new(512, 0, ops);
    let before = sandbox.kernel.memory.available();
    assert_eq!(sandbox.run(10_000), Some(End::Exited(0)));
    assert!(sandbox.kernel.memory.available() >= before);
}

#[test]
fn vfork_shares_memory_and_holds_the_parent_until_the_exit() {
    passes(alloc::vec![
        call(VFORK, &[]),
        Op::JumpIfZero(6),
        Op::Load(DATA),
        Op::ExpectRbx(77),
        call(WAIT4, &[u64::MAX, 0, 0, 0]),
        exit(0),
        Op::Spin(50_000_000),
        Op::Store(DATA, 77),
        exit(0),
    ]);
}

#[test]
fn wait_tells_of_no_children_and_of_none_that_ended() {
    passes(alloc::vec![
        call(WAIT4, &[u64::MAX, 0, 0, 0]),
        Op::Expect(-10),
        call(FORK, &[]),
        Op::JumpIfZero(9),
        call(WAIT4, &[u64::MAX, 0, 1, 0]),
        Op::Expect(0),
        call(WAIT4, &[u64::MAX, 0, 0x40, 0]),
        Op::Expect(-22),
        exit(0),
        Op::Spin(20_000_000),
        exit(0),
    ]);
}

#[test]
fn a_fork_bomb_meets_its_limit() {
    let mut sandbox = Sandbox::new(
        4096,
        0,
        alloc::vec![
            call(FORK, &[]),
            Op::Keep,
            Op::Spin(1_000_000),
            // All fork for ever.
            Op::Jump(0),
        ],
    );
    assert_eq!(sandbox.run(3000), None);
    // And process 1, which does not count.
    assert_eq!(sandbox.kernel.world.processes.len(), 65);
}

#[test]
fn without_memory_for_records_no_process_and_no_open_file_is_made() {
    const ENOMEM: i64 = -12;
    let mut sandbox = Sandbox::new(
        512,
        0,
        alloc::vec![
            call(FORK, &[]),
            Op::Expect(ENOMEM),
            call(VFORK, &[]),
            Op::Expect(ENOMEM),
            call(CLONE, &[17]),
            Op::Expect(ENOMEM),
            // pipe, socketpair, eventfd, epoll_create1
            call(22, &[DATA]),
            Op::Expect(ENOMEM),
            call(53, &[1, 1, 0, DATA]),
            Op::Expect(ENOMEM),
            call(284, &[0]),
            Op::Expect(ENOMEM),
            call(291, &[0]),
            Op::Expect(ENOMEM),
            // What makes nothing goes on: getppid.
            call(110, &[]),
            exit(0),
        ],
    );
    sandbox.kernel.settings.room = || false;
    assert_eq!(sandbox.run(1000), Some(End::Exited(0)));
}

#[test]
fn at_the_limit_only_the_first_process_makes_a_few_more() {
    const AGAIN: i64 = -11;
    let mut sandbox = Sandbox::new(
        512,
        0,
        alloc::vec![
            call(FORK, &[]),
            Op::JumpIfZero(13),
            call(FORK, &[]),
            Op::JumpIfZero(13),
            // The limit is reached, but for the first; the others have tried by then.
            Op::Spin(20_000_000),
            Op::Spin(20_000_000),
            Op::Spin(20_000_000),
            call(FORK, &[]),
            Op::JumpIfZero(13),
            call(FORK, &[]),
            Op::Expect(AGAIN),
            Op::Spin(200_000_000),
            exit(0),
            Op::Spin(20_000_000),
            call(FORK, &[]),
            Op::Expect(AGAIN),
            Op::Jump(13),
        ],
    );
    sandbox.kernel.settings.max_tasks = 3;
    sandbox.kernel.settings.spare_tasks = 1;
    assert_eq!(sandbox.run(10_000), Some(End::Exited(0)));
}

#[test]
fn a_thread_shares_everything_and_clears_its_word_at_its_end() {
    const FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x20_0000;
    passes(alloc::vec![
        Op::Store(DATA, 1),
        call(CLONE, &[FLAGS, DATA + 0x800, 0, DATA, 0]),
        Op::JumpIfZero(7),
        // futex WAIT on the word until the kernel clears it.
        call(202, &[DATA, 0, 1, 0, 0, 0]),
        Op::Load(DATA + 16),
        Op::ExpectRbx(5),
        exit(0),
        Op::Spin(20_000_000),
        Op::Store(DATA + 16, 5),
        call(60, &[0]),
    ]);
}

#[test]
fn clone_refuses_what_linux_refuses() {
    let refused = [
        (0x1_0000, -22),   // THREAD without SIGHAND
        (0x800, -22),      // SIGHAND without VM
        (0x1000_0000, -1), // a user namespace
        (0x1000, -22),     // a pidfd
        (65, -22),         // no such signal
    ];
    let mut ops = alloc::vec![];
    for (flags, error) in refused {
        ops.extend([call(CLONE, &[flags]), Op::Expect(error)]);
    }
    ops.push(Op::Call(39, alloc::vec![Arg::Rbx]));
    ops.push(exit(0));
    passes(ops);
    assert_eq!(at(0), super::tiny::BASE);
}
