//! Calls on time: clocks, sleeping, and the one alarm of a process.
use super::{Outcome, Stop, limits};
use crate::Errno;
use crate::kernel::{Kernel, Timer};
use crate::signal::{SIGALRM, SIGPROF, SIGVTALRM, SignalInformation};
use crate::task::{ProcessId, Restart, TaskId, Wait, WaitKey};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// Nanoseconds of Linux's `struct timespec`.
///
/// # Errors
/// EFAULT; EINVAL when it is not a time.
pub(crate) fn read_time(kernel: &mut Kernel, task: TaskId, address: u64) -> Result<u64, Errno> {
    let [seconds, part] = kernel.read_words(task, address)?;
    if part >= SECOND || seconds >> 63 != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(seconds.saturating_mul(SECOND).saturating_add(part))
}

/// A relative `struct timespec` as a deadline in machine time.
///
/// # Errors
/// As `read_time`.
pub(crate) fn read_timeout(kernel: &mut Kernel, task: TaskId, address: u64) -> Result<u64, Errno> {
    let time = read_time(kernel, task, address)?;
    Ok(kernel.now().saturating_add(time))
}

fn write_time(kernel: &mut Kernel, task: TaskId, address: u64, time: u64) -> Result<(), Errno> {
    kernel.write_words(task, address, &[time / SECOND, time % SECOND])
}

