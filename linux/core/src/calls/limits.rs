//! Calls on limits and usage.
use super::{Outcome, jobs};
use crate::Errno;
use crate::kernel::Kernel;
use crate::process::{Limit, resource};
use crate::task::{ProcessId, TaskId};
use alloc::vec::Vec;

fn limit_of(kernel: &mut Kernel, process: ProcessId, number: u32) -> Result<&mut Limit, Errno> {
    if number as usize >= resource::COUNT {
        return Err(Errno::EINVAL);
    }
    Ok(&mut kernel.process(process)?.limits[number as usize])
}

fn set(
    kernel: &mut Kernel,
    task: TaskId,
    process: ProcessId,
    number: u32,
    from: u64,
) -> Result<(), Errno> {
    let [soft, hard] = kernel.read_words(task, from)?;
    if soft > hard || (number as usize == resource::NOFILE && hard > 1 << 20) {
        return Err(if soft > hard {
            Errno::EINVAL
        } else {
            Errno::EPERM
        });
    }
    let privileged = kernel.process_of(task)?.labels.users[1] == 0;
    let limit = limit_of(kernel, process, number)?;
    // The sandbox' own limit on processes is not the program's to raise.
    if hard > limit.hard && (!privileged || number as usize == resource::NPROC) {
        return Err(Errno::EPERM);
    }
    *limit = Limit { soft, hard };
    Ok(())
}

/// prlimit64.
pub fn prlimit64(
    kernel: &mut Kernel,
    task: TaskId,
    pid: i32,
    number: u32,
    new: u64,
    old: u64,
) -> Outcome {
    let process = jobs::process(kernel, task, pid)?;
    let before = *limit_of(kernel, process, number)?;
    if new != 0 {
        set(kernel, task, process, number, new)?;
    }
    if old != 0 {
        kernel.write_words(task, old, &[before.soft, before.hard])?;
    }
    Ok(0)
}

/// getrlimit.
pub fn getrlimit(kernel: &mut Kernel, task: TaskId, number: u32, to: u64) -> Outcome {
    let process = kernel.task(task)?.process;
    let limit = *limit_of(kernel, process, number)?;
    kernel.write_words(task, to, &[limit.soft, limit.hard])?;
    Ok(0)
}

/// setrlimit.
pub fn setrlimit(kernel: &mut Kernel, task: TaskId, number: u32, from: u64) -> Outcome {
    let process = kernel.task(task)?.process;
    limit_of(kernel, process, number)?;
    set(kernel, task, process, number, from)?;
    Ok(0)
}

/// Nanoseconds that a process' threads ran, living and ended.
pub(crate) fn process_time(kernel: &mut Kernel, process: ProcessId) -> u64 {
    kernel.now();
    let Some(state) = kernel.world.processes.get(process.0) else {
        return 0;
    };
    let living: u64 = state
        .threads
        .iter()
        .filter_map(|task| kernel.world.tasks.get(task.0))
        .map(|task| task.run_time)
        .sum();
    state.ended_time + living
}

/// Linux's `struct rusage` for a time and a size in pages.
pub(crate) fn usage(time: u64, pages: usize, faults: u64) -> Vec<u8> {
    let mut words = [0u64; 18];
    words[0] = time / 1_000_000_000;
    words[1] = time % 1_000_000_000 / 1000;
    words[4] = pages as u64 * 4;
    words[8] = faults;
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// getrusage.
pub fn getrusage(kernel: &mut Kernel, task: TaskId, who: i32, to: u64) -> Outcome {
    let process = kernel.task(task)?.process;
    let time = match who {
        0 => process_time(kernel, process),
        -1 => kernel.process(process)?.children_time,
        1 => {
            kernel.now();
            kernel.task(task)?.run_time
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    let (pages, faults) = kernel.with_space(task, |space, _| Ok((space.resident, space.faults)))?;
    let bytes = if who == -1 {
        usage(time, 0, 0)
    } else {
        usage(time, pages, faults)
    };
    kernel.write_user(task, to, &bytes)?;
    Ok(0)
}

/// times: in hundredths of a second.
pub fn times(kernel: &mut Kernel, task: TaskId, to: u64) -> Outcome {
    const TICK: u64 = 10_000_000;
    let process = kernel.task(task)?.process;
    let own = process_time(kernel, process) / TICK;
    let children = kernel.process(process)?.children_time / TICK;
    if to != 0 {
        kernel.write_words(task, to, &[own, 0, children, 0])?;
    }
    Ok(kernel.now() / TICK)
}

fn nice_targets(
    kernel: &mut Kernel,
    task: TaskId,
    which: u32,
    who: i32,
) -> Result<Vec<ProcessId>, Errno> {
    let targets = match which {
        0 => alloc::vec![jobs::process(kernel, task, who)?],
        1 => {
            let group = if who == 0 {
                kernel.process_of(task)?.group
            } else {
                who
            };
            kernel.world.group_members(group).collect()
        }
        2 => {
            let user = if who == 0 {
                kernel.process_of(task)?.labels.users[0]
            } else {
                who as u32
            };
            let all = kernel.world.processes.iter();
            all.filter(|(_, process)| process.labels.users[0] == user)
                .map(|(id, _)| ProcessId(id))
                .collect()
        }
        _ => return Err(Errno::EINVAL),
    };
    if targets.is_empty() {
        Err(Errno::ESRCH)
    } else {
        Ok(targets)
    }
}

/// getpriority: 20 minus the nice value.
pub fn getpriority(kernel: &mut Kernel, task: TaskId, which: u32, who: i32) -> Outcome {
    let targets = nice_targets(kernel, task, which, who)?;
    let best = targets
        .iter()
        .filter_map(|id| kernel.world.processes.get(id.0))
        .map(|state| state.nice)
        .min();
    Ok((20 - best.unwrap_or(0)) as u64)
}

/// setpriority: kept as a label.
pub fn setpriority(kernel: &mut Kernel, task: TaskId, which: u32, who: i32, nice: i32) -> Outcome {
    let privileged = kernel.process_of(task)?.labels.users[1] == 0;
    for target in nice_targets(kernel, task, which, who)? {
        let state = kernel.process(target)?;
        let nice = nice.clamp(-20, 19);
        if nice < state.nice && !privileged {
            return Err(Errno::EACCES.into());
        }
        state.nice = nice;
    }
    Ok(0)
}
