//! Tests of terminals: lines, echo, keys, job control, ptys.

use super::world::*;
use crate::tty::termios::{
    ECHO, ICANON, ICRNL, ISIG, IUTF8, IXON, OPOST, TERMIOS_SIZE, TOSTOP, Termios, VMIN, VTIME,
};
use crate::*;
use alloc::string::String;
use alloc::vec;
use linux_raw_sys::ioctl;

/// A console that process 10 has as descriptor 0 and as its controlling terminal.
fn console() -> World {
    let mut world = World::new();
    world.vfs.add_console(24, 80).unwrap();
    assert_eq!(world.open("/dev/console", O_RDWR), Ok(0));
    world.vfs.take_events();
    world
}

fn shown(world: &mut World) -> String {
    String::from_utf8(world.vfs.console_output()).unwrap()
}

fn ioctl_by(
    world: &mut World,
    pid: u32,
    fd: i32,
    request: u32,
    memory: &mut Memory,
) -> Attempt<u64> {
    world.by(pid, |vfs, cx| vfs.ioctl(cx, fd, request, 0, memory))
}

fn settings(world: &mut World, change: impl FnOnce(&mut Termios)) {
    let mut memory = Memory(vec![0; 64]);
    ioctl_by(world, 10, 0, ioctl::TCGETS, &mut memory).unwrap();
    let mut termios = Termios::default();
    termios.decode(&memory.0[..TERMIOS_SIZE]);
    change(&mut termios);
    memory.0[..44].copy_from_slice(&termios.encode());
    ioctl_by(world, 10, 0, ioctl::TCSETS, &mut memory).unwrap();
}

fn signals(world: &mut World) -> vec::Vec<(Target, u32)> {
    let events = world.vfs.take_events().into_iter();
    events
        .filter_map(|event| {
            if let Event::Signal { to, signal } = event {
                Some((to, signal))
            } else {
                None
            }
        })
        .collect()
}

fn line(world: &mut World) -> String {
    String::from_utf8(world.read_fd(0).unwrap()).unwrap()
}

#[test]
fn lines_are_edited_and_echoed() {
    let mut world = console();
    world.vfs.console_input(b"ab");
    assert!(
        matches!(world.read_fd(0), Err(Stop::Block(_))),
        "no whole line yet"
    );
    world.vfs.console_input(b"x\x7fc\r");
    assert_eq!(shown(&mut world), "abx\x08 \x08c\r\n");
    assert_eq!(line(&mut world), "abc\n");
    world.vfs.console_input(b"one two  \x17three\n");
    assert_eq!(line(&mut world), "one three\n");
    world.vfs.console_input(b"gone\x15kept\n");
    assert_eq!(line(&mut world), "kept\n");
    shown(&mut world);
    world.vfs.console_input(b"\x7f\x17\x15");
    assert_eq!(shown(&mut world), "", "nothing to erase, nothing shown");
    world.vfs.console_input(b"a\x16\x03\n");
    assert_eq!(
        line(&mut world),
        "a\x03\n",
        "the literal key takes a key's meaning away"
    );
}

#[test]
fn two_lines_come_one_by_one_and_in_parts() {
    let mut world = console();
    world.vfs.console_input(b"first\nsecond\n");
    let mut part = [0; 3];
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, 0, &mut part)), Ok(3));
    assert_eq!(&part, b"fir");
    assert_eq!(line(&mut world), "st\n");
    assert_eq!(line(&mut world), "second\n");
    let mut memory = Memory(vec![0; 8]);
    world.vfs.console_input(b"12345\nx");
    ioctl_by(&mut world, 10, 0, ioctl::FIONREAD, &mut memory).unwrap();
    assert_eq!(memory.0[0], 6);
}

