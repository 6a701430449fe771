//! Tests of flock and record locks.

use super::world::*;
use crate::*;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

const SHARED: u32 = linux::LOCK_SH;
const EXCLUSIVE: u32 = linux::LOCK_EX;

fn flock_bytes(kind: u32, start: i64, length: i64) -> Memory {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&(kind as u16).to_le_bytes());
    bytes[8..16].copy_from_slice(&start.to_le_bytes());
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    Memory(Vec::from(bytes))
}

fn lock(
    world: &mut World,
    pid: u32,
    fd: i32,
    command: u32,
    kind: u32,
    range: (i64, i64),
) -> Attempt<u64> {
    let mut memory = flock_bytes(kind, range.0, range.1);
    world.by(pid, |vfs, cx| vfs.fcntl(cx, fd, command, 0, &mut memory))
}

fn open_by(world: &mut World, pid: u32) -> i32 {
    world
        .by(pid, |vfs, cx| {
            vfs.openat(cx, AT, b"/f", O_RDWR | O_CREAT, 0o666)
        })
        .unwrap()
}

#[test]
fn whole_file_locks_belong_to_the_open_file() {
    let mut world = World::new();
    let (a, b) = (open_by(&mut world, 10), open_by(&mut world, 10));
    let twin = world.run(|vfs, cx| vfs.dup(cx, a)).unwrap();
    let flock =
        |world: &mut World, fd, operation| world.run(|vfs, cx| vfs.flock(cx, fd, operation));
    assert_eq!(flock(&mut world, a, SHARED), Ok(()));
    assert_eq!(flock(&mut world, b, SHARED), Ok(()));
    assert_eq!(
        errno(flock(&mut world, a, EXCLUSIVE | linux::LOCK_NB)),
        Errno::EAGAIN
    );
    assert_eq!(
        flock(&mut world, b, EXCLUSIVE),
        Ok(()),
        "a gave its shared lock up when it asked for more"
    );
    let Err(Stop::Block(queue)) = flock(&mut world, a, SHARED) else {
        panic!("b has it")
    };
    world.vfs.take_events();
    assert_eq!(flock(&mut world, b, linux::LOCK_UN), Ok(()));
    assert!(world.vfs.take_events().contains(&Event::Wake(queue)));
    assert_eq!(flock(&mut world, a, EXCLUSIVE), Ok(()));
    world.run(|vfs, cx| vfs.close(cx, a)).unwrap();
    assert_eq!(
        errno(flock(&mut world, b, EXCLUSIVE | linux::LOCK_NB)),
        Errno::EAGAIN,
        "the duplicate keeps it"
    );
    world.run(|vfs, cx| vfs.close(cx, twin)).unwrap();
    assert_eq!(flock(&mut world, b, EXCLUSIVE | linux::LOCK_NB), Ok(()));
}

#[test]
fn record_locks_split_merge_and_end_with_any_close() {
    let mut world = World::new();
    let (a, b) = (open_by(&mut world, 10), open_by(&mut world, 11));
    let (read, write, unlock) = (linux::F_RDLCK, linux::F_WRLCK, linux::F_UNLCK);
    let (set, wait, get) = (linux::F_SETLK, linux::F_SETLKW, linux::F_GETLK);
    assert_eq!(lock(&mut world, 10, a, set, write, (0, 100)), Ok(0));
    assert_eq!(lock(&mut world, 10, a, set, unlock, (40, 20)), Ok(0));
    assert_eq!(lock(&mut world, 11, b, set, write, (40, 20)), Ok(0));
    assert_eq!(
        errno(lock(&mut world, 11, b, set, read, (39, 1))),
        Errno::EAGAIN
    );
    assert!(matches!(
        lock(&mut world, 11, b, wait, read, (99, 0)),
        Err(Stop::Block(_))
    ));
    let mut memory = flock_bytes(write, 50, 0);
    world
        .by(11, |vfs, cx| vfs.fcntl(cx, b, get, 0, &mut memory))
        .unwrap();
    assert_eq!(
        (memory.0[0], memory.0[8], memory.0[16], memory.0[24]),
        (1, 60, 40, 10)
    );
    let mut memory = flock_bytes(write, 200, 10);
    world
        .by(11, |vfs, cx| vfs.fcntl(cx, b, get, 0, &mut memory))
        .unwrap();
    assert_eq!(memory.0[0], 2, "free");
    let other = open_by(&mut world, 10);
    world.by(10, |vfs, cx| vfs.close(cx, other)).unwrap();
    assert_eq!(
        lock(&mut world, 11, b, set, write, (0, 0)),
        Ok(0),
        "closing another descriptor lost them all"
    );
    assert_eq!(
        errno(lock(&mut world, 10, a, set, read, (i64::MAX - 1, 1))),
        Errno::EAGAIN
    );
    assert_eq!(
        errno(lock(&mut world, 10, a, set, 9, (0, 1))),
        Errno::EINVAL
    );
    assert_eq!(
        errno(lock(&mut world, 10, a, set, read, (-1, 1))),
        Errno::EINVAL
    );
    let fds = world.processes.0[1].1.fds.unwrap();
    world.vfs.release_fds(fds, 11);
    assert_eq!(lock(&mut world, 10, a, set, write, (0, 0)), Ok(0));
}

#[test]
fn locks_of_open_files_are_apart_from_the_process() {
    let mut world = World::new();
    let (a, b) = (open_by(&mut world, 10), open_by(&mut world, 10));
    let set = linux::F_OFD_SETLK;
    assert_eq!(lock(&mut world, 10, a, set, linux::F_WRLCK, (0, 10)), Ok(0));
    assert_eq!(
        errno(lock(&mut world, 10, b, set, linux::F_RDLCK, (5, 1))),
        Errno::EAGAIN
    );
    world.run(|vfs, cx| vfs.close(cx, a)).unwrap();
    assert_eq!(lock(&mut world, 10, b, set, linux::F_RDLCK, (5, 1)), Ok(0));
}
