//! Tests of epoll.

use super::world::*;
use crate::*;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

const IN: u32 = linux::EPOLLIN;
const EDGE: u32 = linux::EPOLLET;

fn ctl(world: &mut World, epoll: i32, operation: u32, fd: i32, events: u32) -> Result<(), Errno> {
    world.run(|vfs, cx| vfs.epoll_ctl(cx, epoll, operation, fd, (events, fd as u64)))
}

fn wait(world: &mut World, epoll: i32) -> Vec<(u32, u64)> {
    match world.run(|vfs, cx| vfs.epoll_wait(cx, epoll, 8)) {
        Ok(found) => found,
        Err(Stop::Block(_)) => Vec::new(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn level_edge_and_one_shot() {
    let mut world = World::new();
    let epoll = world
        .run(|vfs, cx| vfs.epoll_create1(cx, O_CLOEXEC))
        .unwrap();
    let (read, write_end) = world.run(|vfs, cx| vfs.pipe2(cx, O_NONBLOCK)).unwrap();
    let write = |world: &mut World| world.run(|vfs, cx| vfs.write(cx, write_end, b"x")).unwrap();
    ctl(&mut world, epoll, 1, read, IN).unwrap();
    assert_eq!(ctl(&mut world, epoll, 1, read, IN), Err(Errno::EEXIST));
    let Err(Stop::Block(queue)) = world.run(|vfs, cx| vfs.epoll_wait(cx, epoll, 8)) else {
        panic!("nothing yet")
    };
    world.vfs.take_events();
    write(&mut world);
    assert!(world.vfs.take_events().contains(&Event::Wake(queue)));
    let ready = (IN, read as u64);
    assert_eq!(
        (wait(&mut world, epoll), wait(&mut world, epoll)),
        (Vec::from([ready]), Vec::from([ready]))
    );
    ctl(&mut world, epoll, 3, read, IN | EDGE).unwrap();
    assert_eq!(
        (wait(&mut world, epoll), wait(&mut world, epoll)),
        (Vec::from([ready]), Vec::new())
    );
    write(&mut world);
    assert_eq!(wait(&mut world, epoll), [ready], "a new edge");
    ctl(&mut world, epoll, 3, read, IN | linux::EPOLLONESHOT).unwrap();
    assert_eq!(
        (wait(&mut world, epoll), wait(&mut world, epoll)),
        (Vec::from([ready]), Vec::new())
    );
    write(&mut world);
    assert_eq!(wait(&mut world, epoll), []);
    ctl(&mut world, epoll, 3, read, IN).unwrap();
    world.run(|vfs, cx| vfs.close(cx, write_end)).unwrap();
    assert_eq!(
        wait(&mut world, epoll),
        [(IN | linux::EPOLLHUP, read as u64)]
    );
    ctl(&mut world, epoll, 2, read, 0).unwrap();
    assert_eq!(ctl(&mut world, epoll, 2, read, 0), Err(Errno::ENOENT));
    assert_eq!(wait(&mut world, epoll), []);
}

#[test]
fn files_are_refused_closed_ones_forgotten_circles_broken() {
    let mut world = World::new();
    world.write_file("/f", "x");
    let file = world.open("/f", O_RDONLY).unwrap();
    let epoll = world.run(|vfs, cx| vfs.epoll_create1(cx, 0)).unwrap();
    let outer = world.run(|vfs, cx| vfs.epoll_create1(cx, 0)).unwrap();
    assert_eq!(ctl(&mut world, epoll, 1, file, IN), Err(Errno::EPERM));
    assert_eq!(ctl(&mut world, epoll, 1, epoll, IN), Err(Errno::EINVAL));
    assert_eq!(ctl(&mut world, epoll, 1, 99, IN), Err(Errno::EBADF));
    assert_eq!(ctl(&mut world, file, 1, epoll, IN), Err(Errno::EINVAL));
    ctl(&mut world, outer, 1, epoll, IN).unwrap();
    assert_eq!(ctl(&mut world, epoll, 1, outer, IN), Err(Errno::ELOOP));
    let event = world.run(|vfs, cx| vfs.eventfd2(cx, 0, 0)).unwrap();
    ctl(&mut world, epoll, 1, event, IN).unwrap();
    assert_eq!(wait(&mut world, outer), []);
    let Err(Stop::Block(queue)) = world.run(|vfs, cx| vfs.epoll_wait(cx, outer, 8)) else {
        panic!("nothing yet")
    };
    world.vfs.take_events();
    world
        .run(|vfs, cx| vfs.write(cx, event, &1u64.to_le_bytes()))
        .unwrap();
    assert!(
        world.vfs.take_events().contains(&Event::Wake(queue)),
        "through the inner one"
    );
    assert_eq!(wait(&mut world, outer), [(IN, epoll as u64)]);
    world.run(|vfs, cx| vfs.close(cx, event)).unwrap();
    assert_eq!(wait(&mut world, outer), []);
    world.run(|vfs, cx| vfs.close(cx, epoll)).unwrap();
    assert_eq!(wait(&mut world, outer), []);
}

#[test]
fn many_interests_take_turns_and_idle_ones_cost_nothing() {
    let mut world = World::new();
    let epoll = world.run(|vfs, cx| vfs.epoll_create1(cx, 0)).unwrap();
    let events: Vec<i32> = (0..20)
        .map(|_| world.run(|vfs, cx| vfs.eventfd2(cx, 1, 0)).unwrap())
        .collect();
    for &fd in &events {
        ctl(&mut world, epoll, 1, fd, IN).unwrap();
    }
    let mut seen: Vec<u64> = Vec::new();
    for _ in 0..5 {
        seen.extend(
            world
                .run(|vfs, cx| vfs.epoll_wait(cx, epoll, 4))
                .unwrap()
                .iter()
                .map(|event| event.1),
        );
    }
    seen.sort_unstable();
    let all: Vec<u64> = events.iter().map(|&fd| fd as u64).collect();
    assert_eq!(seen, all, "nobody starves");
    for &fd in &events[1..] {
        world.read_fd(fd).unwrap();
    }
    assert_eq!(wait(&mut world, epoll), [(IN, events[0] as u64)]);
    world.read_fd(events[0]).unwrap();
    assert_eq!(wait(&mut world, epoll), []);
    world
        .run(|vfs, cx| vfs.write(cx, events[7], &1u64.to_le_bytes()))
        .unwrap();
    assert_eq!(wait(&mut world, epoll), [(IN, events[7] as u64)]);
}
