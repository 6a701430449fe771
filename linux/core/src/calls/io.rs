//! Calls that move bytes between descriptors and memory.
use super::{Outcome, Stop};
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;
use alloc::vec::Vec;

/// The most that one transfer between the files and a guest moves at once.
pub(crate) const CHUNK: usize = 256 * 1024;
/// The most parts of readv and writev.
const PARTS: u64 = 1024;
/// The most bytes of one call.
const MOST: usize = 0x7fff_f000;

/// A run of a guest's memory.
#[derive(Clone, Copy, Debug)]
struct Part {
    address: u64,
    length: usize,
}

/// Where in the file.
#[derive(Clone, Copy, Debug)]
enum At {
    Current,
    Offset(i64),
}

impl At {
    fn plus(self, done: usize) -> Self {
        match self {
            Self::Current => Self::Current,
            Self::Offset(offset) => Self::Offset(offset.saturating_add(done as i64)),
        }
    }
}

fn one(address: u64, length: usize) -> Part {
    Part {
        address,
        length: length.min(MOST),
    }
}

fn parts(kernel: &mut Kernel, task: TaskId, address: u64, count: u64) -> Result<Vec<Part>, Errno> {
    if count > PARTS {
        return Err(Errno::EINVAL);
    }
    let mut bytes = alloc::vec![0; count as usize * 16];
    kernel.read_user(task, address, &mut bytes)?;
    let mut total = 0_usize;
    let mut parts = Vec::with_capacity(count as usize);
    for part in bytes.chunks_exact(16) {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&part[at..at + 8]);
            u64::from_le_bytes(word)
        };
        if word(8) > i64::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        let length = (word(8) as usize).min(MOST - total);
        total += length;
        parts.push(Part {
            address: word(0),
            length,
        });
    }
    Ok(parts)
}

/// The part of `parts` behind `done` bytes, at most a chunk long.
fn window(parts: &[Part], done: usize) -> impl Iterator<Item = Part> + Clone {
    let (mut behind, mut left) = (done, CHUNK);
    parts.iter().filter_map(move |part| {
        let skip = behind.min(part.length);
        behind -= skip;
        let length = (part.length - skip).min(left);
        left -= length;
        let address = part.address.wrapping_add(skip as u64);
        (length > 0).then_some(Part { address, length })
    })
}

/// How much of a window can be accessed, from its start.
fn accessible(
    kernel: &mut Kernel,
    task: TaskId,
    window: impl Iterator<Item = Part>,
    write: bool,
) -> Result<usize, Errno> {
    kernel.with_space(task, |space, environment| {
        let mut total = 0;
        for part in window {
            let length = space.accessible(environment, part.address, part.length, write);
            total += length;
            if length < part.length {
                break;
            }
        }
        Ok(total)
    })
}

/// Copies between a buffer and a window, as far as the buffer goes.
fn copy(
    kernel: &mut Kernel,
    task: TaskId,
    window: impl Iterator<Item = Part>,
    buffer: &mut [u8],
    to_guest: bool,
) -> Result<(), Errno> {
    kernel.with_space(task, |space, environment| {
        let mut rest = buffer;
        for part in window {
            let length = part.length.min(rest.len());
            let (now, later) = rest.split_at_mut(length);
            if to_guest {
                space.write(environment, part.address, now)?;
            } else {
                space.read(environment, part.address, now)?;
            }
            rest = later;
        }
        Ok(())
    })
}

/// What a call returns that did something and then met an error or a wait: what it did.
fn partly(done: usize, stop: Stop) -> Outcome {
    match (done, stop) {
        (0, stop) => Err(stop),
        (done, _) => Ok(done as u64),
    }
}

fn read_into(kernel: &mut Kernel, task: TaskId, fd: i32, parts: &[Part], at: At) -> Outcome {
    let mut done = 0;
    loop {
        let window = window(parts, done);
        let wanted: usize = window.clone().map(|part| part.length).sum();
        let room = accessible(kernel, task, window.clone(), true)?;
        if room == 0 && wanted > 0 {
            return partly(done, Errno::EFAULT.into());
        }
        let mut buffer = core::mem::take(&mut kernel.buffer);
        buffer.clear();
        buffer.resize(room, 0);
        let attempt = kernel.with_files(task, |vfs, context| match at.plus(done) {
            At::Current => vfs.read(context, fd, &mut buffer),
            At::Offset(offset) => vfs.pread(context, fd, &mut buffer, offset),
        })?;
        let outcome = kernel.outcome(attempt);
        let result = match outcome {
            Ok(count) => copy(kernel, task, window, &mut buffer[..count], true)
                .map(|()| count)
                .map_err(Stop::from),
            Err(stop) => Err(stop),
        };
        kernel.buffer = buffer;
        match result {
            Ok(count) => {
                done += count;
                if count < CHUNK {
                    return Ok(done as u64);
                }
            }
            Err(stop) => return partly(done, stop),
        }
    }
}

