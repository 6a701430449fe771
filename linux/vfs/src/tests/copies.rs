//! Tests of copies inside, and of pages that files lose.

use super::world::*;
use crate::*;

#[test]
fn copies_inside() {
    let mut world = World::new();
    world.write_file("/from", &"x".repeat(200_000));
    let from = world.open("/from", O_RDONLY).unwrap();
    let to = world.open("/to", O_RDWR | O_CREAT).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.sendfile(cx, to, from, None, 1_000_000)),
        Ok((200_000, None))
    );
    assert_eq!(
        world.run(|vfs, cx| vfs.sendfile(cx, to, from, Some(199_990), 100)),
        Ok((10, Some(200_000)))
    );
    assert_eq!(world.stat("/to").unwrap().attr.size, 200_010);
    let range = |world: &mut World, from, to, count| {
        world.run(|vfs, cx| vfs.copy_file_range(cx, from, to, count))
    };
    assert_eq!(
        range(&mut world, (from, Some(0)), (to, Some(5)), 10),
        Ok(10)
    );
    assert_eq!(
        errno(range(&mut world, (to, Some(0)), (to, Some(5)), 10)),
        Errno::EINVAL
    );
    assert_eq!(
        errno(range(&mut world, (to, Some(0)), (from, Some(0)), 10)),
        Errno::EBADF
    );
    let (read, write_end) = world.run(|vfs, cx| vfs.pipe2(cx, O_NONBLOCK)).unwrap();
    assert_eq!(
        world.run(|vfs, cx| vfs.sendfile(cx, write_end, from, Some(0), 100_000)),
        Ok((65536, Some(65536)))
    );
    assert_eq!(
        errno(world.run(|vfs, cx| vfs.sendfile(cx, to, read, None, 1))),
        Errno::EINVAL
    );
}

#[test]
fn punched_and_truncated_pages_leave_the_mappings() {
    let mut world = World::new();
    world.write_file("/f", &"x".repeat(20_000));
    let fd = world.open("/f", O_RDWR).unwrap();
    let file = world.run(|vfs, cx| vfs.file_of(cx, fd)).unwrap();
    let identity = world.run(|vfs, cx| vfs.file_identity(cx, file)).unwrap();
    world.vfs.take_events();
    world
        .run(|vfs, cx| vfs.fallocate(cx, fd, 3, 5_000, 10_000))
        .unwrap();
    assert_eq!(
        world.vfs.take_events(),
        [Event::Truncated {
            file: identity,
            first: 1
        }]
    );
    let mut page = [1; 4096];
    assert_eq!(world.vfs.file_read_at(file, 8192, &mut page), Ok(4096));
    assert_eq!(page, [0; 4096]);
    assert_eq!(
        errno(
            world
                .run(|vfs, cx| vfs.fallocate(cx, fd, 2, 0, 1))
                .map_err(Stop::from)
        ),
        Errno::EOPNOTSUPP
    );
    world.run(|vfs, cx| vfs.ftruncate(cx, fd, 4097)).unwrap();
    assert_eq!(
        world.vfs.take_events(),
        [Event::Truncated {
            file: identity,
            first: 2
        }]
    );
    world.open("/f", O_WRONLY | O_TRUNC).unwrap();
    assert_eq!(
        world.vfs.take_events(),
        [Event::Truncated {
            file: identity,
            first: 0
        }]
    );
    world.vfs.release_file(file);
}
