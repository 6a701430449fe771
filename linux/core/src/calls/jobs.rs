//! Calls on process groups and sessions.
use super::Outcome;
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::{ProcessId, TaskId};

/// The process that a number names; 0 is the caller's.
pub(super) fn process(kernel: &mut Kernel, task: TaskId, pid: i32) -> Result<ProcessId, Errno> {
    match pid {
        0 => Ok(kernel.task(task)?.process),
        pid => kernel.world.pids.get(&pid).copied().ok_or(Errno::ESRCH),
    }
}

/// setpgid.
pub fn setpgid(kernel: &mut Kernel, task: TaskId, pid: i32, group: i32) -> Outcome {
    if group < 0 || pid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let caller = kernel.task(task)?.process;
    let target = process(kernel, task, pid)?;
    let session = kernel.process(caller)?.session;
    let state = kernel.process(target)?;
    let group = if group == 0 { state.pid } else { group };
    if target != caller {
        if state.parent != Some(caller) {
            return Err(Errno::ESRCH.into());
        }
        if state.session != session {
            return Err(Errno::EPERM.into());
        }
        if state.executed {
            return Err(Errno::EACCES.into());
        }
    }
    if state.session == state.pid {
        return Err(Errno::EPERM.into());
    }
    let own = group == state.pid;
    let exists = kernel.world.group_members(group).next();
    let same_session = exists.is_some_and(|member| {
        kernel
            .process(member)
            .is_ok_and(|state| state.session == session)
    });
    if !own && !same_session {
        return Err(Errno::EPERM.into());
    }
    kernel.process(target)?.group = group;
    Ok(0)
}

/// getpgid.
pub fn getpgid(kernel: &mut Kernel, task: TaskId, pid: i32) -> Outcome {
    let target = process(kernel, task, pid)?;
    Ok(kernel.process(target)?.group as u64)
}

/// getpgrp.
pub fn getpgrp(kernel: &mut Kernel, task: TaskId) -> Outcome {
    getpgid(kernel, task, 0)
}

/// getsid.
pub fn getsid(kernel: &mut Kernel, task: TaskId, pid: i32) -> Outcome {
    let target = process(kernel, task, pid)?;
    Ok(kernel.process(target)?.session as u64)
}

/// setsid.
pub fn setsid(kernel: &mut Kernel, task: TaskId) -> Outcome {
    let pid = kernel.process_of(task)?.pid;
    if kernel.world.group_members(pid).next().is_some() {
        return Err(Errno::EPERM.into());
    }
    let state = kernel.process_of(task)?;
    state.group = pid;
    state.session = pid;
    Ok(pid as u64)
}
