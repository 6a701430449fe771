//! Tests of the namespace: mounts, binds, phantom mount points, flags, gated devices.

use super::world::*;
use crate::*;
use alloc::boxed::Box;
use alloc::string::String;
use sundog_archive_core::Archive;

/// A cpio archive with /bin/tool and /lib -> bin.
fn archive() -> Box<Archive<alloc::vec::Vec<u8>>> {
    let mut bytes = alloc::vec::Vec::new();
    let entries: [(&str, u32, &str); 4] = [
        ("bin", 0o040755, ""),
        ("bin/tool", 0o100755, "code"),
        ("lib", 0o120777, "bin"),
        ("TRAILER!!!", 0, ""),
    ];
    for (index, (name, mode, data)) in entries.iter().enumerate() {
        let numbers = [
            index as u32 + 1,
            *mode,
            0,
            0,
            1,
            0,
            data.len() as u32,
            0,
            0,
            0,
            0,
            name.len() as u32 + 1,
            0,
        ];
        bytes.extend_from_slice(b"070701");
        numbers
            .iter()
            .for_each(|number| bytes.extend_from_slice(alloc::format!("{number:08x}").as_bytes()));
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(data.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    Box::new(Archive::new(bytes).unwrap())
}

const READ_ONLY: MountFlags = MountFlags {
    read_only: true,
    devices: false,
    no_exec: false,
    no_suid: false,
};

fn names(world: &mut World, path: &str) -> alloc::vec::Vec<String> {
    let mut names: alloc::vec::Vec<_> = world
        .list(path, 4096)
        .into_iter()
        .map(|name| String::from_utf8(name).unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn mount_points_appear_in_a_read_only_tree() {
    let mut world = World::new();
    world
        .vfs
        .mount(b"/ro", archive(), READ_ONLY, b"boot", b"archive")
        .unwrap();
    world
        .vfs
        .mount(
            b"/ro/home/me/work",
            tmpfs(),
            MountFlags::default(),
            b"work",
            b"tmpfs",
        )
        .unwrap();
    world
        .vfs
        .mount(
            b"/ro/lib/extra",
            tmpfs(),
            MountFlags::default(),
            b"extra",
            b"tmpfs",
        )
        .unwrap();
    assert_eq!(names(&mut world, "/ro"), [".", "..", "bin", "home", "lib"]);
    assert_eq!(names(&mut world, "/ro/home"), [".", "..", "me"]);
    assert_eq!(
        names(&mut world, "/ro/bin"),
        [".", "..", "extra", "tool"],
        "through the link"
    );
    assert_eq!(world.stat("/ro/home/me").unwrap().mode(), 0o040755);
    world.write_file("/ro/home/me/work/file", "text");
    assert_eq!(
        world.read_file("/ro/home/me/work/../work/file"),
        Ok(b"text".to_vec())
    );
    assert_eq!(
        world.read_file("/ro/home/../../ro/bin/tool"),
        Ok(b"code".to_vec())
    );
    for path in ["/ro/new", "/ro/home/new", "/ro/bin/new"] {
        assert_eq!(
            errno(world.open(path, O_CREAT | O_WRONLY)),
            Errno::EROFS,
            "{path}"
        );
        assert_eq!(world.mkdir(path), Err(Errno::EROFS), "{path}");
    }
    assert_eq!(errno(world.open("/ro/bin/tool", O_RDWR)), Errno::EROFS);
    assert_eq!(world.mkdir("/ro/home"), Err(Errno::EEXIST));
    let remove =
        |world: &mut World, path: &[u8]| world.run(|vfs, cx| vfs.unlinkat(cx, AT, path, 0x200));
    assert_eq!(remove(&mut world, b"/ro/home/me"), Err(Errno::EROFS));
    world.mkdir("/ro/home/me/work/d").unwrap();
    world
        .run(|vfs, cx| vfs.chdir(cx, b"/ro/home/me/work/d"))
        .unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.getcwd(cx, 100)).unwrap(),
        b"/ro/home/me/work/d"
    );
    assert_eq!(world.run(|vfs, cx| vfs.getcwd(cx, 18)), Err(Errno::ERANGE));
    assert_eq!(names(&mut world, "../../.."), [".", "..", "me"]);
    world
        .run(|vfs, cx| vfs.unlinkat(cx, AT, b"../d", 0x200))
        .unwrap();
    assert_eq!(world.run(|vfs, cx| vfs.getcwd(cx, 100)), Err(Errno::ENOENT));
    assert_eq!(errno(world.open("new", O_CREAT | O_WRONLY)), Errno::ENOENT);
}

#[test]
fn a_bind_is_the_same_files_and_can_only_take_away() {
    let mut world = World::new();
    world.mkdir("/a").unwrap();
    world.mkdir("/a/sub").unwrap();
    world.write_file("/a/file", "one");
    world
        .vfs
        .mount(b"/a/sub", tmpfs(), MountFlags::default(), b"sub", b"tmpfs")
        .unwrap();
    world.write_file("/a/sub/inner", "x");
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/a", 0), b"/b", READ_ONLY))
        .unwrap();
    assert_eq!(world.read_file("/b/file"), Ok(b"one".to_vec()));
    assert_eq!(
        world.read_file("/b/sub/inner"),
        Ok(b"x".to_vec()),
        "mounts below come along"
    );
    assert_eq!(errno(world.open("/b/file", O_WRONLY)), Errno::EROFS);
    assert_eq!(errno(world.open("/b/sub/inner", O_WRONLY)), Errno::EROFS);
    let (a, b) = (
        world.stat("/a/file").unwrap(),
        world.stat("/b/file").unwrap(),
    );
    assert_eq!((a.attr.id, a.device), (b.attr.id, b.device));
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/b", 0), b"/c", MountFlags::default()))
        .unwrap();
    assert_eq!(
        errno(world.open("/c/file", O_WRONLY)),
        Errno::EROFS,
        "a bind of a bind is no way out"
    );
    let rename = world.run(|vfs, cx| vfs.renameat2(cx, (AT, b"/a/file"), (AT, b"/b/file2"), 0));
    assert_eq!(rename, Err(Errno::EXDEV));
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/a/file", 0), b"/dev/null", MountFlags::default()))
        .unwrap();
    assert_eq!(
        world.read_file("/dev/null"),
        Ok(b"one".to_vec()),
        "a file over a file"
    );
    let fd = world.open("/a", O_PATH).unwrap();
    world
        .run(|vfs, cx| vfs.bind(cx, (fd, b"", constants::AT_EMPTY_PATH), b"/d", READ_ONLY))
        .unwrap();
    assert_eq!(
        world.read_file("/d/file"),
        Ok(b"one".to_vec()),
        "made from a handle"
    );
    assert_eq!(world.vfs.unmount(b"/b"), Err(Errno::EBUSY));
    world.vfs.unmount(b"/b/sub").unwrap();
    world.vfs.unmount(b"/b").unwrap();
    assert_eq!(world.vfs.unmount(b"/b"), Err(Errno::EINVAL));
    assert_eq!(names(&mut world, "/b"), [".", ".."]);
    world.vfs.restrict(b"/a/sub", READ_ONLY).unwrap();
    assert_eq!(
        errno(world.open("/a/sub/new", O_CREAT | O_WRONLY)),
        Errno::EROFS
    );
}

#[test]
fn mount_points_are_busy_and_a_chroot_cannot_be_left() {
    let mut world = World::new();
    world.mkdir("/m").unwrap();
    world
        .vfs
        .mount(b"/m", tmpfs(), MountFlags::default(), b"m", b"tmpfs")
        .unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.unlinkat(cx, AT, b"/m", 0x200)),
        Err(Errno::EBUSY)
    );
    let rename = world.run(|vfs, cx| vfs.renameat2(cx, (AT, b"/m"), (AT, b"/n"), 0));
    assert_eq!(rename, Err(Errno::EBUSY));
    world.mkdir("/m/root").unwrap();
    world.write_file("/secret", "outside");
    world.symlink("/secret", "/m/root/link").unwrap();
    world.symlink("../../../../secret", "/m/root/up").unwrap();
    assert_eq!(
        world.by_user(10, 1, |vfs, cx| vfs.chroot(cx, b"/m/root")),
        Err(Errno::EPERM)
    );
    world.run(|vfs, cx| vfs.chroot(cx, b"/m/root")).unwrap();
    world.run(|vfs, cx| vfs.chdir(cx, b"/")).unwrap();
    for path in [
        "/secret",
        "link",
        "up",
        "../secret",
        "../../secret",
        "/../secret",
    ] {
        assert_eq!(errno(world.open(path, O_RDONLY)), Errno::ENOENT, "{path}");
    }
    assert_eq!(world.run(|vfs, cx| vfs.getcwd(cx, 100)).unwrap(), b"/");
}

