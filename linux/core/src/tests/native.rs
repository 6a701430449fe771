//! execve of native programs: their streams, ends, stops and waits, over a machine that only notes what it is told.
use super::exec::text;
use super::image::native_elf;
use super::tiny::{Arg, DATA, Op, Sandbox, call, exit};
use crate::Errno;
use crate::native::{Answer, Request};
use crate::process::End;
use crate::schedule::Step;
use alloc::vec::Vec;

const EXECVE: u64 = 59;
const FORK: u64 = 57;
const WAIT4: u64 = 61;
const KILL: u64 = 62;
/// Waits for a child with WUNTRACED and WCONTINUED.
const CHANGES: u64 = 10;

/// A parent that runs `ops` and whose child 3 becomes the native program. Their standard streams are the two ends of a pipe.
fn sandbox(ops: Vec<Op>) -> Sandbox {
    let mut all = text(DATA, "/native");
    // The read end is descriptor 0, the write end 1.
    all.extend([call(22, &[DATA + 64]), Op::Expect(0), call(FORK, &[])]);
    let child = all.len() + 2 + ops.len();
    all.extend([Op::JumpIfZero(child), Op::Keep]);
    all.extend(ops);
    all.extend([call(EXECVE, &[DATA, 0, 0]), Op::Expect(0), exit(99)]);
    let sandbox = Sandbox::new(256, 0, all);
    add_native(sandbox)
}

fn add_native(mut sandbox: Sandbox) -> Sandbox {
    let pid = sandbox.kernel.first.unwrap();
    let task = sandbox.kernel.world.tids[&pid];
    let written = sandbox.kernel.with_files(task, |vfs, context| {
        let fd = vfs.openat(context, -100, b"/native", 0o101, 0o755).unwrap();
        assert_eq!(vfs.write(context, fd, &native_elf()), Ok(4096));
        vfs.close(context, fd).unwrap();
    });
    assert!(written.is_ok());
    sandbox
}

/// Runs until nobody can, or to the end of the first process.
fn settle(sandbox: &mut Sandbox) -> Option<End> {
    for _ in 0..10_000 {
        match sandbox.kernel.step() {
            Step::Ran => {}
            Step::Idle { .. } => return None,
            Step::Finished(end) => return Some(end),
        }
    }
    panic!("it never settles");
}

fn wait(status: u64) -> [Op; 3] {
    let arguments = [Arg::Rbx, Arg::N(DATA + 128), Arg::N(CHANGES), Arg::N(0)];
    [
        Op::Call(WAIT4, arguments.into()),
        Op::Load(DATA + 128),
        Op::ExpectRbx(status),
    ]
}

#[test]
fn the_parent_waits_for_a_native_child_s_status() {
    let mut ops: Vec<Op> = wait(7 << 8).into();
    ops.push(exit(0));
    let mut sandbox = sandbox(ops);
    assert_eq!(settle(&mut sandbox), None);
    assert_eq!(sandbox.natives(), [(3, "start")]);
    sandbox.kernel.native_ended(3, End::Exited(7));
    assert_eq!(settle(&mut sandbox), Some(End::Exited(0)));
    assert_eq!(sandbox.natives(), [(3, "end")]);
    assert_eq!(
        sandbox.kernel.native_request(
            3,
            Request::Read {
                descriptor: 0,
                length: 1
            }
        ),
        Err(Errno::ESRCH)
    );
}

#[test]
fn its_streams_are_the_caller_s_and_a_read_waits() {
    let mut ops: Vec<Op> = wait(0).into();
    ops.push(exit(0));
    let mut sandbox = sandbox(ops);
    settle(&mut sandbox);
    let kernel = &mut sandbox.kernel;
    let read = Request::Read {
        descriptor: 0,
        length: 8,
    };
    assert_eq!(kernel.native_request(3, read.clone()), Ok(()));
    assert_eq!(settle(&mut sandbox), None);
    assert_eq!(sandbox.kernel.take_native_answers(), []);
    assert_eq!(sandbox.kernel.native_request(3, read), Err(Errno::EBUSY));
    // The first process writes what the child waits for.
    let task = sandbox.kernel.world.tids[&2];
    let written = sandbox
        .kernel
        .with_files(task, |vfs, context| vfs.write(context, 1, b"hello"));
    assert_eq!(written, Ok(Ok(5)));
    settle(&mut sandbox);
    assert_eq!(
        sandbox.kernel.take_native_answers(),
        [(3, Answer::Read(b"hello".to_vec()))]
    );
    for (descriptor, result) in [
        (1, Answer::Written(2)),
        (0, Answer::WriteFailed(Errno::EBADF)),
        (2, Answer::WriteFailed(Errno::EBADF)),
    ] {
        let bytes = b"ok".to_vec();
        let request = Request::Write { descriptor, bytes };
        assert_eq!(sandbox.kernel.native_request(3, request), Ok(()));
        settle(&mut sandbox);
        assert_eq!(sandbox.kernel.take_native_answers(), [(3, result)]);
    }
    for descriptor in [-1, 3, i32::MAX] {
        let request = Request::Read {
            descriptor,
            length: 1,
        };
        assert_eq!(sandbox.kernel.native_request(3, request), Err(Errno::EBADF));
    }
}

