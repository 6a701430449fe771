//! The streams against the console program's own logic, with the host's half of the control channel behind it.

use super::*;
use crate::heap_ring::HeapRing;
use crate::line::Line;
use alloc::boxed::Box;
use core::cell::RefCell;
use std::rc::Rc;
use sundog_console_core::Lines;
use sundog_console_core::host::{Event, Host};
use sundog_console_core::relay::Relay;
use sundog_linux_vfs::{Attempt, Closed, Creds, Job, MountFlags, NoProcesses, Setup, Stop, Vfs};
use sundog_protocols::control::ToMachine;
use sundog_protocols::file::Owner;
use sundog_rt::ring::{Consumer, Producer};
use sundog_tmpfs_core::{HeapPages, Limits, StoppedClock, Tmpfs};

#[derive(Clone)]
struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

/// The console program, of which only the rings' other ends are missing.
#[derive(Clone)]
struct Program(Rc<RefCell<Relay>>);

impl Ask for Program {
    fn ask(&mut self, request: &Words) -> Option<Words> {
        Some(self.0.borrow_mut().request(request))
    }
}

fn tmpfs() -> Box<Tmpfs<HeapPages>> {
    let clock = Box::new(StoppedClock(Default::default()));
    let (pages, limits) = (HeapPages::new(4096), Limits::default());
    Box::new(Tmpfs::new(pages, clock, limits, 0o755, Owner::default()))
}

/// Host, console program, personality's streams, and one process.
struct World {
    host: Host,
    program: Program,
    input: Producer<HeapRing>,
    output: Consumer<HeapRing>,
    streams: HostStreams<HeapRing, Nobody>,
    vfs: Vfs,
    fs: sundog_linux_vfs::FsId,
    fds: sundog_linux_vfs::FdsId,
    /// What the host's standard output and error got, and both as they came.
    out: [Vec<u8>; 2],
    both: Vec<u8>,
    notified: bool,
}

impl World {
    fn new(input: bool, output: bool, error: bool) -> World {
        let rings = [HeapRing::new(4096), HeapRing::new(4096)];
        let [incoming, outgoing] = rings.clone();
        let line = Line::new(
            Consumer::new(incoming),
            Producer::new(outgoing),
            Nobody,
            Nobody,
        );
        let [incoming, outgoing] = rings;
        let mut vfs = Vfs::new(Setup {
            root: tmpfs(),
            flags: MountFlags::default(),
            anonymous: tmpfs(),
            random: Box::new(|bytes: &mut [u8]| bytes.fill(0)),
            gates: Box::new(Closed),
            names: 64,
        })
        .unwrap();
        let (fs, fds) = (vfs.new_fs().unwrap(), vfs.new_fds().unwrap());
        let mut world = World {
            host: Host::new(),
            program: Program(Rc::new(RefCell::new(Relay::new(1)))),
            input: Producer::new(incoming),
            output: Consumer::new(outgoing),
            streams: HostStreams::new(Terminal::new(line)),
            vfs,
            fs,
            fds,
            out: Default::default(),
            both: Vec::new(),
            notified: false,
        };
        let context = world.context();
        world
            .vfs
            .mkdirat(&context, AT_FDCWD, b"/dev", 0o755)
            .unwrap();
        world.vfs.mount_dev(b"/dev", tmpfs()).unwrap();
        let mut lines = Lines::default();
        world.host.hello(&mut lines);
        world.tell(lines);
        assert!(
            !world.streams.prepare(&mut world.program),
            "nothing is known yet"
        );
        world.send(ToMachine::Size {
            rows: 30,
            columns: 90,
        });
        let mut lines = Lines::default();
        world.host.terminals(input, output, error, &mut lines);
        world.tell(lines);
        assert!(world.streams.prepare(&mut world.program));
        world.streams.open(&mut world.vfs, &context).unwrap();
        world
    }

