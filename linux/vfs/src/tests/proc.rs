//! Tests of /proc.

use super::world::*;
use crate::constants::AT_SYMLINK_NOFOLLOW;
use crate::*;
use alloc::string::String;

fn text(world: &mut World, path: &str) -> String {
    String::from_utf8(world.read_file(path).unwrap()).unwrap()
}

#[test]
fn texts_come_from_the_core_and_only_listed_names_exist() {
    let mut world = World::new();
    assert_eq!(text(&mut world, "/proc/self/stat"), "Stat of 10\n");
    assert_eq!(text(&mut world, "/proc/11/cmdline"), "Cmdline of 11\n");
    assert_eq!(
        text(&mut world, "/proc/10/task/10/status"),
        "Status of 10\n"
    );
    assert_eq!(text(&mut world, "/proc/meminfo"), "Meminfo\n");
    assert_eq!(
        text(&mut world, "/proc/sys/kernel/cap_last_cap"),
        "CapLastCap\n"
    );
    assert_eq!(
        text(&mut world, "/proc/sys/vm/overcommit_memory"),
        "OvercommitMemory\n"
    );
    assert!(text(&mut world, "/proc/filesystems").contains("nodev\ttmpfs\n"));
    for path in [
        "kcore",
        "kmsg",
        "1",
        "010",
        "+10",
        "sysrq-trigger",
        "sys/kernel/core_pattern",
        "self/mem",
        "12/stat",
    ] {
        let path = alloc::format!("/proc/{path}");
        assert_eq!(errno(world.open(&path, O_RDONLY)), Errno::ENOENT, "{path}");
    }
    assert_eq!(
        errno(world.open("/proc/new", O_CREAT | O_WRONLY)),
        Errno::ENOENT
    );
    assert_eq!(
        errno(world.open("/proc/self/stat", O_WRONLY)),
        Errno::EACCES
    );
    assert_eq!(world.mkdir("/proc/dir"), Err(Errno::ENOENT));
    assert_eq!(
        world.run(|vfs, cx| vfs.unlinkat(cx, AT, b"/proc/meminfo", 0)),
        Err(Errno::EPERM)
    );
}

#[test]
fn folders_list_what_can_be_opened() {
    let mut world = World::new();
    let names = world.list("/proc", 200);
    for name in ["self", "10", "11", "100", "meminfo", "sys", "mounts"] {
        assert!(
            names.iter().any(|listed| listed == name.as_bytes()),
            "{name}"
        );
    }
    world.open("/", O_RDONLY | O_DIRECTORY).unwrap();
    let fds = world.list("/proc/self/fd", 4096);
    assert_eq!(
        fds,
        [&b"."[..], b"..", b"0", b"1"],
        "its own descriptor too"
    );
    for name in world.list("/proc/self", 4096) {
        let path = alloc::format!("/proc/self/{}", String::from_utf8(name).unwrap());
        let stat = world
            .run(|vfs, cx| vfs.fstatat(cx, AT, path.as_bytes(), constants::AT_SYMLINK_NOFOLLOW));
        assert!(stat.is_ok(), "{path}");
    }
    world.processes.0.retain(|(pid, _)| *pid != 11);
    assert_eq!(world.stat("/proc/11/stat"), Err(Errno::ENOENT));
}

#[test]
fn links_to_open_files_show_what_they_are_open_for() {
    let mut world = World::new();
    world.write_file("/file", "text");
    for (flags, mode) in [
        (O_RDONLY, 0o500),
        (O_WRONLY, 0o300),
        (O_RDWR, 0o700),
        (O_PATH | O_RDWR, 0),
    ] {
        let fd = world.open("/file", flags).unwrap();
        let link = alloc::format!("/proc/self/fd/{fd}");
        let stat = world.run(|vfs, cx| vfs.fstatat(cx, AT, link.as_bytes(), AT_SYMLINK_NOFOLLOW));
        assert_eq!(stat.unwrap().mode(), 0o120000 | mode, "{flags:o}");
    }
}

