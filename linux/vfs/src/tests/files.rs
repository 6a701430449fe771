//! Tests of open files: offsets, duplicates, limits, permissions, memory files, attributes.

use super::world::*;
use crate::constants::{
    AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET,
};
use crate::*;
use alloc::vec;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;
use sundog_protocols::file::{SetTime, Time};

fn write(world: &mut World, fd: i32, text: &str) -> Attempt<usize> {
    world.run(|vfs, cx| vfs.write(cx, fd, text.as_bytes()))
}

fn fcntl(world: &mut World, fd: i32, command: u32, argument: u64) -> Attempt<u64> {
    world.run(|vfs, cx| vfs.fcntl(cx, fd, command, argument, &mut Memory(vec![])))
}

fn seek(world: &mut World, fd: i32, offset: i64, whence: u32) -> Result<u64, Errno> {
    world.run(|vfs, cx| vfs.lseek(cx, fd, offset, whence))
}

#[test]
fn duplicates_and_forks_share_the_offset_other_opens_do_not() {
    let mut world = World::new();
    world.write_file("/f", "0123456789");
    let fd = world.open("/f", O_RDWR).unwrap();
    let twin = world.run(|vfs, cx| vfs.dup(cx, fd)).unwrap();
    let other = world.open("/f", O_RDONLY).unwrap();
    let mut part = [0; 4];
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, fd, &mut part)), Ok(4));
    assert_eq!(world.read_fd(twin), Ok(b"456789".to_vec()));
    assert_eq!(world.read_fd(other), Ok(b"0123456789".to_vec()));
    assert_eq!(world.run(|vfs, cx| vfs.pread(cx, fd, &mut part, 8)), Ok(2));
    assert_eq!(world.run(|vfs, cx| vfs.pwrite(cx, fd, b"ab", 1)), Ok(2));
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.pread(cx, fd, &mut part, -1))),
        Errno::EINVAL
    );
    assert_eq!(seek(&mut world, fd, 0, SEEK_CUR), Ok(10));
    assert_eq!(seek(&mut world, twin, -9, SEEK_END), Ok(1));
    assert_eq!(seek(&mut world, fd, -11, SEEK_END), Err(Errno::EINVAL));
    assert_eq!(world.read_fd(fd), Ok(b"ab3456789".to_vec()));
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.write(cx, other, b"x"))),
        Errno::EBADF
    );
}

#[test]
fn append_writes_to_the_end_wherever_it_was() {
    let mut world = World::new();
    world.write_file("/f", "one");
    let fd = world.open("/f", O_WRONLY | O_APPEND).unwrap();
    seek(&mut world, fd, 0, SEEK_SET).unwrap();
    write(&mut world, fd, "two").unwrap();
    assert_eq!(world.run(|vfs, cx| vfs.pwrite(cx, fd, b"three", 0)), Ok(5));
    assert_eq!(world.read_file("/f"), Ok(b"onetwothree".to_vec()));
    assert_eq!(seek(&mut world, fd, 0, SEEK_CUR), Ok(6));
    fcntl(&mut world, fd, linux::F_SETFL, 0).unwrap();
    assert_eq!(
        fcntl(&mut world, fd, linux::F_GETFL, 0),
        Ok(u64::from(O_WRONLY | 0o100000))
    );
    assert_eq!(world.run(|vfs, cx| vfs.pwrite(cx, fd, b"ONE", 0)), Ok(3));
    assert_eq!(world.read_file("/f"), Ok(b"ONEtwothree".to_vec()));
}

