//! futex: waiting for a word to change.
use super::{Outcome, Stop, time};
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::{FutexKey, Restart, TaskId, Wait, WaitKey};
use alloc::vec::Vec;

const WAIT: u32 = 0;
const WAKE: u32 = 1;
const REQUEUE: u32 = 3;
const CMP_REQUEUE: u32 = 4;
const WAKE_OP: u32 = 5;
const WAIT_BITSET: u32 = 9;
const WAKE_BITSET: u32 = 10;
const PRIVATE: u32 = 128;
const CLOCK_REALTIME: u32 = 256;
const ALL: u32 = u32::MAX;

/// The bits of a robust futex word.
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const TID_MASK: u32 = 0x3fff_ffff;

fn key(kernel: &mut Kernel, task: TaskId, word: u64, private: bool) -> Result<FutexKey, Errno> {
    if !word.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let space = kernel.task(task)?.space;
    kernel.with_space(task, |memory, environment| {
        let area = memory.find(word).ok_or(Errno::EFAULT)?;
        if private || !area.shared {
            return Ok(FutexKey::Private(space, word));
        }
        Ok(FutexKey::Shared(memory.translate(
            environment,
            word,
            false,
        )?))
    })
}

fn load(kernel: &mut Kernel, task: TaskId, word: u64) -> Result<u32, Errno> {
    kernel.with_space(task, |memory, environment| {
        let offset = memory.translate(environment, word, false)?;
        environment
            .memory
            .pool()
            .load(offset)
            .map_err(|_| Errno::EFAULT)
    })
}

/// Wakes up to `count` waiters whose bits meet `bits`; returns how many.
fn wake(kernel: &mut Kernel, key: FutexKey, count: u32, bits: u32) -> u64 {
    let mut woken = 0;
    let waiting: Vec<TaskId> = kernel.waiters.of(WaitKey::Futex(key)).collect();
    for task in waiting {
        if woken >= u64::from(count) {
            break;
        }
        let Ok(call) = kernel.call(task) else {
            continue;
        };
        if call.bits & bits == 0 {
            continue;
        }
        call.woken = true;
        kernel.unpark(task);
        woken += 1;
    }
    woken
}

/// Wakes waiters of a word of a task's memory, however they named it.
pub(crate) fn wake_word(kernel: &mut Kernel, task: TaskId, word: u64, count: u32) {
    for private in [true, false] {
        if let Ok(key) = key(kernel, task, word, private) {
            wake(kernel, key, count, ALL);
        }
    }
}

/// futex.
pub fn futex(
    kernel: &mut Kernel,
    task: TaskId,
    word: u64,
    operation: u32,
    value: u32,
    timeout: u64,
    second: u64,
    third: u32,
) -> Outcome {
    let private = operation & PRIVATE != 0;
    match operation & !(PRIVATE | CLOCK_REALTIME) {
        WAIT => wait(kernel, task, word, value, timeout, ALL, operation),
        WAIT_BITSET => wait(kernel, task, word, value, timeout, third, operation),
        WAKE => Ok(key(kernel, task, word, private).map(|key| wake(kernel, key, value, ALL))?),
        WAKE_BITSET if third == 0 => Err(Errno::EINVAL.into()),
        WAKE_BITSET => {
            Ok(key(kernel, task, word, private).map(|key| wake(kernel, key, value, third))?)
        }
        command @ (REQUEUE | CMP_REQUEUE) => {
            let expected = (command == CMP_REQUEUE).then_some(third);
            requeue(
                kernel,
                task,
                [word, second],
                private,
                value,
                timeout as u32,
                expected,
            )
        }
        WAKE_OP => wake_op(
            kernel,
            task,
            [word, second],
            private,
            value,
            timeout as u32,
            third,
        ),
        _ => Err(Errno::ENOSYS.into()),
    }
}

fn wait(
    kernel: &mut Kernel,
    task: TaskId,
    word: u64,
    value: u32,
    timeout: u64,
    bits: u32,
    operation: u32,
) -> Outcome {
    let call = kernel.call(task)?;
    let (first, woken, timed_out) = (call.bits == 0, call.woken, call.timed_out);
    let word = call.moved_to.unwrap_or(word);
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    if !first && woken {
        return Ok(0);
    }
    if !first && timed_out {
        return Err(Errno::ETIMEDOUT.into());
    }
    let key = key(kernel, task, word, operation & PRIVATE != 0)?;
    let deadline = match timeout {
        0 => None,
        _ if !first => None,
        address if operation & !(PRIVATE | CLOCK_REALTIME) == WAIT => {
            Some(time::read_timeout(kernel, task, address)?)
        }
        address => {
            let at = time::read_time(kernel, task, address)?;
            let calendar = if operation & CLOCK_REALTIME != 0 {
                kernel.world.calendar
            } else {
                0
            };
            Some(at.saturating_sub(calendar))
        }
    };
    if load(kernel, task, word)? != value {
        return Err(Errno::EAGAIN.into());
    }
    kernel.call(task)?.bits = bits;
    let restart = if timeout == 0 {
        Restart::IfHandlerAllows
    } else {
        Restart::IfNoHandler
    };
    Err(Stop::Wait(Wait {
        deadline,
        restart,
        ..Wait::on(WaitKey::Futex(key))
    }))
}