#[test]
fn the_end_key_ends_a_line_or_the_file() {
    let mut world = console();
    world.vfs.console_input(b"text\x04");
    assert_eq!(line(&mut world), "text");
    world.vfs.console_input(b"\x04");
    assert_eq!(line(&mut world), "");
    assert!(
        matches!(world.read_fd(0), Err(Stop::Block(_))),
        "one end, one time"
    );
    world.vfs.console_input(b"abc\x04def\n");
    let mut part = [0; 3];
    assert_eq!(world.run(|vfs, cx| vfs.read(cx, 0, &mut part)), Ok(3));
    assert_eq!(
        line(&mut world),
        "def\n",
        "the end key behind a full buffer is not a second read"
    );
}

#[test]
fn control_characters_tabs_and_utf8_erase_as_wide_as_they_are() {
    let mut world = console();
    world.vfs.console_input(b"\x01\x7f");
    assert_eq!(shown(&mut world), "^A\x08 \x08\x08 \x08");
    world.vfs.console_input(b"ab\t\x7f");
    assert_eq!(
        shown(&mut world),
        String::from("ab\t") + &"\x08 \x08".repeat(6)
    );
    world.vfs.console_input(b"\x15");
    settings(&mut world, |termios| termios.input |= IUTF8);
    shown(&mut world);
    world.vfs.console_input("ä\x7f\n".as_bytes());
    assert_eq!(shown(&mut world), "ä\x08 \x08\r\n");
    assert_eq!(line(&mut world), "\n");
}

#[test]
fn raw_reads_follow_vmin_and_vtime() {
    let mut world = console();
    let raw = |min, time| {
        move |termios: &mut Termios| {
            termios.local &= !(ICANON | ECHO | ISIG);
            termios.input &= !(ICRNL | IXON);
            termios.characters[VMIN as usize] = min;
            termios.characters[VTIME as usize] = time;
        }
    };
    settings(&mut world, raw(3, 0));
    world.vfs.console_input(b"\r\x03");
    assert!(matches!(world.read_fd(0), Err(Stop::Block(_))));
    assert!(
        !world
            .run(|vfs, cx| vfs.poll(cx, 0))
            .unwrap()
            .ready
            .any(Ready::IN)
    );
    world.vfs.console_input(b"\x11");
    assert_eq!(line(&mut world), "\r\x03\x11");
    assert_eq!(shown(&mut world), "");
    settings(&mut world, raw(0, 0));
    assert_eq!(line(&mut world), "");
    settings(&mut world, raw(0, 5));
    assert!(matches!(
        world.read_fd(0),
        Err(Stop::BlockFor(_, 500_000_000))
    ));
    let late = world.run(|vfs, cx| {
        vfs.read(
            &Context {
                timed_out: true,
                ..*cx
            },
            0,
            &mut [0; 9],
        )
    });
    assert_eq!(late, Ok(0));
    settings(&mut world, raw(3, 1));
    assert!(
        matches!(world.read_fd(0), Err(Stop::Block(_))),
        "the time runs from the first byte on"
    );
    world.vfs.console_input(b"ab");
    assert!(matches!(
        world.read_fd(0),
        Err(Stop::BlockFor(_, 100_000_000))
    ));
    let late = world.run(|vfs, cx| {
        vfs.read(
            &Context {
                timed_out: true,
                ..*cx
            },
            0,
            &mut [0; 9],
        )
    });
    assert_eq!(late, Ok(2));
}

#[test]
fn switching_lines_off_and_on_keeps_what_was_typed() {
    let mut world = console();
    world.vfs.console_input(b"half");
    settings(&mut world, |termios| termios.local &= !ICANON);
    assert_eq!(line(&mut world), "half");
    world.vfs.console_input(b"raw");
    settings(&mut world, |termios| termios.local |= ICANON);
    assert_eq!(line(&mut world), "raw");
}

#[test]
fn keys_signal_the_foreground_and_flush() {
    let mut world = console();
    world.vfs.console_input(b"typed\x03");
    assert_eq!(signals(&mut world), [(Target::Group(10), 2)]);
    assert_eq!(
        shown(&mut world),
        "^C",
        "output that was under way is flushed too"
    );
    world.vfs.console_input(b"\x1a\x1c");
    assert_eq!(
        signals(&mut world),
        [(Target::Group(10), 20), (Target::Group(10), 3)]
    );
    assert!(matches!(world.read_fd(0), Err(Stop::Block(_))));
    settings(&mut world, |termios| termios.local &= !ISIG);
    world.vfs.console_input(b"\x03\n");
    assert_eq!(signals(&mut world), []);
    assert_eq!(line(&mut world), "\x03\n");
}

