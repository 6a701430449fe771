//! Tests of path resolution where the comparison with the host does not reach: links that loop, lengths, listing.

use super::world::*;
use crate::*;
use alloc::format;

#[test]
fn links_are_followed_forty_times() {
    let mut world = World::new();
    world.write_file("/f0", "end");
    for index in 1..=41 {
        world
            .symlink(&format!("f{}", index - 1), &format!("/f{index}"))
            .unwrap();
    }
    assert_eq!(world.read_file("/f40"), Ok(b"end".to_vec()));
    assert_eq!(errno(world.open("/f41", O_RDONLY)), Errno::ELOOP);
    world.symlink("loop", "/loop").unwrap();
    assert_eq!(world.stat("/loop"), Err(Errno::ELOOP));
    assert_eq!(world.stat("/loop/x"), Err(Errno::ELOOP));
}

#[test]
fn lengths_are_bounded() {
    let mut world = World::new();
    let name = "n".repeat(255);
    world.write_file(&format!("/{name}"), "x");
    assert!(world.stat(&format!("/{name}")).is_ok());
    assert_eq!(world.stat(&format!("/{name}n")), Err(Errno::ENAMETOOLONG));
    assert!(world.stat(&"/".repeat(4095)).is_ok());
    assert_eq!(world.stat(&"/".repeat(4096)), Err(Errno::ENAMETOOLONG));
    assert_eq!(world.stat(""), Err(Errno::ENOENT));
}

#[test]
fn listing_survives_small_buffers_and_changes() {
    let mut world = World::new();
    world.mkdir("/d").unwrap();
    for index in 0..50 {
        world.write_file(&format!("/d/file{index}"), "");
    }
    assert_eq!(world.list("/d", 32).len(), 52);
    let fd = world.open("/d", O_RDONLY).unwrap();
    let mut tiny = [0; 20];
    assert_eq!(
        world.run(|vfs, cx| vfs.getdents64(cx, fd, &mut tiny)),
        Err(Errno::EINVAL)
    );
    let mut buffer = [0; 500];
    let first = world
        .run(|vfs, cx| vfs.getdents64(cx, fd, &mut buffer))
        .unwrap();
    assert!(first > 0);
    world.run(|vfs, cx| vfs.lseek(cx, fd, 0, 0)).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.getdents64(cx, fd, &mut buffer)),
        Ok(first),
        "rewound"
    );
    assert_eq!(errno(world.read_fd(fd)), Errno::EISDIR);
    let file = world.open("/d/file1", O_RDONLY).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.getdents64(cx, file, &mut buffer)),
        Err(Errno::ENOTDIR)
    );
}

#[test]
fn a_renamed_folder_keeps_its_people() {
    let mut world = World::new();
    world.mkdir("/a").unwrap();
    world.mkdir("/a/b").unwrap();
    world.mkdir("/x").unwrap();
    world.run(|vfs, cx| vfs.chdir(cx, b"/a/b")).unwrap();
    world.write_file("here", "text");
    world
        .run(|vfs, cx| vfs.renameat2(cx, (AT, b"/a"), (AT, b"/x/moved"), 0))
        .unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.getcwd(cx, 100)).unwrap(),
        b"/x/moved/b"
    );
    assert_eq!(world.read_file("../../moved/b/here"), Ok(b"text".to_vec()));
    assert_eq!(world.stat("/a"), Err(Errno::ENOENT));
}