/// Wakes some waiters of the first word and lets the others wait for the second.
fn requeue(
    kernel: &mut Kernel,
    task: TaskId,
    words: [u64; 2],
    private: bool,
    wakes: u32,
    moves: u32,
    expected: Option<u32>,
) -> Outcome {
    let from = key(kernel, task, words[0], private)?;
    let to = key(kernel, task, words[1], private)?;
    if let Some(expected) = expected
        && load(kernel, task, words[0])? != expected
    {
        return Err(Errno::EAGAIN.into());
    }
    let woken = wake(kernel, from, wakes, ALL);
    let mut moved = 0;
    let waiting: Vec<TaskId> = kernel.waiters.of(WaitKey::Futex(from)).collect();
    for waiter in waiting {
        if moved >= u64::from(moves) || from == to {
            break;
        }
        let Kernel { world, waiters, .. } = &mut *kernel;
        let state = world.tasks.get_mut(waiter.0).ok_or(Errno::ESRCH)?;
        waiters.remove(state.wait_number, &state.waits);
        state.waits.clear();
        state.waits.push(WaitKey::Futex(to));
        state.wait_number = waiters.add(waiter, &state.waits);
        // If a signal makes it wait again, it waits for the word that it was moved to.
        if let Some(call) = state.call.as_mut() {
            call.moved_to = Some(words[1]);
        }
        moved += 1;
    }
    Ok(woken + moved)
}

/// Changes the second word, wakes waiters of the first, and of the second if its old value compares so.
fn wake_op(
    kernel: &mut Kernel,
    task: TaskId,
    words: [u64; 2],
    private: bool,
    wakes: u32,
    second_wakes: u32,
    code: u32,
) -> Outcome {
    let keys = [
        key(kernel, task, words[0], private)?,
        key(kernel, task, words[1], private)?,
    ];
    let sign = |bits: u32| ((bits as i32) << 20 >> 20) as u32;
    let argument = sign(code >> 12 & 0xfff);
    let argument = if code >> 31 != 0 {
        1 << (argument & 31)
    } else {
        argument
    };
    let comparand = sign(code & 0xfff) as i32;
    let operation = code >> 28 & 7;
    let old = kernel.with_space(task, |memory, environment| {
        let offset = memory.translate(environment, words[1], true)?;
        let pool = environment.memory.pool();
        loop {
            let old = pool.load(offset).map_err(|_| Errno::EFAULT)?;
            let new = match operation {
                0 => argument,
                1 => old.wrapping_add(argument),
                2 => old | argument,
                3 => old & !argument,
                4 => old ^ argument,
                _ => return Err(Errno::ENOSYS),
            };
            if pool
                .compare_exchange(offset, old, new)
                .map_err(|_| Errno::EFAULT)?
                == old
            {
                return Ok(old as i32);
            }
        }
    })?;
    let holds = match code >> 24 & 15 {
        0 => old == comparand,
        1 => old != comparand,
        2 => old < comparand,
        3 => old <= comparand,
        4 => old > comparand,
        5 => old >= comparand,
        _ => return Err(Errno::ENOSYS.into()),
    };
    let mut woken = wake(kernel, keys[0], wakes, ALL);
    if holds {
        woken += wake(kernel, keys[1], second_wakes, ALL);
    }
    Ok(woken)
}

/// Marks the robust futexes of a task that ends as orphaned, and wakes one waiter of each.
pub(crate) fn release_robust(kernel: &mut Kernel, task: TaskId, head: u64, tid: i32) {
    let Ok([mut entry, offset, pending]) = kernel.read_words(task, head) else {
        return;
    };
    // A list that a program made into a circle of its own ends here too.
    for _ in 0..2048 {
        if entry & !1 == head {
            break;
        }
        let Ok([next]) = kernel.read_words(task, entry & !1) else {
            return;
        };
        if entry != pending && orphan(kernel, task, (entry & !1).wrapping_add(offset), tid).is_err()
        {
            return;
        }
        entry = next;
    }
    if pending & !1 != 0 {
        let _ = orphan(kernel, task, (pending & !1).wrapping_add(offset), tid);
    }
}

fn orphan(kernel: &mut Kernel, task: TaskId, word: u64, tid: i32) -> Result<(), Errno> {
    let value = load(kernel, task, word)?;
    if value & TID_MASK != tid as u32 {
        return Ok(());
    }
    let died = (value & WAITERS) | OWNER_DIED;
    kernel.with_space(task, |memory, environment| {
        let offset = memory.translate(environment, word, true)?;
        environment
            .memory
            .pool()
            .compare_exchange(offset, value, died)
            .map_err(|_| Errno::EFAULT)
    })?;
    if value & WAITERS != 0 {
        wake_word(kernel, task, word, 1);
    }
    Ok(())
}