/// What a clock says now.
pub(crate) fn clock(kernel: &mut Kernel, task: TaskId, clock: u32) -> Result<u64, Errno> {
    let now = kernel.now();
    let process = kernel.task(task)?.process;
    match clock {
        0 | 5 | 8 | 11 => Ok(kernel.world.calendar.saturating_add(now)),
        1 | 4 | 6 | 7 | 9 => Ok(now),
        2 => Ok(limits::process_time(kernel, process)),
        3 => Ok(kernel.task(task)?.run_time),
        // Negative numbers name another process' or thread's clock: 2 for its time, 4 for threads.
        clock if clock & 0x8000_0000 != 0 => {
            let id = !(clock as i32 >> 3);
            if clock & 4 != 0 {
                let target = super::process::thread(kernel, task, id).map_err(|_| Errno::EINVAL)?;
                return Ok(kernel.task(target)?.run_time);
            }
            let target = super::jobs::process(kernel, task, id).map_err(|_| Errno::EINVAL)?;
            Ok(limits::process_time(kernel, target))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Whether a clock counts the calendar's time.
pub(crate) fn is_calendar(clock: u32) -> bool {
    matches!(clock, 0 | 5 | 8 | 11)
}

/// clock_gettime.
pub fn clock_gettime(kernel: &mut Kernel, task: TaskId, number: u32, to: u64) -> Outcome {
    let time = clock(kernel, task, number)?;
    write_time(kernel, task, to, time)?;
    Ok(0)
}

/// clock_settime: the time is not the sandbox' to set.
pub fn clock_settime(_: &mut Kernel, _: TaskId, number: u32, _: u64) -> Outcome {
    Err(if number == 0 {
        Errno::EPERM
    } else {
        Errno::EINVAL
    }
    .into())
}

/// clock_getres.
pub fn clock_getres(kernel: &mut Kernel, task: TaskId, number: u32, to: u64) -> Outcome {
    clock(kernel, task, number)?;
    if to != 0 {
        write_time(
            kernel,
            task,
            to,
            if matches!(number, 5 | 6) {
                4_000_000
            } else {
                1
            },
        )?;
    }
    Ok(0)
}

/// gettimeofday.
pub fn gettimeofday(kernel: &mut Kernel, task: TaskId, to: u64, zone: u64) -> Outcome {
    let time = clock(kernel, task, 0)?;
    if to != 0 {
        kernel.write_words(task, to, &[time / SECOND, time % SECOND / 1000])?;
    }
    if zone != 0 {
        kernel.write_words(task, zone, &[0])?;
    }
    Ok(0)
}

/// time.
pub fn time(kernel: &mut Kernel, task: TaskId, to: u64) -> Outcome {
    let seconds = clock(kernel, task, 0)? / SECOND;
    if to != 0 {
        kernel.write_words(task, to, &[seconds])?;
    }
    Ok(seconds)
}

/// Sleeps to a deadline; if a handler interrupts, tells the time left.
fn sleep(kernel: &mut Kernel, task: TaskId, deadline: u64, left: u64) -> Outcome {
    let now = kernel.now();
    if now >= deadline {
        return Ok(0);
    }
    if left != 0 && kernel.has_signal(task) {
        write_time(kernel, task, left, deadline - now)?;
    }
    let deadline = Some(deadline);
    Err(Stop::Wait(Wait {
        deadline,
        restart: Restart::IfNoHandler,
        ..Wait::on(WaitKey::Signal)
    }))
}

/// nanosleep.
pub fn nanosleep(kernel: &mut Kernel, task: TaskId, time: u64, left: u64) -> Outcome {
    let deadline = match kernel.call(task)?.deadline {
        Some(deadline) => deadline,
        None => read_timeout(kernel, task, time)?,
    };
    sleep(kernel, task, deadline, left)
}

/// clock_nanosleep.
pub fn clock_nanosleep(
    kernel: &mut Kernel,
    task: TaskId,
    number: u32,
    flags: u32,
    time: u64,
    left: u64,
) -> Outcome {
    const ABSOLUTE: u32 = 1;
    if number == 3 || flags & !ABSOLUTE != 0 {
        return Err(Errno::EINVAL.into());
    }
    if let Some(deadline) = kernel.call(task)?.deadline {
        return sleep(
            kernel,
            task,
            deadline,
            if flags & ABSOLUTE == 0 { left } else { 0 },
        );
    }
    let on_clock = clock(kernel, task, number)?;
    if flags & ABSOLUTE == 0 {
        let deadline = read_timeout(kernel, task, time)?;
        return sleep(kernel, task, deadline, left);
    }
    let until = read_time(kernel, task, time)?;
    let deadline = kernel
        .world
        .now
        .saturating_add(until.saturating_sub(on_clock));
    sleep(kernel, task, deadline, 0)
}

/// Starts or stops a process' alarm; returns the time that was left and the interval before.
fn set_alarm(
    kernel: &mut Kernel,
    process: ProcessId,
    time: u64,
    interval: u64,
) -> Result<(u64, u64), Errno> {
    let now = kernel.now();
    let alarm = &mut kernel.process(process)?.alarm;
    let old = alarm.entry.take();
    let old_interval = core::mem::replace(&mut alarm.interval, interval);
    if let Some(entry) = old {
        kernel.timers.remove(&entry);
    }
    if time != 0 {
        let entry = kernel.add_timer(now.saturating_add(time), Timer::Alarm(process));
        kernel.process(process)?.alarm.entry = Some(entry);
    }
    Ok((
        old.map_or(0, |(at, _)| at.saturating_sub(now).max(1)),
        old_interval,
    ))
}

/// A process' alarm went off.
pub(crate) fn alarm_expired(kernel: &mut Kernel, process: ProcessId, now: u64) {
    let Ok(state) = kernel.process(process) else {
        return;
    };
    state.alarm.entry = None;
    let interval = state.alarm.interval;
    if interval != 0 {
        let entry = kernel.add_timer(now.saturating_add(interval), Timer::Alarm(process));
        if let Ok(state) = kernel.process(process) {
            state.alarm.entry = Some(entry);
        }
    }
    kernel.signal_process(process, SignalInformation::kernel(SIGALRM));
}

/// alarm.
pub fn alarm(kernel: &mut Kernel, task: TaskId, seconds: u32) -> Outcome {
    let process = kernel.task(task)?.process;
    let (left, _) = set_alarm(kernel, process, u64::from(seconds) * SECOND, 0)?;
    Ok(left.div_ceil(SECOND))
}

/// setitimer. All used time counts as the program's own, so the virtual and the profiling timer run alike.
pub fn setitimer(kernel: &mut Kernel, task: TaskId, which: u32, new: u64, old: u64) -> Outcome {
    if which > 2 {
        return Err(Errno::EINVAL.into());
    }
    let [interval, interval_part, value, value_part] = if new == 0 {
        [0; 4]
    } else {
        kernel.read_words(task, new)?
    };
    if interval_part >= 1_000_000 || value_part >= 1_000_000 || (interval | value) >> 63 != 0 {
        return Err(Errno::EINVAL.into());
    }
    let nanoseconds =
        |seconds: u64, part: u64| seconds.saturating_mul(SECOND).saturating_add(part * 1000);
    let (time, interval) = (
        nanoseconds(value, value_part),
        nanoseconds(interval, interval_part),
    );
    let process = kernel.task(task)?.process;
    let (left, before) = if which == 0 {
        set_alarm(kernel, process, time, interval)?
    } else {
        set_used_timer(kernel, process, which as usize - 1, time, interval)?
    };
    if old != 0 {
        write_interval(kernel, task, old, before, left)?;
    }
    Ok(0)
}

/// Starts or stops a timer of used time; returns what was left and the interval before.
fn set_used_timer(
    kernel: &mut Kernel,
    process: ProcessId,
    index: usize,
    time: u64,
    interval: u64,
) -> Result<(u64, u64), Errno> {
    let used = limits::process_time(kernel, process);
    let timer = &mut kernel.process(process)?.used_timers[index];
    let (expiry, before) = *timer;
    *timer = (
        if time == 0 {
            0
        } else {
            used.saturating_add(time)
        },
        interval,
    );
    Ok((
        if expiry == 0 {
            0
        } else {
            expiry.saturating_sub(used).max(1)
        },
        before,
    ))
}

/// Looks whether a process has used the time that its timers wait for.
pub(crate) fn check_used_timers(kernel: &mut Kernel, process: ProcessId) {
    let timers = kernel
        .world
        .processes
        .get(process.0)
        .map_or([(0, 0); 2], |state| state.used_timers);
    if timers == [(0, 0); 2] {
        return;
    }
    let used = limits::process_time(kernel, process);
    for (index, signal) in [(0, SIGVTALRM), (1, SIGPROF)] {
        let (expiry, interval) = timers[index];
        if expiry != 0 && used >= expiry {
            let next = if interval == 0 {
                0
            } else {
                used.saturating_add(interval)
            };
            if let Ok(state) = kernel.process(process) {
                state.used_timers[index].0 = next;
            }
            kernel.signal_process(process, SignalInformation::kernel(signal));
        }
    }
}

fn write_interval(
    kernel: &mut Kernel,
    task: TaskId,
    to: u64,
    interval: u64,
    left: u64,
) -> Result<(), Errno> {
    let words = [
        interval / SECOND,
        interval % SECOND / 1000,
        left / SECOND,
        left % SECOND / 1000,
    ];
    kernel.write_words(task, to, &words)
}

/// getitimer.
pub fn getitimer(kernel: &mut Kernel, task: TaskId, which: u32, to: u64) -> Outcome {
    let now = kernel.now();
    let process = kernel.task(task)?.process;
    let left = |expiry: u64, now: u64| expiry.saturating_sub(now).max(1);
    let (interval, left) = match which {
        0 => {
            let alarm = kernel.process(process)?.alarm;
            (
                alarm.interval,
                alarm.entry.map_or(0, |(at, _)| left(at, now)),
            )
        }
        1 | 2 => {
            let used = limits::process_time(kernel, process);
            let (expiry, interval) = kernel.process(process)?.used_timers[which as usize - 1];
            (interval, if expiry == 0 { 0 } else { left(expiry, used) })
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    write_interval(kernel, task, to, interval, left)?;
    Ok(0)
}
