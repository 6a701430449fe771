//! Clients that ask for anything: each request has an answer, the server's memory and handles are bounded, and nothing ends it.
use crate::world::*;
use std::io::{Read, Write};
use std::process::Command;
use sundog_host_files::handover::NO_LANDLOCK;
use sundog_protocols::file::wire::{Reply, Request};
use sundog_protocols::file::{FileError, FileServer};
use sundog_protocols::host_files::{Decoder, Frame, Kind, VERSION};

/// Numbers by chance, from a fixed seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % sides
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const REQUESTS: usize = 40_000;
const NAMES: [&[u8]; 12] = [
    b"a", b"b", b"c", b"d", b"..", b".", b"", b"a/b", b"/etc", b"a\0b", b"\xff", b"link",
];

/// The words of a request, and its data: often a sensible one.
fn request(dice: &mut Dice) -> (Vec<u64>, Vec<u8>) {
    let name = dice.pick(&NAMES);
    let other = dice.pick(&NAMES);
    let data = [name, other].concat();
    let handle = dice.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 20, u32::MAX as u64]) << 32;
    let operation = dice.roll(23) as u64;
    let small = dice.pick(&[0, 1, 2, 3, 7, 15, 0o700, 0xff_ffff]) << 8;
    let span = |offset: usize, length: usize| offset as u64 | (length as u64) << 32;
    let mut words = vec![operation | small | handle];
    let sizes = [0, 1, 4096, 1 << 16, 1 << 20, i64::MAX as u64, u64::MAX];
    let names = [span(0, name.len()), span(name.len(), other.len())];
    let number = |dice: &mut Dice| match dice.roll(4) {
        0 => dice.pick(&sizes),
        1 => names[1],
        2 => dice.roll(8) as u64,
        _ => span(0, dice.pick(&[0, 100, 1 << 16, 1 << 30])),
    };
    match operation {
        2 | 4 | 10 | 11 | 12 | 13 | 15 | 16 if dice.roll(8) > 0 => words.push(names[0]),
        1 => words.push(0),
        _ => {}
    }
    let count = match operation {
        5 | 6 | 9 | 14 | 20 | 11 | 12 => 2,
        3 | 7 | 17..=19 => 0,
        4 | 16 => 2,
        8 => 6,
        13 => 3,
        _ => 1,
    };
    let count = if dice.roll(20) == 0 {
        dice.roll(9)
    } else {
        count
    };
    while words.len() <= count {
        words.push(number(dice));
    }
    words.truncate(16);
    (words, data)
}

#[test]
fn random_requests_are_all_answered() {
    let (folder, outside) = (Folder::new(), Folder::new());
    outside.put("secret", b"secret");
    std::os::unix::fs::symlink(&outside.0, folder.path("link")).unwrap();
    let (mut child, mut stream) = raw(&[bind(&folder.0, true), bind(&folder.0, false)]);
    let (mut dice, mut decoder) = (Dice(7), Decoder::new());
    let (mut good, mut bytes) = (0, Vec::new());
    let hello = Frame::new(0, 0, Kind::Hello, &[VERSION], &[]).unwrap();
    hello.put(&mut bytes);
    let (mut asked, mut answered) = (1, 0);
    let mut chunk = vec![0; 1 << 17];
    while answered < REQUESTS {
        for _ in 0..dice.roll(40) {
            let (words, data) = request(&mut dice);
            let bind = dice.pick(&[0, 0, 0, 1, 2, u16::MAX]);
            let (kind, words) = match dice.roll(20) {
                // No lock that waits: it would have no answer.
                0 => (
                    Kind::Lock,
                    vec![words[0] & !(4 << 32), dice.roll(9) as u64, 0],
                ),
                1 => (Kind::Cancel, words),
                _ => (Kind::File, words),
            };
            let frame = Frame::new(asked as u32, bind, kind, &words, &data);
            frame.unwrap().put(&mut bytes);
            asked += 1;
        }
        stream.write_all(&bytes).unwrap();
        bytes.clear();
        while answered < asked {
            match decoder.next_frame().unwrap() {
                Some(frame) => {
                    assert_eq!(frame.tag, answered as u32, "in order");
                    assert!(!frame.data.windows(6).any(|part| part == b"secret"));
                    good += usize::from(frame.words()[0] & 0xffff == 0);
                    answered += 1;
                }
                None => {
                    let count = stream.read(&mut chunk).unwrap();
                    assert!(count > 0, "the server ended after {answered}");
                    decoder.feed(&chunk[..count]);
                }
            }
        }
    }
    assert!(good > REQUESTS / 50, "{good} made sense");
    let seen: Vec<_> = std::fs::read_dir(&outside.0).unwrap().collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(std::fs::read(outside.path("secret")).unwrap(), b"secret");
    // What is no frame ends the connection, and the server in good order.
    stream.write_all(&[0xff; 64]).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn handles_are_bounded_and_come_back() {
    let folder = Folder::new();
    folder.put("file", b"");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\"", SERVER]);
    if !landlock() {
        command.arg(NO_LANDLOCK);
    }
    let (child, own) = raw_as(command, &[bind(&folder.0, true), bind(&folder.0, true)]);
    let machine = Machine::over(child, own);
    let (mut tree, mut other) = (machine.tree(0), machine.tree(1));
    let root = tree.attach(b"").unwrap().handle;
    let mut handles = Vec::new();
    let error = loop {
        match tree.walk(root, b"file") {
            Ok(node) => handles.push(node.handle),
            Err(error) => break error,
        }
    };
    assert_eq!(error, FileError::EMFILE);
    assert_eq!(handles.len() as u64 + 1, machine.terms.handles);
    assert!((50..100).contains(&handles.len()), "{}", handles.len());
    assert_eq!(other.attach(b"").err(), Some(FileError::EMFILE));
    // What needs a handle and has none makes nothing.
    let made = tree.mkdir(root, b"new", 0o700, OWNER);
    assert_eq!(made.err(), Some(FileError::EMFILE));
    assert!(!folder.path("new").exists());
    for handle in handles {
        tree.clunk(handle);
    }
    let there = other.attach(b"").unwrap().handle;
    assert!(other.create(there, b"new", BOTH, 0o600, OWNER).is_ok());
    assert_eq!(tree.getattr(there), tree.getattr(root));
}