    fn context(&self) -> Context<'static> {
        Context {
            fs: self.fs,
            fds: self.fds,
            creds: Creds {
                overrides: true,
                ..Creds::default()
            },
            job: Job {
                pid: 2,
                group: 2,
                session: 2,
                ..Job::default()
            },
            max_files: 64,
            max_file_size: u64::MAX,
            timed_out: false,
            info: &NoProcesses,
        }
    }

    fn tell(&mut self, lines: Lines) {
        let mut relay = self.program.0.borrow_mut();
        relay.from_control(&lines.control);
        relay.from_console(&lines.console);
    }

    fn send(&mut self, message: ToMachine) {
        let mut lines = Lines::default();
        self.host.send(&message, &mut lines);
        self.tell(lines);
    }

    fn typed(&mut self, bytes: &[u8]) {
        let mut lines = Lines::default();
        self.host.input(bytes, &mut lines);
        self.tell(lines);
    }

    fn input_ends(&mut self) {
        let mut lines = Lines::default();
        self.host.end_of_input(&mut lines);
        self.tell(lines);
    }

    /// Moves bytes between rings, console program and host, as the programs' loops do; the host reads only if `reads`.
    fn pump(&mut self, reads: bool) {
        let mut relay = self.program.0.borrow_mut();
        let moved = self.input.write(relay.to_program()).unwrap().bytes;
        relay.to_program().drain(..moved);
        let mut bytes = [0; 512];
        while relay.takes_output() {
            let count = self.output.read(&mut bytes).unwrap().bytes;
            if count == 0 {
                relay.output_is_empty();
                break;
            }
            relay.from_program(&bytes[..count]);
        }
        if reads {
            let mut events = self.host.console(&core::mem::take(relay.to_console()));
            events.extend(self.host.control(&core::mem::take(relay.to_control())));
            for event in events {
                if let Event::Output(stream, bytes) = event {
                    self.both.extend_from_slice(&bytes);
                    self.out[usize::from(stream == Stream::Error)].extend(bytes);
                }
            }
        }
        self.notified |= relay.take_news();
    }

    /// Works until nothing moves.
    fn settle(&mut self, reads: bool) {
        for _ in 0..8 {
            self.pump(reads);
            let notified = core::mem::take(&mut self.notified);
            self.streams
                .work(&mut self.vfs, &mut self.program, notified);
        }
        self.pump(reads);
    }

    fn read(&mut self, descriptor: i32, into: &mut [u8]) -> Attempt<usize> {
        self.vfs.read(&self.context(), descriptor, into)
    }

    fn write(&mut self, descriptor: i32, bytes: &[u8]) -> Attempt<usize> {
        self.vfs.write(&self.context(), descriptor, bytes)
    }

    fn is_terminal(&mut self, descriptor: i32) -> bool {
        let stat = self.vfs.fstat(&self.context(), descriptor).unwrap();
        stat.attr.kind != sundog_protocols::file::Kind::Fifo
    }

    fn finish(&mut self, status: u8) -> bool {
        self.streams.finish(&mut self.program, status)
    }
}

/// Every byte value, many times, so that no piece is like another.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ at >> 8) as u8).collect()
}

