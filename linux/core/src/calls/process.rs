//! Calls on the caller as a thread: its end, its place on processors, words that it registers.
use super::{Outcome, Stop};
use crate::Errno;
use crate::kernel::Kernel;
use crate::process::End;
use crate::task::TaskId;

/// exit: ends the thread.
pub fn exit(kernel: &mut Kernel, task: TaskId, status: i32) -> Outcome {
    kernel.exit_task(task, End::Exited(status as u8));
    Err(Stop::Leave)
}

/// exit_group: ends the process.
pub fn exit_group(kernel: &mut Kernel, task: TaskId, status: i32) -> Outcome {
    kernel.end_process_of(task, End::Exited(status as u8));
    Err(Stop::Leave)
}

/// sched_yield.
pub fn sched_yield(kernel: &mut Kernel, task: TaskId) -> Outcome {
    kernel.task(task)?.yielded = true;
    Ok(0)
}

/// set_tid_address.
pub fn set_tid_address(kernel: &mut Kernel, task: TaskId, word: u64) -> Outcome {
    let state = kernel.task(task)?;
    state.clear_tid = word;
    Ok(state.tid as u64)
}

/// set_robust_list.
pub fn set_robust_list(kernel: &mut Kernel, task: TaskId, head: u64, length: u64) -> Outcome {
    if length != 24 {
        return Err(Errno::EINVAL.into());
    }
    kernel.task(task)?.robust_list = head;
    Ok(0)
}

/// get_robust_list.
pub fn get_robust_list(
    kernel: &mut Kernel,
    task: TaskId,
    tid: i32,
    head: u64,
    length: u64,
) -> Outcome {
    let target = thread(kernel, task, tid)?;
    let list = kernel.task(target)?.robust_list;
    kernel.write_words(task, head, &[list])?;
    kernel.write_words(task, length, &[24])?;
    Ok(0)
}

/// The thread that a number names; 0 is the caller.
pub(super) fn thread(kernel: &mut Kernel, task: TaskId, tid: i32) -> Result<TaskId, Errno> {
    match tid {
        0 => Ok(task),
        tid if tid < 0 => Err(Errno::EINVAL),
        tid => kernel.world.tids.get(&tid).copied().ok_or(Errno::ESRCH),
    }
}

/// Fails unless a number names a thread or a process; 0 is the caller.
fn known(kernel: &Kernel, tid: i32) -> Result<(), Errno> {
    match tid {
        0 => Ok(()),
        tid if tid < 0 => Err(Errno::EINVAL),
        tid if kernel.world.tids.contains_key(&tid) || kernel.world.pids.contains_key(&tid) => {
            Ok(())
        }
        _ => Err(Errno::ESRCH),
    }
}

/// sched_getaffinity: one processor, number 0.
pub fn sched_getaffinity(
    kernel: &mut Kernel,
    task: TaskId,
    tid: i32,
    size: usize,
    to: u64,
) -> Outcome {
    if size < 8 || size & 7 != 0 {
        return Err(Errno::EINVAL.into());
    }
    known(kernel, tid).map_err(|_| Errno::ESRCH)?;
    kernel.write_words(task, to, &[1])?;
    Ok(8)
}

/// sched_setaffinity: any set with processor 0 in it.
pub fn sched_setaffinity(
    kernel: &mut Kernel,
    task: TaskId,
    tid: i32,
    size: usize,
    from: u64,
) -> Outcome {
    known(kernel, tid)?;
    if size == 0 {
        return Err(Errno::EINVAL.into());
    }
    let [byte] = kernel.read_bytes(task, from)?;
    if byte & 1 == 0 {
        Err(Errno::EINVAL.into())
    } else {
        Ok(0)
    }
}

/// sched_setparam: the only priority of ordinary threads is 0.
pub fn sched_setparam(kernel: &mut Kernel, task: TaskId, tid: i32, parameters: u64) -> Outcome {
    known(kernel, tid)?;
    let priority = i32::from_le_bytes(kernel.read_bytes(task, parameters)?);
    if priority == 0 {
        Ok(0)
    } else {
        Err(Errno::EINVAL.into())
    }
}

/// sched_getparam.
pub fn sched_getparam(kernel: &mut Kernel, task: TaskId, tid: i32, to: u64) -> Outcome {
    known(kernel, tid)?;
    kernel.write_user(task, to, &[0; 4])?;
    Ok(0)
}

/// sched_setscheduler: ordinary, batch and idle threads are all the same here.
pub fn sched_setscheduler(
    kernel: &mut Kernel,
    task: TaskId,
    tid: i32,
    policy: u32,
    parameters: u64,
) -> Outcome {
    match policy & !0x4000_0000 {
        0 | 3 | 5 => sched_setparam(kernel, task, tid, parameters),
        1 | 2 => Err(Errno::EPERM.into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// sched_getscheduler.
pub fn sched_getscheduler(kernel: &mut Kernel, _: TaskId, tid: i32) -> Outcome {
    known(kernel, tid)?;
    Ok(0)
}

/// sched_get_priority_max.
pub fn sched_get_priority_max(_: &mut Kernel, _: TaskId, policy: u32) -> Outcome {
    match policy {
        1 | 2 => Ok(99),
        0 | 3 | 5 => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// sched_get_priority_min.
pub fn sched_get_priority_min(_: &mut Kernel, _: TaskId, policy: u32) -> Outcome {
    match policy {
        1 | 2 => Ok(1),
        0 | 3 | 5 => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// sched_rr_get_interval: the slice.
pub fn sched_rr_get_interval(kernel: &mut Kernel, task: TaskId, tid: i32, to: u64) -> Outcome {
    known(kernel, tid)?;
    let slice = kernel.settings.slice;
    kernel.write_words(task, to, &[slice / 1_000_000_000, slice % 1_000_000_000])?;
    Ok(0)
}

/// getcpu.
pub fn getcpu(kernel: &mut Kernel, task: TaskId, cpu: u64, node: u64) -> Outcome {
    for to in [cpu, node] {
        if to != 0 {
            kernel.write_user(task, to, &[0; 4])?;
        }
    }
    Ok(0)
}

/// rseq: restartable sequences serve per-processor data, of which a sandbox with one worker has no use; programs do
/// without.
pub fn rseq(_: &mut Kernel, _: TaskId, _: u64, _: u32, _: u32, _: u32) -> Outcome {
    Err(Errno::ENOSYS.into())
}

/// syslog: a sandbox has no log of the kernel's. EPERM, as Linux says to who may not read it.
pub fn syslog(_: &mut Kernel, _: TaskId, _: i32, _: u64, _: i32) -> Outcome {
    Err(Errno::EPERM.into())
}

/// membarrier: guests of a personality with one worker see each other's writes in order at every switch.
pub fn membarrier(_: &mut Kernel, _: TaskId, command: u32, flags: u32) -> Outcome {
    const COMMANDS: u32 = 1 | 2 | 4 | 8 | 16;
    match command {
        _ if flags != 0 => Err(Errno::EINVAL.into()),
        0 => Ok(u64::from(COMMANDS)),
        command if command.is_power_of_two() && command & COMMANDS != 0 => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}
