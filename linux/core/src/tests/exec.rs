//! execve: programs, scripts, hostile files, and what stays of the process.
use super::image::elf;
use super::tiny::{Arg, DATA, Op, Sandbox, call, exit, passes};
use crate::process::End;

const EXECVE: u64 = 59;

/// Stores a string at an address, eight bytes at a time.
pub(super) fn text(address: u64, text: &str) -> alloc::vec::Vec<Op> {
    let mut bytes = alloc::vec::Vec::from(text.as_bytes());
    bytes.resize((bytes.len() + 1).next_multiple_of(8), 0);
    let words = bytes.chunks_exact(8).enumerate();
    words
        .map(|(index, part)| {
            let mut word = [0; 8];
            word.copy_from_slice(part);
            Op::Store(address + index as u64 * 8, u64::from_le_bytes(word))
        })
        .collect()
}

#[test]
fn a_new_program_starts_with_fresh_memory_and_the_old_id() {
    let mut ops = text(DATA, "/other");
    ops.extend([call(EXECVE, &[DATA, 0, 0]), exit(1)]);
    let other = ops.len();
    ops.extend([
        Op::Load(DATA),
        Op::ExpectRbx(0),
        call(39, &[]),
        Op::Expect(2),
        // argc is 1 even if no arguments were given.
        Op::Call(1, alloc::vec![Arg::N(5), Arg::Rsp(0), Arg::N(8)]),
        Op::Expect(-9),
        exit(0),
    ]);
    let mut sandbox = Sandbox::new(512, other, ops);
    assert_eq!(sandbox.run(1000), Some(End::Exited(0)));
}

#[test]
fn what_is_no_program_is_refused_and_the_caller_goes_on() {
    let mut ops = text(DATA, "/missing");
    ops.extend([call(EXECVE, &[DATA, 0, 0]), Op::Expect(-2)]);
    ops.extend([call(EXECVE, &[0, 0, 0]), Op::Expect(-14)]);
    ops.extend(text(DATA, "/"));
    ops.extend([call(EXECVE, &[DATA, 0, 0]), Op::Expect(-13)]);
    ops.extend(text(DATA, "/other"));
    ops.extend([call(EXECVE, &[DATA, 8, 0]), Op::Expect(-14)]);
    // A file with a few bytes that are no header.
    ops.extend(text(DATA, "/junk"));
    ops.extend([call(2, &[DATA, 0o101, 0o755]), Op::Keep]);
    ops.extend([
        Op::Call(1, alloc::vec![Arg::Rbx, Arg::N(DATA), Arg::N(4)]),
        call(3, &[0]),
    ]);
    ops.extend([call(EXECVE, &[DATA, 0, 0]), Op::Expect(-8)]);
    ops.push(exit(0));
    let mut sandbox = Sandbox::new(512, 0, ops);
    assert_eq!(sandbox.run(1000), Some(End::Exited(0)));
}

#[test]
fn hostile_files_end_in_an_error_or_in_a_program() {
    // The parent writes mutations of a program and lets children run them; none may break the personality.
    let good = elf(super::tiny::BASE);
    let mut state = 88_172_645_463_325_252_u64;
    for round in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = state as usize % 176;
            bytes[at] = (state >> 32) as u8;
        }
        let length = if round % 5 == 0 {
            state as usize % good.len()
        } else {
            good.len()
        };
        let mut sandbox = Sandbox::new(256, 0, alloc::vec![exit(0)]);
        let pid = sandbox.kernel.first.unwrap();
        let task = sandbox.kernel.world.tids[&pid];
        let file = sandbox.kernel.with_files(task, |vfs, context| {
            let fd = vfs
                .openat(context, -100, b"/hostile", 0o102, 0o755)
                .unwrap();
            vfs.write(context, fd, &bytes[..length]).unwrap();
            fd
        });
        assert!(file.is_ok());
        let texts = crate::load::Texts::default();
        let result = crate::load::prepare(&mut sandbox.kernel, task, -100, b"/hostile", 0, texts);
        if let Ok(program) = result {
            crate::calls::exec::become_program(&mut sandbox.kernel, task, program).unwrap();
        }
        assert!(sandbox.run(100).is_some());
    }
}

#[test]
fn the_upper_half_of_a_calls_number_says_nothing() {
    const MANY: u64 = 0xabcd_0000_0000_0000 | 1 << 32;
    passes(alloc::vec![
        call(39, &[]),
        Op::Expect(2),
        call(MANY | 39, &[]),
        Op::Expect(2),
        call(MANY | 400, &[]),
        Op::Expect(-38),
        call(u64::MAX, &[]),
        Op::Expect(-38),
        call(103, &[10, 0, 0]),
        Op::Expect(-1),
        call(MANY | 231, &[0]),
        exit(1),
    ]);
}