#[test]
fn its_last_words_go_to_standard_error_or_are_lost() {
    let mut ops: Vec<Op> = wait(1 << 8).into();
    ops.push(exit(0));
    let mut sandbox = sandbox(ops);
    settle(&mut sandbox);
    let [parent, child] = [2, 3].map(|pid| sandbox.kernel.world.tids[&pid]);
    // It has no descriptor 2 yet; and there is no process 99.
    sandbox.kernel.native_last_words(3, b"lost".to_vec());
    sandbox.kernel.native_last_words(99, b"lost".to_vec());
    let copied = sandbox
        .kernel
        .with_files(child, |vfs, context| vfs.dup2(context, 1, 2));
    assert_eq!(copied, Ok(Ok(2)));
    sandbox.kernel.native_last_words(3, b"why!".to_vec());
    sandbox.kernel.native_ended(3, End::Exited(1));
    let mut said = [0; 8];
    let read = sandbox
        .kernel
        .with_files(parent, |vfs, context| vfs.read(context, 0, &mut said));
    assert_eq!((read, &said[..4]), (Ok(Ok(4)), &b"why!"[..]));
    assert_eq!(settle(&mut sandbox), Some(End::Exited(0)));
    assert_eq!(sandbox.kernel.take_native_answers(), []);
}

#[test]
fn it_is_stopped_continued_and_killed() {
    let kill = |signal| Op::Call(KILL, alloc::vec![Arg::R12, Arg::N(signal)]);
    let change = |status| {
        let arguments = [Arg::R12, Arg::N(DATA + 128), Arg::N(CHANGES), Arg::N(0)];
        [
            Op::Call(WAIT4, arguments.into()),
            Op::Load(DATA + 128),
            Op::ExpectRbx(status),
        ]
    };
    let mut ops = alloc::vec![Op::Keep12, call(24, &[]), kill(19)];
    ops.extend(change(19 << 8 | 0x7f));
    ops.push(kill(18));
    ops.extend(change(0xffff));
    ops.push(call(24, &[]));
    ops.push(kill(15));
    ops.extend(change(15));
    ops.push(exit(0));
    let mut sandbox = sandbox(ops);
    assert_eq!(settle(&mut sandbox), Some(End::Exited(0)));
    let told = sandbox.natives();
    assert_eq!(told.first(), Some(&(3, "start")));
    assert_eq!(told.last(), Some(&(3, "end")));
    let stops = told.iter().filter(|(_, what)| *what == "suspend").count();
    let goes = told.iter().filter(|(_, what)| *what == "resume").count();
    assert_eq!((stops, goes), (1, 1), "{told:?}");
}

#[test]
fn a_refused_native_program_leaves_the_caller_as_it_was() {
    let mut ops = text(DATA, "/native");
    // Two arguments, which this machine refuses.
    ops.extend([Op::Store(DATA + 64, DATA), Op::Store(DATA + 72, DATA)]);
    ops.extend([
        call(EXECVE, &[DATA, DATA + 64, 0]),
        Op::Expect(-11),
        exit(0),
    ]);
    let mut sandbox = add_native(Sandbox::new(256, 0, ops));
    assert_eq!(settle(&mut sandbox), Some(End::Exited(0)));
    assert_eq!(sandbox.natives(), [(2, "refuse")]);
}

#[test]
fn notes_of_any_form_are_read_without_harm() {
    let note = &native_elf()[0x200..0x200 + 28];
    assert!(crate::elf::is_native(note));
    for length in 0..19 {
        assert!(!crate::elf::is_native(&note[..length]));
    }
    let huge = [[0xff; 4], [0xff; 4], [1, 0, 0, 0]].concat();
    assert!(!crate::elf::is_native(&huge));
    let second = [&b"\x04\0\0\0\x01\0\0\0\x01\0\0\0GNU\0a\0\0\0"[..], note].concat();
    assert!(crate::elf::is_native(&second));
}