#[test]
fn gated_devices_ask_and_are_asked_once() {
    let mut world = World::new();
    world
        .vfs
        .add_gated_device(b"video0", 81, 0, 0o660, "camera")
        .unwrap();
    world
        .vfs
        .add_gated_device(b"snd/pcmC0D0c", 116, 24, 0o660, "microphone")
        .unwrap();
    let Err(Stop::Block(queue)) = world.open("/dev/video0", O_RDWR | O_NONBLOCK) else {
        panic!("it asks")
    };
    let fd = world.open("/dev/video0", O_RDWR | O_NONBLOCK).unwrap();
    assert_ne!(queue, Queue(0));
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, fd, &mut [0; 3])), Ok(3));
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.write(cx, fd, b"x"))),
        Errno::EAGAIN
    );
    assert!(matches!(
        world.open("/dev/snd/pcmC0D0c", O_RDONLY),
        Err(Stop::Block(_))
    ));
    assert_eq!(
        errno(world.open("/dev/snd/pcmC0D0c", O_RDONLY)),
        Errno::EACCES
    );
    assert!(
        matches!(
            world.open("/dev/snd/pcmC0D0c", O_RDONLY),
            Err(Stop::Block(_))
        ),
        "a new open asks anew"
    );
    world.vfs.cancel_waits(10);
    assert_eq!(world.stat("/dev/video0").unwrap().attr.device, 0x5100);
}

