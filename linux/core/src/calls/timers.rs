//! POSIX timers, which send signals.
use super::{Outcome, time};
use crate::Errno;
use crate::kernel::{Kernel, Timer};
use crate::process::IntervalTimer;
use crate::signal::{Cause, SIGALRM, SIGNAL_MAX, SignalInformation};
use crate::task::{ProcessId, TaskId};

const SIGEV_SIGNAL: u32 = 0;
const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD_ID: u32 = 4;

/// timer_create.
pub fn timer_create(kernel: &mut Kernel, task: TaskId, clock: u32, event: u64, to: u64) -> Outcome {
    if clock > 11 || matches!(clock, 2 | 3 | 5 | 6 | 10) {
        return Err(Errno::EINVAL.into());
    }
    let mut timer = IntervalTimer {
        signal: SIGALRM,
        calendar: time::is_calendar(clock),
        ..IntervalTimer::default()
    };
    let id = next_id(kernel, task)?;
    timer.value = id as u64;
    if event != 0 {
        let [value, signal_and_kind, thread] = kernel.read_words(task, event)?;
        let signal = signal_and_kind as u32;
        timer.value = value;
        match (signal_and_kind >> 32) as u32 {
            SIGEV_NONE => timer.signal = 0,
            SIGEV_SIGNAL | SIGEV_THREAD_ID if !(1..=SIGNAL_MAX).contains(&signal) => {
                return Err(Errno::EINVAL.into());
            }
            SIGEV_SIGNAL => timer.signal = signal,
            SIGEV_THREAD_ID => {
                let target = super::process::thread(kernel, task, thread as i32)
                    .map_err(|_| Errno::EINVAL)?;
                let owner = kernel.task(target)?.process;
                if owner != kernel.task(task)?.process {
                    return Err(Errno::EINVAL.into());
                }
                (timer.signal, timer.thread) = (signal, thread as i32);
            }
            _ => return Err(Errno::EINVAL.into()),
        }
    }
    kernel.write_user(task, to, &id.to_le_bytes())?;
    kernel.process_of(task)?.timers.insert(id, timer);
    Ok(0)
}

fn next_id(kernel: &mut Kernel, task: TaskId) -> Result<i32, Errno> {
    let timers = &kernel.process_of(task)?.timers;
    if timers.len() >= 1024 {
        return Err(Errno::EAGAIN);
    }
    Ok(timers
        .last_key_value()
        .map_or(0, |(id, _)| id.wrapping_add(1) & i32::MAX))
}

fn timer(kernel: &mut Kernel, task: TaskId, id: i32) -> Result<&mut IntervalTimer, Errno> {
    kernel
        .process_of(task)?
        .timers
        .get_mut(&id)
        .ok_or(Errno::EINVAL)
}

fn write_setting(
    kernel: &mut Kernel,
    task: TaskId,
    to: u64,
    timer: &IntervalTimer,
) -> Result<(), Errno> {
    let left = timer
        .entry
        .map_or(0, |(at, _)| at.saturating_sub(kernel.world.now).max(1));
    let second = time::SECOND;
    kernel.write_words(
        task,
        to,
        &[
            timer.interval / second,
            timer.interval % second,
            left / second,
            left % second,
        ],
    )
}

/// timer_settime.
pub fn timer_settime(
    kernel: &mut Kernel,
    task: TaskId,
    id: i32,
    flags: u32,
    new: u64,
    old: u64,
) -> Outcome {
    let now = kernel.now();
    let before = *timer(kernel, task, id)?;
    let interval = time::read_time(kernel, task, new)?;
    let value = time::read_time(kernel, task, new.wrapping_add(16))?;
    if old != 0 {
        write_setting(kernel, task, old, &before)?;
    }
    if let Some(entry) = before.entry {
        kernel.timers.remove(&entry);
    }
    let absolute = flags & 1 != 0;
    let at = match value {
        0 => None,
        value if absolute && before.calendar => Some(value.saturating_sub(kernel.world.calendar)),
        value if absolute => Some(value),
        value => Some(now.saturating_add(value)),
    };
    let process = kernel.task(task)?.process;
    let entry = at.map(|at| kernel.add_timer(at, Timer::Posix(process, id)));
    let timer = timer(kernel, task, id)?;
    (timer.entry, timer.interval, timer.overrun) = (entry, interval, 0);
    Ok(0)
}

/// timer_gettime.
pub fn timer_gettime(kernel: &mut Kernel, task: TaskId, id: i32, to: u64) -> Outcome {
    kernel.now();
    let timer = *timer(kernel, task, id)?;
    write_setting(kernel, task, to, &timer)?;
    Ok(0)
}

/// timer_getoverrun.
pub fn timer_getoverrun(kernel: &mut Kernel, task: TaskId, id: i32) -> Outcome {
    Ok(timer(kernel, task, id)?.overrun as u64)
}

/// timer_delete.
pub fn timer_delete(kernel: &mut Kernel, task: TaskId, id: i32) -> Outcome {
    let timer = kernel
        .process_of(task)?
        .timers
        .remove(&id)
        .ok_or(Errno::EINVAL)?;
    if let Some(entry) = timer.entry {
        kernel.timers.remove(&entry);
    }
    Ok(0)
}

/// A timer went off.
pub(crate) fn timer_expired(kernel: &mut Kernel, process: ProcessId, id: i32, now: u64) {
    let Ok(state) = kernel.process(process) else {
        return;
    };
    let Some(timer) = state.timers.get_mut(&id) else {
        return;
    };
    let at = timer.entry.take().map_or(now, |(at, _)| at);
    let mut next = None;
    if let Some(missed) = now.saturating_sub(at).checked_div(timer.interval) {
        timer.overrun = missed.min(i32::MAX as u64) as i32;
        next = Some(at.saturating_add(timer.interval.saturating_mul(missed + 1)));
    }
    let timer = *timer;
    if let Some(next) = next {
        let entry = kernel.add_timer(next, Timer::Posix(process, id));
        if let Some(timer) = kernel
            .process(process)
            .ok()
            .and_then(|state| state.timers.get_mut(&id))
        {
            timer.entry = Some(entry);
        }
    }
    if timer.signal == 0 {
        return;
    }
    let cause = Cause::Timer {
        id,
        overrun: timer.overrun,
        value: timer.value,
    };
    let information = SignalInformation {
        signal: timer.signal,
        cause,
    };
    match kernel.world.tids.get(&timer.thread).copied() {
        Some(task) if timer.thread != 0 => kernel.signal_task(task, information),
        _ => kernel.signal_process(process, information),
    };
}