#[test]
fn descriptors_are_the_lowest_free_ones() {
    let mut world = World::new();
    let fds: Vec<i32> = (0..5).map(|_| world.open("/", O_RDONLY).unwrap()).collect();
    assert_eq!(fds, [0, 1, 2, 3, 4]);
    let close = |world: &mut World, fd| world.run(|vfs, cx| vfs.close(cx, fd));
    close(&mut world, 3).unwrap();
    close(&mut world, 1).unwrap();
    assert_eq!(
        (close(&mut world, 1), close(&mut world, -1)),
        (Err(Errno::EBADF), Err(Errno::EBADF))
    );
    assert_eq!(world.open("/", O_RDONLY), Ok(1));
    assert_eq!(fcntl(&mut world, 0, linux::F_DUPFD, 2), Ok(3));
    assert_eq!(fcntl(&mut world, 0, linux::F_DUPFD_CLOEXEC, 10), Ok(10));
    assert_eq!(
        (
            fcntl(&mut world, 10, linux::F_GETFD, 0),
            fcntl(&mut world, 3, linux::F_GETFD, 0)
        ),
        (Ok(1), Ok(0))
    );
    let dup2 = |world: &mut World, from, to| world.run(|vfs, cx| vfs.dup2(cx, from, to));
    assert_eq!(
        (
            dup2(&mut world, 0, 20),
            dup2(&mut world, 0, 0),
            dup2(&mut world, 9, 9)
        ),
        (Ok(20), Ok(0), Err(Errno::EBADF))
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.dup3(cx, 0, 0, 0)),
        Err(Errno::EINVAL)
    );
    assert_eq!(world.run(|vfs, cx| vfs.dup3(cx, 0, 21, O_CLOEXEC)), Ok(21));
    assert_eq!(dup2(&mut world, 0, 256), Err(Errno::EBADF));
    assert_eq!(
        errno(fcntl(&mut world, 0, linux::F_DUPFD, 256)),
        Errno::EINVAL
    );
    world.run(|vfs, cx| vfs.close_on_exec(cx));
    assert_eq!(
        (close(&mut world, 21), close(&mut world, 20)),
        (Err(Errno::EBADF), Ok(()))
    );
    world
        .run(|vfs, cx| vfs.close_range(cx, 2, u32::MAX, 0))
        .unwrap();
    assert_eq!(world.open("/", O_RDONLY), Ok(2));
    while world.open("/", O_RDONLY).is_ok() {}
    assert_eq!(errno(world.open("/new", O_CREAT | O_WRONLY)), Errno::EMFILE);
    assert_eq!(
        world.stat("/new"),
        Err(Errno::ENOENT),
        "a full table makes no file"
    );
    assert_eq!(world.run(|vfs, cx| vfs.pipe2(cx, 0)), Err(Errno::EMFILE));
    assert_eq!(
        world.run(|vfs, cx| vfs.close_range(cx, 5, 4, 0)),
        Err(Errno::EINVAL)
    );
}

#[test]
fn everything_is_given_back() {
    let mut world = World::new();
    world.mkdir("/d").unwrap();
    for _ in 0..3 {
        for index in 0..20 {
            world.write_file(&alloc::format!("/d/{index}"), "text");
        }
        world.run(|vfs, cx| vfs.pipe2(cx, 0)).unwrap();
        world.run(|vfs, cx| vfs.socketpair(cx, 0)).unwrap();
        world.run(|vfs, cx| vfs.eventfd2(cx, 0, 0)).unwrap();
        world.run(|vfs, cx| vfs.epoll_create1(cx, 0)).unwrap();
        world.run(|vfs, cx| vfs.memfd_create(cx, b"m", 0)).unwrap();
        world
            .run(|vfs, cx| vfs.close_range(cx, 0, u32::MAX, 0))
            .unwrap();
        assert_eq!(
            (
                world.vfs.files.len(),
                world.vfs.pipes.len(),
                world.vfs.sockets.len()
            ),
            (0, 0, 0)
        );
        assert_eq!((world.vfs.counters.len(), world.vfs.seals.len()), (0, 0));
        for index in 0..20 {
            world
                .run(|vfs, cx| vfs.unlinkat(cx, AT, alloc::format!("/d/{index}").as_bytes(), 0))
                .unwrap();
        }
    }
    for _ in 0..500 {
        world.write_file("/name", "x");
        world
            .run(|vfs, cx| vfs.renameat2(cx, (AT, b"/name"), (AT, b"/other"), 0))
            .unwrap();
    }
    assert!(
        world.vfs.dentries.table.len() < 70,
        "{}",
        world.vfs.dentries.table.len()
    );
    let (fs, fds) = (
        world.processes.0[1].1.fs.unwrap(),
        world.processes.0[1].1.fds.unwrap(),
    );
    world.vfs.release_fs(fs);
    world.vfs.release_fds(fds, 11);
    assert_eq!(
        (world.vfs.working.len(), world.vfs.descriptors.len()),
        (2, 2)
    );
}