/// Writes; a call that waits remembers how much it has written, and goes on there.
fn write_from(kernel: &mut Kernel, task: TaskId, fd: i32, parts: &[Part], at: At) -> Outcome {
    let mut done = kernel.call(task)?.done as usize;
    loop {
        let window = window(parts, done);
        let wanted: usize = window.clone().map(|part| part.length).sum();
        let there = accessible(kernel, task, window.clone(), false)?;
        if there == 0 && wanted > 0 {
            return partly(done, Errno::EFAULT.into());
        }
        if wanted == 0 && done > 0 {
            return Ok(done as u64);
        }
        let mut buffer = core::mem::take(&mut kernel.buffer);
        buffer.clear();
        buffer.resize(there, 0);
        let copied = copy(kernel, task, window, &mut buffer, false);
        let attempt = match copied {
            Ok(()) => kernel.with_files(task, |vfs, context| match at.plus(done) {
                At::Current => vfs.write(context, fd, &buffer),
                At::Offset(offset) => vfs.pwrite(context, fd, &buffer, offset),
            }),
            Err(error) => Err(error),
        };
        kernel.buffer = buffer;
        match kernel.outcome(attempt?) {
            Ok(count) => {
                done += count;
                kernel.call(task)?.done = done as u64;
                if count == 0 || wanted == 0 {
                    return Ok(done as u64);
                }
            }
            Err(Stop::Wait(mut wait)) => {
                wait.done = done as u64;
                return Err(Stop::Wait(wait));
            }
            Err(stop) => return partly(done, stop),
        }
    }
}

/// read.
pub fn read(kernel: &mut Kernel, task: TaskId, fd: i32, buffer: u64, length: usize) -> Outcome {
    read_into(kernel, task, fd, &[one(buffer, length)], At::Current)
}

/// write.
pub fn write(kernel: &mut Kernel, task: TaskId, fd: i32, buffer: u64, length: usize) -> Outcome {
    write_from(kernel, task, fd, &[one(buffer, length)], At::Current)
}

/// pread64.
pub fn pread(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    buffer: u64,
    length: usize,
    offset: i64,
) -> Outcome {
    read_into(kernel, task, fd, &[one(buffer, length)], At::Offset(offset))
}

/// pwrite64.
pub fn pwrite(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    buffer: u64,
    length: usize,
    offset: i64,
) -> Outcome {
    write_from(kernel, task, fd, &[one(buffer, length)], At::Offset(offset))
}

/// readv.
pub fn readv(kernel: &mut Kernel, task: TaskId, fd: i32, list: u64, count: u64) -> Outcome {
    let parts = parts(kernel, task, list, count)?;
    read_into(kernel, task, fd, &parts, At::Current)
}

/// writev.
pub fn writev(kernel: &mut Kernel, task: TaskId, fd: i32, list: u64, count: u64) -> Outcome {
    let parts = parts(kernel, task, list, count)?;
    write_from(kernel, task, fd, &parts, At::Current)
}

/// preadv.
pub fn preadv(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    list: u64,
    count: u64,
    offset: i64,
) -> Outcome {
    let parts = parts(kernel, task, list, count)?;
    read_into(kernel, task, fd, &parts, At::Offset(offset))
}

/// pwritev.
pub fn pwritev(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    list: u64,
    count: u64,
    offset: i64,
) -> Outcome {
    let parts = parts(kernel, task, list, count)?;
    write_from(kernel, task, fd, &parts, At::Offset(offset))
}

/// Where preadv2 and pwritev2 work; their flags ask for things that are not to be had.
fn at_or_current(offset: i64, flags: u32) -> Result<At, Errno> {
    match (flags, offset) {
        (0, -1) => Ok(At::Current),
        (0, offset) => Ok(At::Offset(offset)),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// preadv2.
pub fn preadv2(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    list: u64,
    count: u64,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Outcome {
    let at = at_or_current(offset, flags)?;
    let parts = parts(kernel, task, list, count)?;
    read_into(kernel, task, fd, &parts, at)
}

/// pwritev2.
pub fn pwritev2(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    list: u64,
    count: u64,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Outcome {
    let at = at_or_current(offset, flags)?;
    let parts = parts(kernel, task, list, count)?;
    write_from(kernel, task, fd, &parts, at)
}

fn read_offset(kernel: &mut Kernel, task: TaskId, address: u64) -> Result<Option<i64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let [offset] = kernel.read_words(task, address)?;
    if (offset as i64) < 0 {
        Err(Errno::EINVAL)
    } else {
        Ok(Some(offset as i64))
    }
}

/// sendfile.
pub fn sendfile(
    kernel: &mut Kernel,
    task: TaskId,
    to: i32,
    from: i32,
    offset: u64,
    length: usize,
) -> Outcome {
    let start = read_offset(kernel, task, offset)?;
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.sendfile(context, to, from, start, length.min(MOST))
    })?;
    let (count, end) = kernel.outcome(attempt)?;
    if let (Some(end), true) = (end, offset != 0) {
        kernel.write_words(task, offset, &[end as u64])?;
    }
    Ok(count as u64)
}

/// copy_file_range.
pub fn copy_file_range(
    kernel: &mut Kernel,
    task: TaskId,
    from: i32,
    at: u64,
    to: i32,
    position: u64,
    length: usize,
    flags: u32,
) -> Outcome {
    if flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    let source = read_offset(kernel, task, at)?;
    let target = read_offset(kernel, task, position)?;
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.copy_file_range(context, (from, source), (to, target), length.min(MOST))
    })?;
    let count = kernel.outcome(attempt)?;
    for (address, start) in [(at, source), (position, target)] {
        if let Some(start) = start {
            kernel.write_words(task, address, &[start as u64 + count as u64])?;
        }
    }
    Ok(count as u64)
}