#[test]
fn links_lead_to_the_things_themselves() {
    let mut world = World::new();
    world.mkdir("/dir").unwrap();
    world.write_file("/dir/file", "text");
    world.run(|vfs, cx| vfs.chdir(cx, b"/dir")).unwrap();
    let fd = world.open("file", O_RDONLY).unwrap();
    let read = |world: &mut World, path: &str| {
        world.run(|vfs, cx| vfs.readlinkat(cx, AT, path.as_bytes()))
    };
    assert_eq!(read(&mut world, "/proc/self").unwrap(), b"10");
    assert_eq!(read(&mut world, "/proc/self/cwd").unwrap(), b"/dir");
    assert_eq!(read(&mut world, "/proc/self/root").unwrap(), b"/");
    let link = alloc::format!("/proc/self/fd/{fd}");
    assert_eq!(read(&mut world, &link).unwrap(), b"/dir/file");
    assert_eq!(world.read_file("/proc/self/cwd/file"), Ok(b"text".to_vec()));
    world
        .run(|vfs, cx| vfs.unlinkat(cx, AT, b"/dir/file", 0))
        .unwrap();
    assert_eq!(read(&mut world, &link).unwrap(), b"/dir/file (deleted)");
    assert_eq!(
        world.read_file(&link),
        Ok(b"text".to_vec()),
        "opened anew without its name"
    );
    assert_eq!(read(&mut world, "/proc/self/exe"), Err(Errno::ENOENT));
    let program = world.open("/dir", O_PATH).unwrap();
    let file = world.run(|vfs, cx| vfs.descriptor(cx, program)).unwrap();
    world.processes.0[0].1.exe = Some(file);
    assert_eq!(read(&mut world, "/proc/self/exe").unwrap(), b"/dir");
    let stranger = world.by_user(11, 5, |vfs, cx| vfs.readlinkat(cx, AT, b"/proc/10/cwd"));
    assert_eq!(stranger, Err(Errno::EACCES));
}

#[test]
fn mounts_are_seen_as_the_process_sees_them() {
    let mut world = World::new();
    world
        .vfs
        .mount(
            b"/my data",
            tmpfs(),
            MountFlags::default(),
            b"tmp",
            b"tmpfs",
        )
        .unwrap();
    world.mkdir("/my data/root").unwrap();
    let read_only = MountFlags {
        read_only: true,
        ..MountFlags::default()
    };
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/my data/root", 0), b"/my data/root", read_only))
        .unwrap();
    let mounts = text(&mut world, "/proc/mounts");
    let lines: alloc::vec::Vec<&str> = mounts.lines().collect();
    assert_eq!(lines[0], "sundog / rootfs rw,nodev,relatime 0 0");
    assert_eq!(lines[1], "dev /dev devtmpfs rw,nosuid,noexec,relatime 0 0");
    assert_eq!(lines[3], "tmp /my\\040data tmpfs rw,nodev,relatime 0 0");
    assert_eq!(lines.len(), 5);
    let info = text(&mut world, "/proc/self/mountinfo");
    let last = info.lines().last().unwrap();
    assert_eq!(
        last,
        "24 23 0:19 /root /my\\040data/root ro,nodev,relatime - tmpfs tmp ro"
    );
    world
        .run(|vfs, cx| vfs.chroot(cx, b"/my data/root"))
        .unwrap();
    let fd = world
        .by(11, |vfs, cx| {
            vfs.openat(cx, AT, b"/proc/10/mounts", O_RDONLY, 0)
        })
        .unwrap();
    let mut buffer = [0; 500];
    let count = world
        .by(11, |vfs, cx| vfs.read(cx, fd, &mut buffer))
        .unwrap();
    assert_eq!(&buffer[..count], b"tmp / tmpfs ro,nodev,relatime 0 0\n");
}