#[test]
fn permission_bits_bind_everybody_but_the_overriding() {
    let mut world = World::new();
    world.write_file("/f", "x");
    world.mkdir("/d").unwrap();
    world.write_file("/d/g", "x");
    let chmod = |world: &mut World, uid, path: &[u8], mode| {
        world.by_user(10, uid, |vfs, cx| vfs.fchmodat(cx, AT, path, mode, 0))
    };
    chmod(&mut world, 0, b"/f", 0o640).unwrap();
    chmod(&mut world, 0, b"/d", 0o700).unwrap();
    world
        .run(|vfs, cx| vfs.fchownat(cx, AT, b"/f", (5, 6), 0))
        .unwrap();
    let open = |world: &mut World, uid, path: &[u8], flags| {
        world
            .by_user(10, uid, |vfs, cx| vfs.openat(cx, AT, path, flags, 0o666))
            .map(|_| ())
    };
    assert_eq!(open(&mut world, 5, b"/f", O_RDWR), Ok(()));
    assert_eq!(open(&mut world, 6, b"/f", O_RDONLY), Ok(()), "by group");
    assert_eq!(errno(open(&mut world, 6, b"/f", O_WRONLY)), Errno::EACCES);
    assert_eq!(
        errno(open(&mut world, 6, b"/f", O_RDONLY | O_TRUNC)),
        Errno::EACCES
    );
    assert_eq!(errno(open(&mut world, 7, b"/f", O_RDONLY)), Errno::EACCES);
    assert_eq!(open(&mut world, 7, b"/f", O_PATH), Ok(()));
    assert_eq!(
        errno(open(&mut world, 7, b"/d/g", O_RDONLY)),
        Errno::EACCES,
        "no search permission"
    );
    assert_eq!(
        errno(open(&mut world, 7, b"/new", O_CREAT | O_RDONLY)),
        Errno::EACCES
    );
    assert_eq!(chmod(&mut world, 6, b"/f", 0o777), Err(Errno::EPERM));
    assert_eq!(chmod(&mut world, 5, b"/f", 0o6755), Ok(()));
    let chown = |world: &mut World, uid, owner| {
        world.by_user(10, uid, |vfs, cx| vfs.fchownat(cx, AT, b"/f", owner, 0))
    };
    assert_eq!(chown(&mut world, 5, (7, u32::MAX)), Err(Errno::EPERM));
    assert_eq!(chown(&mut world, 5, (u32::MAX, 5)), Ok(()));
    assert_eq!(
        world.stat("/f").unwrap().attr.mode,
        0o755,
        "set-uid and set-gid go with the owner"
    );
    let access = |world: &mut World, uid, mode| {
        world.by_user(10, uid, |vfs, cx| vfs.faccessat(cx, AT, b"/f", mode, 0))
    };
    assert_eq!(
        (access(&mut world, 9, 5), access(&mut world, 9, 2)),
        (Ok(()), Err(Errno::EACCES))
    );
    chmod(&mut world, 0, b"/f", 0o644).unwrap();
    assert_eq!(
        (access(&mut world, 0, 6), access(&mut world, 0, 1)),
        (Ok(()), Err(Errno::EACCES)),
        "even root needs an x"
    );
    let exec = world.run(|vfs, cx| vfs.open_exec(cx, AT, b"/f", 0));
    assert_eq!(errno(exec), Errno::EACCES);
    chmod(&mut world, 0, b"/d", 0o1777).unwrap();
    let unlink =
        |world: &mut World, uid| world.by_user(10, uid, |vfs, cx| vfs.unlinkat(cx, AT, b"/d/g", 0));
    assert_eq!(unlink(&mut world, 7), Err(Errno::EPERM), "sticky");
    assert_eq!(unlink(&mut world, 0), Ok(()));
}

