//! Waiting for descriptors: poll, ppoll and epoll.
use super::{Outcome, Stop, signals, time};
use crate::Errno;
use crate::fallible;
use crate::kernel::Kernel;
use crate::process::resource;
use crate::task::{Restart, Saved, TaskId, Wait, WaitKey};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// More descriptors than this are waited for only while there is memory for more.
const MANY: usize = 256;
/// The most events that one epoll_wait tells.
const EVENTS: usize = 1024;
const POLLERR: u32 = 8;
const POLLHUP: u32 = 0x10;
const POLLNVAL: u32 = 0x20;

/// A descriptor and what somebody wants to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The descriptor; negative ones are passed over.
    pub fd: i32,
    /// The events, with poll's bits.
    pub events: u32,
}

/// What all descriptors are ready for (0 where nothing that is wanted), and the queues to wait in if none is.
pub(super) fn look(
    kernel: &mut Kernel,
    task: TaskId,
    interests: &[Interest],
) -> Result<(Vec<u32>, Vec<WaitKey>), Errno> {
    kernel.with_files(task, |vfs, context| {
        let mut ready = fallible::with_capacity(interests.len())?;
        let mut keys = Vec::new();
        for interest in interests {
            if interest.fd < 0 {
                ready.push(0);
                continue;
            }
            match vfs.poll(context, interest.fd) {
                Ok(found) => {
                    ready.push(found.ready.0 & (interest.events | POLLERR | POLLHUP));
                    for queue in found.queues {
                        fallible::push(&mut keys, WaitKey::File(queue))?;
                    }
                }
                Err(_) => ready.push(POLLNVAL),
            }
        }
        Ok((ready, keys))
    })?
}

/// The wait of a poll: in all queues, to the deadline.
pub(super) fn wait_in(mut keys: Vec<WaitKey>, deadline: Option<u64>) -> Stop {
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        keys.push(WaitKey::Signal);
    }
    Stop::Wait(Wait {
        keys,
        deadline,
        restart: Restart::IfNoHandler,
        done: 0,
    })
}

/// When a wait of so many milliseconds ends; `Some(0)` for "do not wait".
fn milliseconds(kernel: &mut Kernel, timeout: i32) -> Option<u64> {
    match timeout {
        ..0 => None,
        0 => Some(0),
        timeout => Some(kernel.now().saturating_add(timeout as u64 * 1_000_000)),
    }
}

fn read_interests(
    kernel: &mut Kernel,
    task: TaskId,
    fds: u64,
    count: u64,
) -> Result<Vec<Interest>, Errno> {
    if count
        > kernel.process_of(task)?.limits[resource::NOFILE]
            .soft
            .clamp(1024, 1 << 20)
    {
        return Err(Errno::EINVAL);
    }
    let mut bytes = fallible::zeroed(count as usize * 8)?;
    kernel.read_user(task, fds, &mut bytes)?;
    let entry = |entry: &[u8]| Interest {
        fd: i32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]),
        events: u32::from(u16::from_le_bytes([entry[4], entry[5]])),
    };
    fallible::collect(bytes.chunks_exact(8).map(entry))
}

pub(super) fn saved_interests(
    kernel: &mut Kernel,
    task: TaskId,
) -> Result<Option<Vec<Interest>>, Errno> {
    let call = kernel.call(task)?;
    let saved = match call.saved.as_deref_mut() {
        Some(Saved::Poll(interests)) => Some(core::mem::take(interests)),
        _ => None,
    };
    Ok(saved)
}

/// Keeps the interests of a call that waits.
pub(super) fn hold(
    kernel: &mut Kernel,
    task: TaskId,
    interests: Vec<Interest>,
) -> Result<(), Errno> {
    let begins = kernel.call(task)?.saved.is_none();
    if begins && interests.len() > MANY && !(kernel.settings.room)() {
        return Err(Errno::ENOMEM);
    }
    kernel.call(task)?.saved = Some(Box::new(Saved::Poll(interests)));
    Ok(())
}

fn poll_until(
    kernel: &mut Kernel,
    task: TaskId,
    fds: u64,
    interests: Vec<Interest>,
    deadline: Option<u64>,
) -> Outcome {
    let (ready, keys) = look(kernel, task, &interests)?;
    let count = ready.iter().filter(|events| **events != 0).count();
    let timed_out = kernel.call(task)?.timed_out;
    if count == 0 && !timed_out && deadline != Some(0) {
        hold(kernel, task, interests)?;
        return Err(wait_in(keys, deadline));
    }
    for (index, events) in ready.iter().enumerate() {
        let at = fds.wrapping_add(index as u64 * 8 + 6);
        kernel.write_user(task, at, &(*events as u16).to_le_bytes())?;
    }
    Ok(count as u64)
}

