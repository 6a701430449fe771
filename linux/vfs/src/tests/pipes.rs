//! Tests of pipes, FIFOs, socket pairs, eventfd, poll.

use super::world::*;
use crate::*;
use alloc::vec;
use linux_raw_sys::general as linux;

fn pipe(world: &mut World, flags: u32) -> (i32, i32) {
    world.run(|vfs, cx| vfs.pipe2(cx, flags)).unwrap()
}

fn write(world: &mut World, fd: i32, bytes: &[u8]) -> Attempt<usize> {
    world.run(|vfs, cx| vfs.write(cx, fd, bytes))
}

fn close(world: &mut World, fd: i32) {
    world.run(|vfs, cx| vfs.close(cx, fd)).unwrap();
}

fn ready(world: &mut World, fd: i32) -> Ready {
    world.run(|vfs, cx| vfs.poll(cx, fd)).unwrap().ready
}

fn woken(world: &mut World, queue: Queue) -> bool {
    world.vfs.take_events().contains(&Event::Wake(queue))
}

#[test]
fn a_pipe_blocks_wakes_and_ends() {
    let mut world = World::new();
    let (read, write_end) = pipe(&mut world, 0);
    let Err(Stop::Block(queue)) = world.read_fd(read) else {
        panic!("an empty pipe blocks")
    };
    assert_eq!(ready(&mut world, read), Ready::NONE);
    world.vfs.take_events();
    assert_eq!(write(&mut world, write_end, b"hello"), Ok(5));
    assert!(woken(&mut world, queue));
    assert_eq!(ready(&mut world, read), Ready::IN);
    assert_eq!(world.read_fd(read), Ok(b"hello".to_vec()));
    assert_eq!(errno(write(&mut world, read, b"x")), Errno::EBADF);
    assert_eq!(errno(world.read_fd(write_end)), Errno::EBADF);
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.pread(cx, read, &mut [0], 0))),
        Errno::ESPIPE
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.lseek(cx, read, 0, 0)),
        Err(Errno::ESPIPE)
    );
    world.vfs.take_events();
    close(&mut world, write_end);
    assert!(
        woken(&mut world, queue),
        "the end of the writers wakes the readers"
    );
    assert_eq!(world.read_fd(read), Ok(vec![]));
    assert_eq!(ready(&mut world, read), Ready::HANGUP);
}

#[test]
fn writing_without_readers_raises_sigpipe() {
    let mut world = World::new();
    let (read, write_end) = pipe(&mut world, O_NONBLOCK);
    close(&mut world, read);
    world.vfs.take_events();
    assert_eq!(errno(write(&mut world, write_end, b"x")), Errno::EPIPE);
    let signal = Event::Signal {
        to: Target::Caller,
        signal: 13,
    };
    assert!(world.vfs.take_events().contains(&signal));
    assert_eq!(ready(&mut world, write_end), Ready::OUT.with(Ready::ERROR));
}

#[test]
fn small_writes_are_whole_large_ones_fill_up() {
    let mut world = World::new();
    let (read, write_end) = pipe(&mut world, O_NONBLOCK);
    assert_eq!(write(&mut world, write_end, &[1; 100_000]), Ok(65536));
    assert_eq!(errno(write(&mut world, write_end, b"x")), Errno::EAGAIN);
    assert_eq!(ready(&mut world, write_end), Ready::NONE);
    let mut part = [0; 100];
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, read, &mut part)), Ok(100));
    assert_eq!(
        errno(write(&mut world, write_end, &[2; 101])),
        Errno::EAGAIN,
        "not torn"
    );
    assert_eq!(write(&mut world, write_end, &[2; 100]), Ok(100));
    assert_eq!(
        errno(write(&mut world, write_end, &[2; 5000])),
        Errno::EAGAIN
    );
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, read, &mut part)), Ok(100));
    assert_eq!(
        write(&mut world, write_end, &[2; 5000]),
        Ok(100),
        "above PIPE_BUF it may be cut"
    );
    let fcntl = |world: &mut World, command, argument| {
        world.run(|vfs, cx| vfs.fcntl(cx, read, command, argument, &mut Memory(vec![])))
    };
    assert_eq!(fcntl(&mut world, linux::F_GETPIPE_SZ, 0), Ok(65536));
    assert_eq!(
        errno(fcntl(&mut world, linux::F_SETPIPE_SZ, 4096)),
        Errno::EBUSY
    );
    assert_eq!(fcntl(&mut world, linux::F_SETPIPE_SZ, 100_000), Ok(131_072));
}

#[test]
fn forked_ends_count() {
    let mut world = World::new();
    let (read, write_end) = pipe(&mut world, O_CLOEXEC);
    let fds = world.processes.0[0].1.fds.unwrap();
    let copy = world.vfs.clone_fds(fds).unwrap();
    close(&mut world, write_end);
    assert!(
        matches!(world.read_fd(read), Err(Stop::Block(_))),
        "the child still has the write end"
    );
    world.vfs.release_fds(copy, 11);
    assert_eq!(world.read_fd(read), Ok(vec![]));
    world.run(|vfs, cx| vfs.close_on_exec(cx));
    assert_eq!(errno(world.read_fd(read)), Errno::EBADF);
}