#[test]
fn umask_times_and_sizes() {
    let mut world = World::new();
    assert_eq!(world.run(|vfs, cx| vfs.umask(cx, 0o077)), 0o022);
    world.write_file("/f", "0123456789");
    world.mkdir("/d").unwrap();
    assert_eq!(
        (
            world.stat("/f").unwrap().attr.mode,
            world.stat("/d").unwrap().attr.mode
        ),
        (0o600, 0o700)
    );
    let time = Time {
        seconds: 77,
        nanos: 8,
    };
    let times = (None, Some(SetTime::At(time)));
    world
        .run(|vfs, cx| vfs.utimensat(cx, AT, Some(b"/f"), times, 0))
        .unwrap();
    let attr = world.stat("/f").unwrap().attr;
    assert_eq!(
        (attr.modified, attr.accessed.seconds, attr.changed.seconds),
        (time, 1000, 1000)
    );
    let encoded = world.stat("/f").unwrap().encode();
    assert_eq!(encoded[88..96], 77u64.to_le_bytes());
    assert_eq!(encoded[24..28], 0o100600u32.to_le_bytes());
    assert_eq!(
        world.stat("/f").unwrap().encode_statx()[28..30],
        0o100600u16.to_le_bytes()
    );
    let truncate =
        |world: &mut World, path: &[u8], size| world.run(|vfs, cx| vfs.truncate(cx, path, size));
    world.vfs.take_events();
    truncate(&mut world, b"/f", 5).unwrap();
    let cut = world.vfs.take_events();
    assert!(
        matches!(cut[..], [Event::Truncated { first: 1, .. }]),
        "{cut:?}"
    );
    assert_eq!(truncate(&mut world, b"/f", -1), Err(Errno::EINVAL));
    assert_eq!(truncate(&mut world, b"/d", 1), Err(Errno::EISDIR));
    let fd = world.open("/f", O_RDWR).unwrap();
    world.run(|vfs, cx| vfs.ftruncate(cx, fd, 100_000)).unwrap();
    assert_eq!(seek(&mut world, fd, 0, SEEK_DATA), Ok(0));
    assert_eq!(seek(&mut world, fd, 0, SEEK_HOLE), Ok(4096));
    assert_eq!(seek(&mut world, fd, 5000, SEEK_DATA), Err(Errno::ENXIO));
    let limited = world.run(|vfs, cx| {
        vfs.pwrite(
            &Context {
                max_file_size: 8,
                ..*cx
            },
            fd,
            b"abcdef",
            6,
        )
    });
    assert_eq!(limited, Ok(2));
    let limited = world.run(|vfs, cx| {
        vfs.pwrite(
            &Context {
                max_file_size: 8,
                ..*cx
            },
            fd,
            b"abcdef",
            8,
        )
    });
    assert_eq!(errno(limited), Errno::EFBIG);
    assert!(world.vfs.take_events().contains(&Event::Signal {
        to: Target::Caller,
        signal: 25
    }));
    let read_only = world.open("/f", O_RDONLY).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.ftruncate(cx, read_only, 0)),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.fallocate(cx, fd, 0, 0, 200_000)),
        Ok(())
    );
    assert_eq!(world.stat("/f").unwrap().attr.size, 200_000);
}

