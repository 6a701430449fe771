//! Waiting for descriptors given as bit sets: select and pselect6.
use super::poll::{Interest, hold, look, saved_interests, timespec, wait_in};
use super::{Outcome, signals};
use crate::Errno;
use crate::fallible;
use crate::kernel::Kernel;
use crate::task::TaskId;
use alloc::vec::Vec;

/// What of poll's bits each of the three sets means.
const MEANINGS: [u32; 3] = [0x41 | 0x10 | 8, 0x104 | 8, 2];
const POLLNVAL: u32 = 0x20;
/// What is asked for each set.
const ASKED: [u32; 3] = [0x41, 0x104, 2];

fn read_sets(
    kernel: &mut Kernel,
    task: TaskId,
    count: usize,
    sets: [u64; 3],
) -> Result<Vec<Interest>, Errno> {
    let length = count.div_ceil(64) * 8;
    let mut events: Vec<u32> = fallible::with_capacity(count)?;
    events.resize(count, 0);
    for (set, asked) in sets.into_iter().zip(ASKED).filter(|(set, _)| *set != 0) {
        let mut bytes = fallible::zeroed(length)?;
        kernel.read_user(task, set, &mut bytes)?;
        for (fd, events) in events.iter_mut().enumerate() {
            if bytes[fd / 8] >> (fd % 8) & 1 != 0 {
                *events |= asked;
            }
        }
    }
    let interests = events
        .iter()
        .enumerate()
        .filter(|(_, events)| **events != 0);
    fallible::collect(interests.map(|(fd, events)| Interest {
        fd: fd as i32,
        events: *events,
    }))
}

fn select_until(
    kernel: &mut Kernel,
    task: TaskId,
    count: usize,
    sets: [u64; 3],
    interests: Vec<Interest>,
    deadline: Option<u64>,
) -> Outcome {
    let (ready, keys) = look(kernel, task, &interests)?;
    if ready.contains(&POLLNVAL) {
        return Err(Errno::EBADF.into());
    }
    let hit = |index: usize, interest: &Interest, ready: u32| {
        interest.events & ASKED[index] != 0 && ready & MEANINGS[index] != 0
    };
    let mut total = 0;
    let mut results = [const { Vec::new() }; 3];
    for (index, result) in results.iter_mut().enumerate() {
        *result = fallible::zeroed(count.div_ceil(64) * 8)?;
        for (interest, ready) in interests.iter().zip(&ready) {
            if hit(index, interest, *ready) {
                result[interest.fd as usize / 8] |= 1 << (interest.fd % 8);
                total += 1;
            }
        }
    }
    let timed_out = kernel.call(task)?.timed_out;
    if total == 0 && !timed_out && deadline != Some(0) {
        hold(kernel, task, interests)?;
        return Err(wait_in(keys, deadline));
    }
    for (set, result) in sets.into_iter().zip(&results) {
        if set != 0 {
            kernel.write_user(task, set, result)?;
        }
    }
    Ok(total)
}

fn start(
    kernel: &mut Kernel,
    task: TaskId,
    count: i32,
    sets: [u64; 3],
    timeout: impl FnOnce(&mut Kernel) -> Result<Option<u64>, Errno>,
) -> Outcome {
    // Descriptors end at the process' limit, so bits beyond it are not looked at.
    let limit = kernel.process_of(task)?.limits[crate::process::resource::NOFILE]
        .soft
        .min(1 << 20) as usize;
    let count = usize::try_from(count)
        .map_err(|_| Errno::EINVAL)?
        .min(limit);
    if let Some(interests) = saved_interests(kernel, task)? {
        return select_until(kernel, task, count, sets, interests, None);
    }
    let interests = read_sets(kernel, task, count, sets)?;
    let deadline = timeout(kernel)?;
    select_until(kernel, task, count, sets, interests, deadline)
}

/// select. (The time left is not written back: programs that care use pselect6 or poll.)
pub fn select(
    kernel: &mut Kernel,
    task: TaskId,
    count: i32,
    read: u64,
    write: u64,
    except: u64,
    timeout: u64,
) -> Outcome {
    start(kernel, task, count, [read, write, except], |kernel| {
        if timeout == 0 {
            return Ok(None);
        }
        let [seconds, part] = kernel.read_words(task, timeout)?;
        if seconds >> 63 != 0 || part >= 1_000_000 {
            return Err(Errno::EINVAL);
        }
        match seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(part * 1000)
        {
            0 => Ok(Some(0)),
            time => Ok(Some(kernel.now().saturating_add(time))),
        }
    })
}

/// pselect6.
pub fn pselect6(
    kernel: &mut Kernel,
    task: TaskId,
    count: i32,
    read: u64,
    write: u64,
    except: u64,
    timeout: u64,
    mask: u64,
) -> Outcome {
    start(kernel, task, count, [read, write, except], |kernel| {
        let deadline = timespec(kernel, task, timeout)?;
        if mask != 0 {
            let [set, size] = kernel.read_words(task, mask)?;
            if set != 0 {
                if size != 8 {
                    return Err(Errno::EINVAL);
                }
                let set = signals::read_set(kernel, task, set)?;
                signals::swap_mask(kernel, task, set)?;
            }
        }
        Ok(deadline)
    })
}