#[test]
fn output_is_processed_stopped_and_bounded() {
    let mut world = console();
    assert_eq!(world.run(|vfs, cx| vfs.write(cx, 0, b"a\nb")), Ok(3));
    assert!(world.vfs.take_events().contains(&Event::ConsoleOutput));
    assert_eq!(shown(&mut world), "a\r\nb");
    world.vfs.console_input(b"\x13");
    assert_eq!(world.run(|vfs, cx| vfs.write(cx, 0, b"held")), Ok(4));
    assert_eq!(shown(&mut world), "");
    world.vfs.console_input(b"\x11");
    assert_eq!(shown(&mut world), "held");
    settings(&mut world, |termios| termios.output &= !OPOST);
    assert_eq!(
        world.run(|vfs, cx| vfs.write(cx, 0, &[b'\n'; 70_000])),
        Ok(65536)
    );
    let Err(Stop::Block(queue)) = world.run(|vfs, cx| vfs.write(cx, 0, b"x")) else {
        panic!("full")
    };
    world.vfs.take_events();
    assert_eq!(shown(&mut world).len(), 65536);
    assert!(world.vfs.take_events().contains(&Event::Wake(queue)));
}

#[test]
fn too_long_lines_lose_bytes_but_not_their_end() {
    let mut world = console();
    assert_eq!(world.vfs.console_input(&[b'x'; 5000]), 5000);
    world.vfs.console_input(b"\n");
    assert_eq!(line(&mut world).len(), 4096);
    world.vfs.console_input(b"line\n");
    let taken = world.vfs.console_input(&[b'x'; 5000]);
    assert!(taken < 5000, "with a whole line unread, the sender waits");
    assert_eq!(line(&mut world), "line\n");
}

#[test]
fn background_groups_are_stopped() {
    let mut world = console();
    let tty = world
        .by(11, |vfs, cx| vfs.openat(cx, AT, b"/dev/tty", O_RDWR, 0))
        .unwrap();
    world.vfs.console_input(b"line\n");
    signals(&mut world);
    let read = |world: &mut World| world.by(11, |vfs, cx| vfs.read(cx, tty, &mut [0; 9]));
    assert_eq!(read(&mut world), Err(Stop::Restart));
    assert_eq!(signals(&mut world), [(Target::Group(11), 21)]);
    let ignoring = world.by(11, |vfs, cx| {
        let job = Job {
            no_ttin: true,
            ..cx.job
        };
        vfs.read(&Context { job, ..*cx }, tty, &mut [0; 9])
    });
    assert_eq!(ignoring, Err(Stop::Errno(Errno::EIO)));
    let write = |world: &mut World| world.by(11, |vfs, cx| vfs.write(cx, tty, b"x"));
    assert_eq!(write(&mut world), Ok(1));
    settings(&mut world, |termios| termios.local |= TOSTOP);
    assert_eq!(write(&mut world), Err(Stop::Restart));
    assert_eq!(signals(&mut world), [(Target::Group(11), 22)]);
    let mut memory = Memory(11u32.to_le_bytes().to_vec());
    assert_eq!(
        ioctl_by(&mut world, 11, tty, ioctl::TIOCSPGRP, &mut memory),
        Err(Stop::Restart)
    );
    ioctl_by(&mut world, 10, 0, ioctl::TIOCSPGRP, &mut memory).unwrap();
    assert_eq!(read(&mut world), Ok(5));
    assert_eq!(
        world.read_fd(0),
        Err(Stop::Restart),
        "now the other one is in the background"
    );
    let mut memory = Memory(vec![0; 8]);
    ioctl_by(&mut world, 11, tty, ioctl::TIOCGPGRP, &mut memory).unwrap();
    assert_eq!(memory.0[0], 11);
    for (group, error) in [
        (100u32, Errno::EPERM),
        (77, Errno::ESRCH),
        (u32::MAX, Errno::EINVAL),
    ] {
        let mut memory = Memory(group.to_le_bytes().to_vec());
        assert_eq!(
            errno(ioctl_by(&mut world, 11, tty, ioctl::TIOCSPGRP, &mut memory)),
            error
        );
    }
}