#[test]
fn path_descriptors_only_point() {
    let mut world = World::new();
    world.write_file("/f", "text");
    world.symlink("f", "/l").unwrap();
    let fd = world.open("/f", O_PATH).unwrap();
    assert_eq!(errno(world.read_fd(fd)), Errno::EBADF);
    assert_eq!(
        world.run(|vfs, cx| vfs.fchmod(cx, fd, 0)),
        Err(Errno::EBADF)
    );
    assert_eq!(world.run(|vfs, cx| vfs.fstat(cx, fd)).unwrap().attr.size, 4);
    let empty = world
        .run(|vfs, cx| vfs.fstatat(cx, fd, b"", AT_EMPTY_PATH))
        .unwrap();
    assert_eq!(empty.attr.size, 4);
    assert_eq!(
        world.run(|vfs, cx| vfs.fstatat(cx, fd, b"", 0)),
        Err(Errno::ENOENT)
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.fstatat(cx, fd, b"x", 0)),
        Err(Errno::ENOTDIR)
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.fstatat(cx, 99, b"x", 0)),
        Err(Errno::EBADF)
    );
    assert_eq!(
        fcntl(&mut world, fd, linux::F_GETFL, 0),
        Ok(u64::from(O_PATH))
    );
    let link = world.open("/l", O_PATH | O_NOFOLLOW).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.readlinkat(cx, link, b"")).unwrap(),
        b"f"
    );
    assert_eq!(errno(world.open("/l", O_RDONLY | O_NOFOLLOW)), Errno::ELOOP);
    let stat = world
        .run(|vfs, cx| vfs.fstatat(cx, AT, b"/l", AT_SYMLINK_NOFOLLOW))
        .unwrap();
    assert_eq!(stat.mode(), 0o120777);
    assert_eq!(
        world.read_file(&alloc::format!("/proc/self/fd/{fd}")),
        Ok(b"text".to_vec())
    );
}

#[test]
fn memory_files_obey_their_seals() {
    let mut world = World::new();
    let fd = world
        .run(|vfs, cx| vfs.memfd_create(cx, b"pixels", linux::MFD_ALLOW_SEALING))
        .unwrap();
    write(&mut world, fd, "0123456789").unwrap();
    let name = world
        .run(|vfs, cx| vfs.readlinkat(cx, AT, b"/proc/self/fd/0"))
        .unwrap();
    assert_eq!(name, b"/memfd:pixels (deleted)");
    fcntl(
        &mut world,
        fd,
        linux::F_ADD_SEALS,
        u64::from(linux::F_SEAL_SHRINK),
    )
    .unwrap();
    let resize = |world: &mut World, size| world.run(|vfs, cx| vfs.ftruncate(cx, fd, size));
    assert_eq!(
        (resize(&mut world, 5), resize(&mut world, 20)),
        (Err(Errno::EPERM), Ok(()))
    );
    let again = world.open("/proc/self/fd/0", O_RDWR).unwrap();
    fcntl(
        &mut world,
        again,
        linux::F_ADD_SEALS,
        u64::from(linux::F_SEAL_GROW),
    )
    .unwrap();
    assert_eq!(resize(&mut world, 30), Err(Errno::EPERM));
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.pwrite(cx, fd, b"xxx", 18))),
        Errno::EPERM
    );
    fcntl(
        &mut world,
        fd,
        linux::F_ADD_SEALS,
        u64::from(linux::F_SEAL_WRITE | linux::F_SEAL_SEAL),
    )
    .unwrap();
    assert_eq!(errno(write(&mut world, fd, "x")), Errno::EPERM);
    assert_eq!(
        errno(fcntl(&mut world, fd, linux::F_ADD_SEALS, 1)),
        Errno::EPERM
    );
    assert_eq!(fcntl(&mut world, fd, linux::F_GET_SEALS, 0), Ok(15));
    let plain = world.run(|vfs, cx| vfs.memfd_create(cx, b"", 0)).unwrap();
    assert_eq!(fcntl(&mut world, plain, linux::F_GET_SEALS, 0), Ok(1));
    let file = world.run(|vfs, cx| vfs.file_of(cx, plain)).unwrap();
    assert_eq!(world.vfs.file_page(file, 0, true), Err(Errno::ENXIO));
    world.run(|vfs, cx| vfs.ftruncate(cx, plain, 4096)).unwrap();
    let frame = world.vfs.file_page(file, 0, false).unwrap();
    assert_eq!(world.vfs.file_page(file, 0, true), Ok(frame));
    assert!(frame.is_some());
    assert_eq!(world.vfs.file_page(file, 0, false), Ok(frame));
    world.vfs.release_file(file);
}