#[test]
fn a_file_beyond_the_callers_limit_is_an_error_and_no_end() {
    let folder = Folder::new();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\"", SERVER]);
    if !landlock() {
        command.arg(NO_LANDLOCK);
    }
    let (child, own) = raw_as(command, &[bind(&folder.0, true)]);
    let machine = Machine::over(child, own);
    let mut tree = machine.tree(0);
    let root = tree.attach(b"").unwrap().handle;
    let made = tree.create(root, b"new", BOTH, 0o600, OWNER).unwrap();
    assert_eq!(tree.write(made.open, 0, &[1; 8192]), Ok(8 * 512));
    assert_eq!(tree.write(made.open, 8192, &[1]), Err(FileError::EFBIG));
    assert_eq!(tree.getattr(made.open).unwrap().size, 8 * 512);
}

#[test]
fn who_does_not_take_answers_is_not_served_without_end() {
    let folder = Folder::new();
    folder.put("file", &vec![1; 1 << 16]);
    let (mut child, mut stream) = raw(&[bind(&folder.path("file"), false)]);
    let mut bytes = Vec::new();
    let mut put = |kind, words: &[u64]| {
        Frame::new(1, 0, kind, words, &[]).unwrap().put(&mut bytes);
    };
    put(Kind::Hello, &[VERSION]);
    let attach = Request::Attach {
        tree: Default::default(),
    };
    put(Kind::File, attach.encode().words());
    let open = Request::Open {
        node: sundog_protocols::file::Handle(0),
        flags: READ,
    };
    put(Kind::File, open.encode().words());
    let read = Request::Read {
        file: sundog_protocols::file::Handle(1),
        offset: 0,
        into: sundog_protocols::file::wire::Span {
            offset: 0,
            length: 1 << 16,
        },
    };
    for _ in 0..10_000 {
        put(Kind::File, read.encode().words());
    }
    // As much as it takes; 640 MB would come back.
    stream.set_nonblocking(true).unwrap();
    let (mut sent, mut tries) = (0, 0);
    while sent < bytes.len() && tries < 50 {
        match stream.write(&bytes[sent..]) {
            Ok(count) => (sent, tries) = (sent + count, 0),
            Err(_) => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 16 << 10, "{peak} KiB");
    // It is still there, and answers.
    stream.set_nonblocking(false).unwrap();
    let (mut decoder, mut chunk) = (Decoder::new(), vec![0; 1 << 17]);
    let mut answers = 0;
    while answers < 20 {
        while let Some(frame) = decoder.next_frame().unwrap() {
            assert!(!matches!(Reply::decode(frame.words()), Reply::Error(_)) || answers == 0);
            answers += 1;
        }
        let count = stream.read(&mut chunk).unwrap();
        decoder.feed(&chunk[..count]);
    }
    drop(stream);
    assert!(child.wait().unwrap().success());
}