#[test]
fn sessions_gain_and_lose_their_terminal() {
    let mut world = console();
    let open = |world: &mut World| {
        world
            .by(100, |vfs, cx| {
                vfs.openat(cx, AT, b"/dev/console", O_RDWR, 0)
            })
            .unwrap()
    };
    assert_eq!(
        errno(world.by(100, |vfs, cx| vfs.openat(cx, AT, b"/dev/tty", O_RDWR, 0))),
        Errno::ENXIO
    );
    let fd = open(&mut world);
    let mut memory = Memory(vec![0; 8]);
    assert_eq!(
        errno(ioctl_by(&mut world, 100, fd, ioctl::TIOCGPGRP, &mut memory)),
        Errno::ENOTTY
    );
    assert_eq!(
        errno(ioctl_by(&mut world, 100, fd, ioctl::TIOCSCTTY, &mut memory)),
        Errno::EPERM,
        "it has a session"
    );
    assert_eq!(world.vfs.session_terminal(10), Some((0x501, Some(10))));
    world.vfs.session_ended(10);
    assert_eq!(
        signals(&mut world),
        [(Target::Group(10), 1), (Target::Group(10), 18)]
    );
    ioctl_by(&mut world, 100, fd, ioctl::TIOCSCTTY, &mut memory).unwrap();
    ioctl_by(&mut world, 100, fd, ioctl::TIOCGSID, &mut memory).unwrap();
    assert_eq!(memory.0[0], 100);
    world.vfs.console_input(b"\x03");
    assert_eq!(signals(&mut world), [(Target::Group(100), 2)]);
    ioctl_by(&mut world, 100, fd, ioctl::TIOCNOTTY, &mut memory).unwrap();
    assert_eq!(world.vfs.session_terminal(100), None);
}

#[test]
fn sizes_are_told_and_forbidden_requests_do_not_exist() {
    let mut world = console();
    let mut memory = Memory(vec![0; 16]);
    ioctl_by(&mut world, 10, 0, ioctl::TIOCGWINSZ, &mut memory).unwrap();
    assert_eq!(memory.0[..8], [24, 0, 80, 0, 0, 0, 0, 0]);
    signals(&mut world);
    world.vfs.console_resize(24, 80);
    assert_eq!(signals(&mut world), []);
    world.vfs.console_resize(25, 80);
    assert_eq!(signals(&mut world), [(Target::Group(10), 28)]);
    assert_eq!(
        errno(ioctl_by(&mut world, 10, 0, ioctl::TIOCSTI, &mut memory)),
        Errno::EIO
    );
    assert_eq!(
        errno(ioctl_by(&mut world, 10, 0, ioctl::TIOCLINUX, &mut memory)),
        Errno::EPERM
    );
    assert_eq!(
        errno(ioctl_by(&mut world, 10, 0, 0x1234, &mut memory)),
        Errno::ENOTTY
    );
    world.write_file("/file", "x");
    let file = world.open("/file", O_RDONLY).unwrap();
    assert_eq!(
        errno(ioctl_by(&mut world, 10, file, ioctl::TCGETS, &mut memory)),
        Errno::ENOTTY
    );
    let mut short = Memory(vec![0; 4]);
    assert_eq!(
        errno(ioctl_by(&mut world, 10, 0, ioctl::TCGETS, &mut short)),
        Errno::EFAULT
    );
}