#[test]
fn pipes_carry_every_byte_and_the_end_of_input() {
    let mut world = World::new(false, false, false);
    assert!((0..3).all(|descriptor| !world.is_terminal(descriptor)));
    let (sent, mut got, mut at) = (bytes(300_000), Vec::new(), 0);
    let mut ended = false;
    while !ended {
        let piece = sent.len().min(at + 7000);
        world.typed(&sent[at..piece]);
        at = piece;
        if at == sent.len() {
            world.input_ends();
        }
        world.settle(true);
        let mut buffer = [0; 5000];
        match world.read(0, &mut buffer) {
            Ok(0) => ended = true,
            Ok(count) => {
                assert_eq!(world.write(1, &buffer[..count]), Ok(count));
                assert_eq!(world.write(2, &buffer[..count.min(3)]), Ok(count.min(3)));
                got.extend_from_slice(&buffer[..count]);
            }
            Err(Stop::Block(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    world.settle(true);
    assert!(got == sent && world.out[0] == sent);
    assert!(!world.out[1].is_empty());
    assert!(world.finish(7));
    world.pump(true);
    assert_eq!(world.host.finished(), Some(7));
}

#[test]
fn two_pipes_keep_the_order_of_what_is_written_to_them() {
    let mut world = World::new(false, false, false);
    let mut wanted = Vec::new();
    let mut lines = (0..1000).peekable();
    // The host reads only when the writer has to wait: by then everything on the way is full.
    while let Some(line) = lines.peek() {
        let text = format!("line {line} {}\n", "x".repeat(*line as usize % 300));
        match world.write(1 + line % 2, text.as_bytes()) {
            Ok(count) => {
                assert_eq!(count, text.len());
                wanted.extend_from_slice(text.as_bytes());
                lines.next();
            }
            Err(Stop::Block(_)) => world.settle(true),
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..100 {
        world.settle(true);
    }
    assert!(
        world.both == wanted,
        "{}",
        String::from_utf8_lossy(&world.both)
    );
}

#[test]
fn a_host_that_does_not_read_makes_the_writer_wait_and_nothing_is_lost() {
    let mut world = World::new(false, false, false);
    let piece = bytes(4096);
    let mut written = 0;
    for _ in 0..100 {
        world.settle(false);
        match world.write(1, &piece) {
            Ok(count) => written += count,
            Err(Stop::Block(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(written < 100 * piece.len(), "the writer waits in the end");
    assert!(!world.finish(0), "the end waits for the output");
    for _ in 0..100 {
        world.settle(true);
    }
    assert_eq!(world.out[0].len(), written);
    assert!(world.finish(0));
}

#[test]
fn a_terminal_beside_a_pipe() {
    let mut world = World::new(false, true, false);
    assert_eq!(
        [0, 1, 2].map(|descriptor| world.is_terminal(descriptor)),
        [false, true, false]
    );
    world.typed(b"piped\x03");
    world.write(1, b"shown\n").unwrap();
    world.write(2, b"aside\n").unwrap();
    world.settle(true);
    let mut buffer = [0; 16];
    assert_eq!(world.read(0, &mut buffer), Ok(6), "no key is special");
    assert_eq!(world.out, [b"shown\r\n".to_vec(), b"aside\n".to_vec()]);
}

#[test]
fn a_terminal_echoes_and_its_lines_end_with_enter() {
    let mut world = World::new(true, true, true);
    world.typed(b"hello\r");
    world.settle(true);
    let mut buffer = [0; 16];
    assert_eq!(world.read(0, &mut buffer), Ok(6));
    assert_eq!(
        (&buffer[..6], &*world.out[0]),
        (&b"hello\n"[..], &b"hello\r\n"[..])
    );
    world.streams.say("a line");
    world.settle(true);
    assert!(world.out[0].ends_with(b"a line\r\n"));
    world.input_ends();
    world.settle(true);
    assert_eq!(world.read(0, &mut buffer), Ok(0));
}

#[test]
fn what_was_typed_ahead_of_a_question_never_reaches_a_program() {
    let mut world = World::new(true, true, true);
    let mut buffer = [0; 16];
    world.typed(b"once\ralw");
    world.settle(true);
    world.typed(b"ays\ronce");
    let mut lines = Lines::default();
    world.host.discard_input(&mut lines);
    world.tell(lines);
    world.typed(b"\rnext\r");
    world.settle(true);
    assert_eq!(world.read(0, &mut buffer), Ok(1), "an empty line");
    assert_eq!(world.read(0, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"next\n");
    assert!(matches!(world.read(0, &mut buffer), Err(Stop::Block(_))));
}

#[test]
fn a_terminal_that_shows_nothing_is_a_line_of_bytes() {
    let mut world = World::new(true, false, false);
    world.typed(b"typed\n");
    world.settle(true);
    let mut buffer = [0; 16];
    assert_eq!(world.read(0, &mut buffer), Ok(6));
    assert!(world.out[0].is_empty(), "no echo among the output");
}

#[test]
fn orders_are_told_once() {
    let mut world = World::new(true, true, true);
    world.send(ToMachine::Signal { number: 15 });
    world.send(ToMachine::Stop);
    world.settle(true);
    assert_eq!(
        world.streams.take_orders(),
        [Order::Signal(15), Order::Stop]
    );
    assert_eq!(world.streams.take_orders(), []);
}

#[test]
fn own_lines_hold_up_the_programs_when_nobody_reads() {
    let mut world = World::new(false, false, false);
    world.settle(false);
    let mut lines = 0;
    while !world.streams.is_congested() {
        world.streams.say("linux: a line");
        lines += 1;
        world.settle(false);
    }
    for _ in 0..200 {
        world.settle(true);
    }
    assert!(!world.streams.is_congested());
    assert_eq!(world.out[1], b"linux: a line\n".repeat(lines));
}