/// poll.
pub fn poll(kernel: &mut Kernel, task: TaskId, fds: u64, count: u64, timeout: i32) -> Outcome {
    if let Some(interests) = saved_interests(kernel, task)? {
        return poll_until(kernel, task, fds, interests, None);
    }
    let interests = read_interests(kernel, task, fds, count)?;
    let deadline = milliseconds(kernel, timeout);
    poll_until(kernel, task, fds, interests, deadline)
}

/// A timeout in a `struct timespec`, or none; `Some(0)` for "do not wait".
pub(super) fn timespec(
    kernel: &mut Kernel,
    task: TaskId,
    address: u64,
) -> Result<Option<u64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    match time::read_time(kernel, task, address)? {
        0 => Ok(Some(0)),
        time => Ok(Some(kernel.now().saturating_add(time))),
    }
}

/// ppoll.
pub fn ppoll(
    kernel: &mut Kernel,
    task: TaskId,
    fds: u64,
    count: u64,
    timeout: u64,
    mask: u64,
    size: u64,
) -> Outcome {
    if let Some(interests) = saved_interests(kernel, task)? {
        return poll_until(kernel, task, fds, interests, None);
    }
    if mask != 0 && size != 8 {
        return Err(Errno::EINVAL.into());
    }
    let interests = read_interests(kernel, task, fds, count)?;
    let deadline = timespec(kernel, task, timeout)?;
    if mask != 0 {
        let mask = signals::read_set(kernel, task, mask)?;
        signals::swap_mask(kernel, task, mask)?;
    }
    poll_until(kernel, task, fds, interests, deadline)
}

/// epoll_create.
pub fn epoll_create(kernel: &mut Kernel, task: TaskId, size: i32) -> Outcome {
    if size <= 0 {
        Err(Errno::EINVAL.into())
    } else {
        epoll_create1(kernel, task, 0)
    }
}

/// epoll_create1.
pub fn epoll_create1(kernel: &mut Kernel, task: TaskId, flags: u32) -> Outcome {
    Ok(kernel.with_files(task, |vfs, context| vfs.epoll_create1(context, flags))?? as u64)
}

/// epoll_ctl.
pub fn epoll_ctl(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    operation: u32,
    target: i32,
    event: u64,
) -> Outcome {
    const DELETE: u32 = 2;
    let bytes: [u8; 12] = if operation == DELETE {
        [0; 12]
    } else {
        kernel.read_bytes(task, event)?
    };
    let (events, data) = bytes.split_at(4);
    let mut word = [0; 4];
    word.copy_from_slice(events);
    let mut long = [0; 8];
    long.copy_from_slice(data);
    let event = (u32::from_le_bytes(word), u64::from_le_bytes(long));
    kernel.with_files(task, |vfs, context| {
        vfs.epoll_ctl(context, fd, operation, target, event)
    })??;
    Ok(0)
}

/// epoll_wait.
pub fn epoll_wait(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    to: u64,
    count: i32,
    timeout: i32,
) -> Outcome {
    epoll_pwait(kernel, task, fd, to, count, timeout, 0, 8)
}

/// epoll_pwait.
pub fn epoll_pwait(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    to: u64,
    count: i32,
    timeout: i32,
    mask: u64,
    size: u64,
) -> Outcome {
    if count <= 0 || count > 1 << 20 {
        return Err(Errno::EINVAL.into());
    }
    let first = kernel.call(task)?.saved.is_none();
    if first && mask != 0 {
        if size != 8 {
            return Err(Errno::EINVAL.into());
        }
        let mask = signals::read_set(kernel, task, mask)?;
        signals::swap_mask(kernel, task, mask)?;
    }
    kernel.call(task)?.saved = Some(Box::new(Saved::Armed));
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.epoll_wait(context, fd, (count as usize).min(EVENTS))
    })?;
    let timed_out = kernel.call(task)?.timed_out;
    let events = match kernel.outcome(attempt) {
        Err(Stop::Wait(_)) if timed_out || timeout == 0 => Vec::new(),
        Err(Stop::Wait(wait)) => {
            let deadline = if first {
                milliseconds(kernel, timeout)
            } else {
                None
            };
            return Err(wait_in(wait.keys, deadline));
        }
        other => other?,
    };
    let mut bytes = Vec::with_capacity(events.len() * 12);
    for (mask, data) in &events {
        bytes.extend(mask.to_le_bytes());
        bytes.extend(data.to_le_bytes());
    }
    kernel.write_user(task, to, &bytes)?;
    Ok(events.len() as u64)
}