#[test]
fn a_device_is_given_as_a_node_of_its_own() {
    let mut world = World::new();
    let camera = world
        .vfs
        .add_gated_device(b"video0", 81, 0, 0o660, "camera");
    camera.unwrap();
    let mut at = |path: &str| world.run(|vfs, cx| vfs.device_at(cx, path.as_bytes()));
    let camera = at("/dev/video0").unwrap().unwrap();
    assert_eq!((camera.major, camera.minor), (81, 0));
    assert_eq!(camera.resource.as_deref(), Some("camera"));
    assert_eq!(at("/dev/null").unwrap().unwrap().resource, None);
    assert_eq!(at("/dev"), Ok(None));
    assert_eq!(at("/dev/video1"), Err(Errno::ENOENT));
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/dev", 0), b"/copy", MountFlags::default()))
        .unwrap();
    let through = world.run(|vfs, cx| vfs.device_at(cx, b"/copy/video0"));
    assert_eq!(through, Err(Errno::EACCES), "no devices through this mount");
    // A node whose number means nothing here, as in a folder of somebody else's.
    let mut other = World::new();
    let full = other.run(|vfs, cx| vfs.device_at(cx, b"/dev/ptmx"));
    assert_eq!(full, Err(Errno::ENXIO));

    let mut inner = World::new();
    assert_eq!(errno(inner.open("/given/camera", O_RDWR)), Errno::ENOENT);
    let tree = tmpfs;
    let given = inner
        .vfs
        .mount_device(b"/given/camera", tree(), &camera, 0o660);
    given.unwrap();
    assert_eq!(inner.stat("/given/camera").unwrap().attr.device, 0x5100);
    assert!(matches!(
        inner.open("/given/camera", O_RDWR),
        Err(Stop::Block(_))
    ));
    let fd = inner.open("/given/camera", O_RDWR).unwrap();
    assert_eq!(inner.run(|vfs, cx| vfs.read(cx, fd, &mut [0; 3])), Ok(3));
    let null = Device {
        major: 1,
        minor: 3,
        resource: None,
    };
    inner
        .vfs
        .mount_device(b"/tmp/null", tree(), &null, 0o666)
        .unwrap();
    assert_eq!(inner.read_file("/tmp/null"), Ok(alloc::vec![]));
}

#[test]
fn device_nodes_work_only_where_they_were_put() {
    let mut world = World::new();
    world.write_file("/dev/null", "gone");
    assert_eq!(world.read_file("/dev/null"), Ok(alloc::vec![]));
    assert_eq!(world.read_file("/dev/zero").unwrap(), alloc::vec![0; 8192]);
    let random = world.read_file("/dev/urandom").unwrap();
    assert!(
        random.len() == 8192 && random.contains(&97) && random.contains(&194),
        "from the source it was given"
    );
    let full = world.open("/dev/full", O_RDWR).unwrap();
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.write(cx, full, b"x"))),
        Errno::ENOSPC
    );
    assert_eq!(errno(world.open("/dev/tty", O_RDWR)), Errno::ENXIO);
    assert_eq!(errno(world.open("/dev/console", O_RDWR)), Errno::ENXIO);
    let make =
        |world: &mut World, path: &[u8], mode| world.run(|vfs, cx| vfs.mknodat(cx, AT, path, mode));
    assert_eq!(make(&mut world, b"/dev/mem", 0o020666), Err(Errno::EPERM));
    assert_eq!(make(&mut world, b"/disk", 0o060666), Err(Errno::EPERM));
    world
        .run(|vfs, cx| vfs.linkat(cx, (AT, b"/dev/null"), (AT, b"/dev/shm/null"), 0))
        .unwrap();
    world
        .run(|vfs, cx| vfs.bind(cx, (AT, b"/dev", 0), b"/copy", MountFlags::default()))
        .unwrap();
    assert_eq!(
        errno(world.open("/copy/null", O_RDONLY)),
        Errno::EACCES,
        "no devices through this mount"
    );
    assert_eq!(names(&mut world, "/dev/shm"), [".", "..", "null"]);
    assert_eq!(world.stat("/dev/shm").unwrap().mode(), 0o041777);
}
