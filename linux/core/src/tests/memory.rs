//! Address spaces through system calls: mmap and its relatives, shared memory, limits.
use super::tiny::{DATA, Op, Sandbox, call, exit, passes};
use crate::process::End;

const MMAP: u64 = 9;
const PRIVATE_ANONYMOUS: u64 = 0x22;
const SHARED_ANONYMOUS: u64 = 0x21;
const FIXED: u64 = 0x10;
const NONE: u64 = u64::MAX;
const ROOM: u64 = 0x1000_0000;

#[test]
fn shared_memory_is_seen_on_both_sides_of_a_fork() {
    passes(alloc::vec![
        call(MMAP, &[ROOM, 4096, 3, SHARED_ANONYMOUS | FIXED, NONE, 0]),
        Op::Expect(ROOM as i64),
        call(57, &[]),
        Op::JumpIfZero(8),
        call(61, &[u64::MAX, 0, 0, 0]),
        Op::Load(ROOM + 8),
        Op::ExpectRbx(42),
        exit(0),
        Op::Store(ROOM + 8, 42),
        exit(0),
    ]);
}

#[test]
fn the_same_memory_file_can_be_mapped_twice_in_a_row() {
    passes(alloc::vec![
        Op::Store(DATA, u64::from_le_bytes(*b"ring\0\0\0\0")),
        call(319, &[DATA, 0]),
        Op::Expect(0),
        call(77, &[0, 4096]),
        call(MMAP, &[ROOM, 4096, 3, 1 | FIXED, 0, 0]),
        call(MMAP, &[ROOM + 4096, 4096, 3, 1 | FIXED, 0, 0]),
        Op::Expect(ROOM as i64 + 4096),
        Op::Store(ROOM + 16, 99),
        Op::Load(ROOM + 4096 + 16),
        Op::ExpectRbx(99),
        // And the file reads what was stored.
        call(17, &[0, DATA + 8, 8, 16]),
        Op::Load(DATA + 8),
        Op::ExpectRbx(99),
        // Cut off, the page is gone.
        call(57, &[]),
        Op::JumpIfZero(19),
        call(61, &[u64::MAX, DATA + 8, 0, 0]),
        Op::Load(DATA + 8),
        Op::ExpectRbx(7),
        exit(0),
        call(77, &[0, 0]),
        Op::Load(ROOM + 16),
        exit(0),
    ]);
}

#[test]
fn protection_is_checked_at_once() {
    passes(alloc::vec![
        call(MMAP, &[ROOM, 8192, 3, PRIVATE_ANONYMOUS | FIXED, NONE, 0]),
        Op::Store(ROOM, 1),
        Op::Store(ROOM + 4096, 1),
        call(10, &[ROOM, 4096, 1]),
        Op::Expect(0),
        // The system may not write there either.
        call(96, &[ROOM, 0]),
        Op::Expect(-14),
        call(96, &[ROOM + 4096, 0]),
        Op::Expect(0),
        call(10, &[ROOM, 4096, 0]),
        call(1, &[0, ROOM, 8]),
        call(10, &[ROOM, 4096, 3]),
        Op::Load(ROOM),
        Op::ExpectRbx(1),
        call(10, &[ROOM, 3 * 4096, 1]),
        Op::Expect(-12),
        call(11, &[ROOM, 4096]),
        call(96, &[ROOM, 0]),
        Op::Expect(-14),
        exit(0),
    ]);
}

#[test]
fn mremap_moves_contents_and_dontneed_drops_them() {
    passes(alloc::vec![
        call(MMAP, &[ROOM, 4096, 3, PRIVATE_ANONYMOUS | FIXED, NONE, 0]),
        call(
            MMAP,
            &[ROOM + 4096, 4096, 3, SHARED_ANONYMOUS | FIXED, NONE, 0]
        ),
        Op::Store(ROOM, 5),
        call(25, &[ROOM, 4096, 8192, 0, 0]),
        Op::Expect(-12),
        call(25, &[ROOM, 4096, 8192, 3, ROOM + 0x10_0000]),
        Op::Expect(ROOM as i64 + 0x10_0000),
        Op::Load(ROOM + 0x10_0000),
        Op::ExpectRbx(5),
        Op::Store(ROOM + 0x10_1000, 6),
        call(28, &[ROOM + 0x10_0000, 8192, 4]),
        Op::Load(ROOM + 0x10_0000),
        Op::ExpectRbx(0),
        call(96, &[ROOM, 0]),
        Op::Expect(-14),
        exit(0),
    ]);
}

#[test]
fn promises_beyond_the_pool_are_refused() {
    passes(alloc::vec![
        call(MMAP, &[0, 512 * 4096, 3, PRIVATE_ANONYMOUS, NONE, 0]),
        Op::Expect(-12),
        call(MMAP, &[0, u64::MAX, 3, PRIVATE_ANONYMOUS, NONE, 0]),
        Op::Expect(-12),
        call(MMAP, &[0, 0, 3, PRIVATE_ANONYMOUS, NONE, 0]),
        Op::Expect(-22),
        call(MMAP, &[0, 1 << 40, 3, PRIVATE_ANONYMOUS | 0x4000, NONE, 0]),
        call(12, &[0]),
        Op::Keep,
        call(12, &[ROOM * 16]),
        exit(0),
    ]);
}

#[test]
fn whoever_takes_all_memory_is_ended_and_others_go_on() {
    let mut bomb = alloc::vec![
        call(57, &[]),
        Op::JumpIfZero(5),
        call(61, &[u64::MAX, DATA, 0, 0]),
        Op::Load(DATA),
        Op::Jump(6 + 200),
        call(
            MMAP,
            &[
                ROOM,
                1 << 30,
                3,
                PRIVATE_ANONYMOUS | FIXED | 0x4000,
                NONE,
                0
            ]
        ),
    ];
    bomb.extend((0..200).map(|page| Op::Store(ROOM + page * 4096, 1)));
    bomb.extend([Op::ExpectRbx(9), exit(0)]);
    let mut sandbox = Sandbox::new(128, 0, bomb);
    assert_eq!(sandbox.run(10_000), Some(End::Exited(0)));
}