/// A pty: master and slave descriptors of process 100.
fn pty(world: &mut World) -> (i32, i32) {
    let master = world
        .by(100, |vfs, cx| {
            vfs.openat(cx, AT, b"/dev/ptmx", O_RDWR | O_NOCTTY, 0)
        })
        .unwrap();
    let slave =
        |world: &mut World| world.by(100, |vfs, cx| vfs.openat(cx, AT, b"/dev/pts/0", O_RDWR, 0));
    assert_eq!(errno(slave(world)), Errno::EIO, "locked");
    let mut memory = Memory(vec![0; 8]);
    ioctl_by(world, 100, master, ioctl::TIOCSPTLCK, &mut memory).unwrap();
    memory.0[0] = 9;
    ioctl_by(world, 100, master, ioctl::TIOCGPTN, &mut memory).unwrap();
    assert_eq!(memory.0[0], 0);
    let slave = slave(world).unwrap();
    (master, slave)
}

#[test]
fn a_pty_joins_its_two_ends() {
    let mut world = World::new();
    let (master, slave) = pty(&mut world);
    let write =
        |world: &mut World, fd, bytes: &[u8]| world.by(100, |vfs, cx| vfs.write(cx, fd, bytes));
    let read = |world: &mut World, fd| {
        let mut buffer = [0; 100];
        world
            .by(100, |vfs, cx| vfs.read(cx, fd, &mut buffer))
            .map(|count| buffer[..count].to_vec())
    };
    assert_eq!(write(&mut world, master, b"typed\r"), Ok(6));
    assert_eq!(read(&mut world, slave), Ok(b"typed\n".to_vec()));
    assert_eq!(
        read(&mut world, master),
        Ok(b"typed\r\n".to_vec()),
        "the echo"
    );
    assert_eq!(write(&mut world, slave, b"shown\n"), Ok(6));
    assert_eq!(read(&mut world, master), Ok(b"shown\r\n".to_vec()));
    signals(&mut world);
    write(&mut world, master, b"\x03").unwrap();
    assert_eq!(signals(&mut world), [(Target::Group(100), 2)]);
    assert_eq!(world.list("/dev/pts", 4096), [&b"."[..], b"..", b"0"]);
    world.by(100, |vfs, cx| vfs.close(cx, slave)).unwrap();
    assert_eq!(
        read(&mut world, master),
        Ok(b"^C".to_vec()),
        "what was shown can still be read"
    );
    assert_eq!(errno(read(&mut world, master)), Errno::EIO);
    assert_eq!(
        world.vfs.session_terminal(100),
        Some((0x8800, Some(100))),
        "the session keeps it"
    );
}

#[test]
fn closing_the_master_hangs_up() {
    let mut world = World::new();
    let (master, slave) = pty(&mut world);
    signals(&mut world);
    world.by(100, |vfs, cx| vfs.close(cx, master)).unwrap();
    assert_eq!(
        signals(&mut world),
        [(Target::Process(100), 1), (Target::Process(100), 18)]
    );
    assert_eq!(
        world.by(100, |vfs, cx| vfs.read(cx, slave, &mut [0; 9])),
        Ok(0)
    );
    assert_eq!(
        errno(world.by(100, |vfs, cx| vfs.write(cx, slave, b"x"))),
        Errno::EIO
    );
    assert_eq!(world.list("/dev/pts", 4096), [&b"."[..], b".."]);
    let again = world
        .by(100, |vfs, cx| vfs.openat(cx, AT, b"/dev/ptmx", O_RDWR, 0))
        .unwrap();
    let mut memory = Memory(vec![0; 8]);
    ioctl_by(&mut world, 100, again, ioctl::TIOCSPTLCK, &mut memory).unwrap();
    let flags = u64::from(O_RDWR | O_NOCTTY | O_CLOEXEC);
    let peer = world
        .by(100, |vfs, cx| {
            vfs.ioctl(cx, again, ioctl::TIOCGPTPEER, flags, &mut memory)
        })
        .unwrap();
    let link = alloc::format!("/proc/100/fd/{peer}");
    let name = world
        .run(|vfs, cx| vfs.readlinkat(cx, AT, link.as_bytes()))
        .unwrap();
    assert_eq!(
        name, b"/dev/pts/1",
        "number 0 is still open on its slave's side"
    );
}
