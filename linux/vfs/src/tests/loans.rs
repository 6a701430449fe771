//! Tests of terminals that are lent: keys as they are, for the borrower in the foreground alone, and lines again behind him.

use super::world::*;
use crate::*;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use linux_raw_sys::ioctl;

/// A console that process 10 has as its standard streams and its controlling terminal.
fn console() -> World {
    let mut world = World::new();
    world.vfs.add_console(24, 80).unwrap();
    for (pid, fd) in [(10, 0), (10, 1), (10, 2), (11, 0)] {
        assert_eq!(world.by(pid, |vfs, cx| vfs.open_console(cx)), Ok(fd));
    }
    world.vfs.take_events();
    world
}

fn shown(world: &mut World) -> String {
    String::from_utf8(world.vfs.console_output()).unwrap()
}

fn keys(world: &mut World, pid: u32) -> Attempt<Vec<u8>> {
    let mut bytes = [0; 64];
    let count = world.by(pid, |vfs, cx| vfs.keys(cx, &mut bytes))?;
    Ok(bytes[..count].to_vec())
}

fn waits<T: core::fmt::Debug>(attempt: Attempt<T>) -> bool {
    matches!(attempt, Err(Stop::Block(_)))
}

fn line(world: &mut World) -> String {
    String::from_utf8(world.read_fd(0).unwrap()).unwrap()
}

/// The one of processes 10 and 11 that is in front puts the other one there.
fn put_in_front(world: &mut World, group: u32) {
    let mut memory = Memory(group.to_le_bytes().to_vec());
    let set = world.by(21 - group, |vfs, cx| {
        vfs.ioctl(cx, 0, ioctl::TIOCSPGRP, 0, &mut memory)
    });
    assert_eq!(set, Ok(0));
}

fn signals(world: &mut World) -> usize {
    let events = world.vfs.take_events();
    let signals = events.iter();
    signals
        .filter(|event| matches!(event, Event::Signal { .. }))
        .count()
}

#[test]
fn a_borrower_gets_keys_as_they_are_and_shows_bytes_as_they_are() {
    let mut world = console();
    world.vfs.console_input(b"ahead\n");
    assert_eq!(shown(&mut world), "ahead\r\n");
    assert_eq!(keys(&mut world, 10).unwrap(), b"ahead\n", "typed before");
    assert!(waits(keys(&mut world, 10)));
    signals(&mut world);
    assert_eq!(world.vfs.console_input(b"\x03\x1a\x04a\r\x13"), 6);
    assert_eq!((signals(&mut world), shown(&mut world)), (0, "".into()));
    assert_eq!(keys(&mut world, 10).unwrap(), b"\x03\x1a\x04a\r\x13");
    assert_eq!(world.by(10, |vfs, cx| vfs.show(cx, b"x\n")), Ok(2));
    assert_eq!(shown(&mut world), "x\n");
}

#[test]
fn behind_a_borrower_there_are_lines_again_and_what_he_left_is_typed_anew() {
    let mut world = console();
    assert!(waits(keys(&mut world, 10)));
    world.vfs.console_input(b"left\r");
    world.vfs.end_loans(10);
    assert_eq!(shown(&mut world), "left\r\n");
    assert_eq!(line(&mut world), "left\n");
    world.vfs.take_events();
    world.vfs.console_input(b"\x03");
    assert_eq!(signals(&mut world), 1, "keys raise signals again");
}

#[test]
fn a_borrower_in_the_background_gets_nothing() {
    let mut world = console();
    put_in_front(&mut world, 11);
    assert!(
        matches!(keys(&mut world, 10), Err(Stop::Restart)),
        "at first it is stopped, as one who reads is"
    );
    put_in_front(&mut world, 10);
    assert!(waits(keys(&mut world, 10)));
    put_in_front(&mut world, 11);
    world.vfs.take_events();
    world.vfs.console_input(b"for another\n\x03");
    assert!(waits(keys(&mut world, 10)));
    assert_eq!(signals(&mut world), 1, "the keys of the one in front");
    world.vfs.console_input(b"more\n");
    assert_eq!(shown(&mut world), "^Cmore\r\n");
    put_in_front(&mut world, 10);
    assert_eq!(keys(&mut world, 10).unwrap(), b"more\n");
}

#[test]
fn which_streams_are_the_terminal_is_told_with_its_size() {
    let mut world = console();
    let screen = |world: &mut World| world.by(10, |vfs, cx| vfs.screen(cx));
    let (rows, columns) = (24, 80);
    let all = Screen {
        streams: 0b111,
        rows,
        columns,
    };
    assert_eq!(screen(&mut world), Some(all));
    world.by(10, |vfs, cx| vfs.close(cx, 1)).unwrap();
    let streams = 0b101;
    assert_eq!(screen(&mut world), Some(Screen { streams, ..all }));
    for fd in [0, 2] {
        world.by(10, |vfs, cx| vfs.close(cx, fd)).unwrap();
    }
    assert_eq!(screen(&mut world), None);
    assert!(matches!(
        keys(&mut world, 10),
        Err(Stop::Errno(Errno::ENOTTY))
    ));
}

#[test]
fn nobody_wants_keys_before_a_program_waits_for_them() {
    let mut world = console();
    assert!(!world.vfs.console_wanted());
    assert!(world.read_fd(0).is_err());
    assert!(world.vfs.console_wanted() && !world.vfs.console_wanted());
    world.vfs.console_input(b"line\n");
    assert_eq!(line(&mut world), "line\n");
    assert!(!world.vfs.console_wanted());
    assert!(waits(keys(&mut world, 10)));
    assert!(world.vfs.console_wanted(), "a borrower wants them too");
}

#[test]
fn the_console_is_there_without_a_name_too() {
    let mut world = World::new();
    world.vfs.add_console(24, 80).unwrap();
    world
        .by(10, |vfs, cx| {
            vfs.unlinkat(cx, constants::AT_FDCWD, b"/dev/console", 0)
        })
        .unwrap();
    let fd = world.by(10, |vfs, cx| vfs.open_console(cx)).unwrap();
    let stat = world.by(10, |vfs, cx| vfs.fstat(cx, fd)).unwrap();
    assert_eq!(stat.mode(), 0o020_600);
    let mut memory = Memory(vec![0; 64]);
    let size = world.by(10, |vfs, cx| {
        vfs.ioctl(cx, fd, ioctl::TIOCGWINSZ, 0, &mut memory)
    });
    assert_eq!((size, memory.0[0], memory.0[2]), (Ok(0), 24, 80));
}