#[test]
fn a_fifo_opens_when_both_sides_are_there() {
    let mut world = World::new();
    world
        .run(|vfs, cx| vfs.mknodat(cx, AT, b"/fifo", linux::S_IFIFO | 0o644))
        .unwrap();
    assert_eq!(
        errno(world.open("/fifo", O_WRONLY | O_NONBLOCK)),
        Errno::ENXIO
    );
    let open = |world: &mut World, pid, flags| {
        world.by(pid, |vfs, cx| vfs.openat(cx, AT, b"/fifo", flags, 0))
    };
    let Err(Stop::Block(queue)) = open(&mut world, 10, O_RDONLY) else {
        panic!("waits for a writer")
    };
    let write_end = open(&mut world, 11, O_WRONLY).unwrap();
    assert!(woken(&mut world, queue));
    let written = world.by(11, |vfs, cx| {
        let count = vfs.write(cx, write_end, b"through")?;
        vfs.close(cx, write_end)?;
        Ok::<_, Stop>(count)
    });
    assert_eq!(written, Ok(7));
    let read = open(&mut world, 10, O_RDONLY).expect("its writer came, though it is gone again");
    assert_eq!(world.read_fd(read), Ok(b"through".to_vec()));
    assert_eq!(world.read_fd(read), Ok(vec![]));
    close(&mut world, read);
    let read = world.open("/fifo", O_RDONLY | O_NONBLOCK).unwrap();
    assert!(world.open("/fifo", O_WRONLY).is_ok());
    assert!(matches!(
        world.read_fd(read),
        Err(Stop::Errno(Errno::EAGAIN))
    ));
}

#[test]
fn pipes_reopen_through_proc() {
    let mut world = World::new();
    let (read, write_end) = pipe(&mut world, 0);
    assert_eq!((read, write_end), (0, 1));
    let again = world.open("/dev/fd/1", O_WRONLY).unwrap();
    assert_eq!(write(&mut world, again, b"x"), Ok(1));
    assert_eq!(world.read_file("/dev/stdin"), Ok(b"x".to_vec()));
    let link = world
        .run(|vfs, cx| vfs.readlinkat(cx, AT, b"/proc/self/fd/0"))
        .unwrap();
    assert!(link.starts_with(b"pipe:["));
    let (by_link, by_fd) = (
        world.stat("/proc/self/fd/0").unwrap(),
        world.run(|vfs, cx| vfs.fstat(cx, read)).unwrap(),
    );
    assert_eq!(by_link, by_fd);
    close(&mut world, write_end);
    assert!(
        matches!(world.read_fd(read), Err(Stop::Block(_))),
        "the reopened end counts too"
    );
}

#[test]
fn socket_pairs_carry_both_ways_and_shut_down() {
    let mut world = World::new();
    let (a, b) = world.run(|vfs, cx| vfs.socketpair(cx, O_NONBLOCK)).unwrap();
    assert_eq!(errno(world.read_fd(a)), Errno::EAGAIN);
    assert_eq!(write(&mut world, a, b"ping"), Ok(4));
    assert_eq!(write(&mut world, b, b"pong"), Ok(4));
    assert_eq!(
        (world.read_fd(b), world.read_fd(a)),
        (Ok(b"ping".to_vec()), Ok(b"pong".to_vec()))
    );
    world.run(|vfs, cx| vfs.socket_shutdown(cx, a, 1)).unwrap();
    assert_eq!(errno(write(&mut world, a, b"x")), Errno::EPIPE);
    assert_eq!(world.read_fd(b), Ok(vec![]));
    assert_eq!(
        ready(&mut world, b),
        Ready::IN.with(Ready::OUT).with(Ready::READ_HANGUP)
    );
    assert_eq!(write(&mut world, b, b"still"), Ok(5));
    close(&mut world, a);
    assert_eq!(errno(write(&mut world, b, b"x")), Errno::EPIPE);
    assert!(ready(&mut world, b).any(Ready::HANGUP));
}

#[test]
fn an_eventfd_counts() {
    let mut world = World::new();
    let fd = world
        .run(|vfs, cx| vfs.eventfd2(cx, 3, O_NONBLOCK))
        .unwrap();
    assert_eq!(world.read_fd(fd), Ok(3u64.to_le_bytes().to_vec()));
    assert_eq!(errno(world.read_fd(fd)), Errno::EAGAIN);
    assert_eq!(write(&mut world, fd, &(u64::MAX - 1).to_le_bytes()), Ok(8));
    assert_eq!(
        errno(write(&mut world, fd, &1u64.to_le_bytes())),
        Errno::EAGAIN
    );
    assert_eq!(
        errno(write(&mut world, fd, &u64::MAX.to_le_bytes())),
        Errno::EINVAL
    );
    assert_eq!(errno(write(&mut world, fd, b"short")), Errno::EINVAL);
    let semaphore = world.run(|vfs, cx| vfs.eventfd2(cx, 2, 1)).unwrap();
    assert_eq!(world.read_fd(semaphore), Ok(1u64.to_le_bytes().to_vec()));
    assert_eq!(world.read_fd(semaphore), Ok(1u64.to_le_bytes().to_vec()));
    assert!(matches!(world.read_fd(semaphore), Err(Stop::Block(_))));
}
