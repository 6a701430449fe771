//! Calls on signals.
use super::{Outcome, Stop, jobs};
use crate::Errno;
use crate::kernel::Kernel;
use crate::signal::{
    Action, AlternateStack, Cause, SIGKILL, SIGNAL_MAX, SIGSTOP, SignalInformation, SignalSet,
};
use crate::task::{ProcessId, Restart, Saved, TaskId, Wait, WaitKey};
use alloc::boxed::Box;
use alloc::vec::Vec;

fn check_size(size: u64) -> Result<(), Errno> {
    if size == 8 {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

pub(super) fn read_set(
    kernel: &mut Kernel,
    task: TaskId,
    address: u64,
) -> Result<SignalSet, Errno> {
    let [set] = kernel.read_words(task, address)?;
    Ok(SignalSet(set).without(SignalSet::UNBLOCKABLE))
}

/// rt_sigaction.
pub fn rt_sigaction(
    kernel: &mut Kernel,
    task: TaskId,
    signal: u32,
    new: u64,
    old: u64,
    size: u64,
) -> Outcome {
    check_size(size)?;
    if !(1..=SIGNAL_MAX).contains(&signal) || (new != 0 && matches!(signal, SIGKILL | SIGSTOP)) {
        return Err(Errno::EINVAL.into());
    }
    let before = kernel.actions_of(task)?.get(signal);
    let action = if new == 0 {
        None
    } else {
        Some(Action::decode(&kernel.read_bytes(task, new)?))
    };
    if old != 0 {
        kernel.write_user(task, old, &before.encode())?;
    }
    if let Some(action) = action {
        let actions = kernel.actions_of(task)?;
        actions.set(signal, action);
        if actions.ignores(signal) {
            let process = kernel.process_of(task)?;
            process.pending.discard(SignalSet::of(signal));
            for thread in process.threads.clone() {
                kernel.task(thread)?.pending.discard(SignalSet::of(signal));
            }
        }
    }
    Ok(0)
}

/// rt_sigprocmask.
pub fn rt_sigprocmask(
    kernel: &mut Kernel,
    task: TaskId,
    how: u32,
    set: u64,
    old: u64,
    size: u64,
) -> Outcome {
    check_size(size)?;
    let before = kernel.task(task)?.mask;
    if set != 0 {
        let set = read_set(kernel, task, set)?;
        let state = kernel.task(task)?;
        state.mask = match how {
            0 => before.with(set),
            1 => before.without(set),
            2 => set,
            _ => return Err(Errno::EINVAL.into()),
        };
    }
    if old != 0 {
        kernel.write_words(task, old, &[before.0])?;
    }
    Ok(0)
}

/// rt_sigreturn.
pub fn rt_sigreturn(kernel: &mut Kernel, task: TaskId) -> Outcome {
    kernel.leave_handler(task);
    Err(Stop::Leave)
}

/// rt_sigpending.
pub fn rt_sigpending(kernel: &mut Kernel, task: TaskId, to: u64, size: u64) -> Outcome {
    if size > 8 {
        return Err(Errno::EINVAL.into());
    }
    let state = kernel.task(task)?;
    let (own, mask) = (state.pending.set(), state.mask);
    let set = SignalSet(own.with(kernel.process_of(task)?.pending.set()).0 & mask.0);
    kernel.write_user(task, to, &set.0.to_le_bytes()[..size as usize])?;
    Ok(0)
}

fn wait_for_handler() -> Outcome {
    Err(Stop::Wait(Wait {
        restart: Restart::IfNoHandler,
        ..Wait::on(WaitKey::Signal)
    }))
}

/// pause.
pub fn pause(_: &mut Kernel, _: TaskId) -> Outcome {
    wait_for_handler()
}

/// Sets a mask for the time of a wait; the present one comes back at its end, behind the handlers.
pub(super) fn swap_mask(kernel: &mut Kernel, task: TaskId, mask: SignalSet) -> Result<(), Errno> {
    let state = kernel.task(task)?;
    state.saved_mask = Some(state.mask);
    state.mask = mask;
    Ok(())
}

/// rt_sigsuspend.
pub fn rt_sigsuspend(kernel: &mut Kernel, task: TaskId, set: u64, size: u64) -> Outcome {
    check_size(size)?;
    if kernel.call(task)?.saved.is_none() {
        let mask = read_set(kernel, task, set)?;
        swap_mask(kernel, task, mask)?;
        kernel.call(task)?.saved = Some(Box::new(Saved::Armed));
    }
    wait_for_handler()
}

/// rt_sigtimedwait.
pub fn rt_sigtimedwait(
    kernel: &mut Kernel,
    task: TaskId,
    set: u64,
    to: u64,
    timeout: u64,
    size: u64,
) -> Outcome {
    check_size(size)?;
    let first = kernel.call(task)?.saved.is_none();
    let wanted = match kernel.call(task)?.saved.as_deref() {
        Some(Saved::Signals(set)) => *set,
        _ => read_set(kernel, task, set)?,
    };
    let deadline = match timeout {
        0 => None,
        _ if !first => None,
        address => Some(super::time::read_timeout(kernel, task, address)?),
    };
    let state = kernel.task(task)?;
    let taken = match state.pending.take(wanted) {
        Some(information) => Some(information),
        None => kernel.process_of(task)?.pending.take(wanted),
    };
    if let Some(information) = taken {
        if to != 0 {
            kernel.write_user(task, to, &information.encode())?;
        }
        return Ok(u64::from(information.signal));
    }
    let timed_out = kernel.call(task)?.timed_out;
    if timed_out || deadline.is_some_and(|deadline| deadline <= kernel.world.now) {
        return Err(Errno::EAGAIN.into());
    }
    kernel.call(task)?.saved = Some(Box::new(Saved::Signals(wanted)));
    Err(Stop::Wait(Wait {
        deadline,
        restart: Restart::IfNoHandler,
        ..Wait::on(WaitKey::Signal)
    }))
}

/// sigaltstack.
pub fn sigaltstack(kernel: &mut Kernel, task: TaskId, new: u64, old: u64) -> Outcome {
    let state = kernel.task(task)?;
    let (before, pointer) = (state.stack, state.vcpu.registers.rsp.get());
    let after = if new == 0 {
        None
    } else {
        let [start, flags, size] = kernel.read_words(task, new)?;
        let flags = flags as u32;
        if before.holds(pointer) {
            return Err(Errno::EPERM.into());
        }
        match flags & 0x7fff_ffff {
            2 => Some(AlternateStack::default()),
            0 | 1 if size < 2048 => return Err(Errno::ENOMEM.into()),
            0 | 1 => Some(AlternateStack {
                start,
                size,
                flags: flags & 0x8000_0000,
            }),
            _ => return Err(Errno::EINVAL.into()),
        }
    };
    if old != 0 {
        kernel.write_user(task, old, &before.encode(pointer))?;
    }
    if let Some(stack) = after {
        kernel.task(task)?.stack = stack;
    }
    Ok(0)
}

/// Whether a process may send a signal to another: the labels say so, or it is SIGCONT within a session.
fn may_signal(
    kernel: &mut Kernel,
    task: TaskId,
    target: ProcessId,
    signal: u32,
) -> Result<bool, Errno> {
    let own = kernel.process_of(task)?;
    let (users, session) = (own.labels.users, own.session);
    let target = kernel.process(target)?;
    let their = target.labels.users;
    let same = [users[0], users[1]]
        .iter()
        .any(|user| *user == their[0] || *user == their[2]);
    Ok(users[1] == 0 || same || (signal == crate::signal::SIGCONT && session == target.session))
}

fn sender(kernel: &mut Kernel, task: TaskId, code: i32) -> Result<Cause, Errno> {
    let process = kernel.process_of(task)?;
    Ok(Cause::User {
        code,
        pid: process.pid,
        uid: process.labels.users[0],
        value: 0,
    })
}

/// kill.
pub fn kill(kernel: &mut Kernel, task: TaskId, pid: i32, signal: u32) -> Outcome {
    if signal > SIGNAL_MAX {
        return Err(Errno::EINVAL.into());
    }
    let own = kernel.task(task)?.process;
    let targets: Vec<ProcessId> = match pid {
        0 => {
            let group = kernel.process_of(task)?.group;
            kernel.world.group_members(group).collect()
        }
        -1 => {
            let init = kernel.world.init;
            let all = kernel.world.pids.values().copied();
            all.filter(|id| *id != own && Some(*id) != init).collect()
        }
        i32::MIN => return Err(Errno::ESRCH.into()),
        pid if pid < 0 => kernel.world.group_members(-pid).collect(),
        pid => alloc::vec![jobs::process(kernel, task, pid)?],
    };
    if targets.is_empty() {
        return Err(Errno::ESRCH.into());
    }
    let cause = sender(kernel, task, 0)?;
    let mut allowed = false;
    for target in targets {
        if may_signal(kernel, task, target, signal)? {
            allowed = true;
            if signal != 0 {
                kernel.signal_process(target, SignalInformation { signal, cause });
            }
        }
    }
    if allowed {
        Ok(0)
    } else {
        Err(Errno::EPERM.into())
    }
}

fn signal_thread(
    kernel: &mut Kernel,
    task: TaskId,
    pid: Option<i32>,
    tid: i32,
    signal: u32,
    cause: Cause,
) -> Outcome {
    if signal > SIGNAL_MAX || tid <= 0 || pid.is_some_and(|pid| pid <= 0) {
        return Err(Errno::EINVAL.into());
    }
    let target = kernel.world.tids.get(&tid).copied().ok_or(Errno::ESRCH)?;
    let process = kernel.task(target)?.process;
    if pid.is_some_and(|pid| kernel.process(process).is_ok_and(|state| state.pid != pid)) {
        return Err(Errno::ESRCH.into());
    }
    if !may_signal(kernel, task, process, signal)? {
        return Err(Errno::EPERM.into());
    }
    if signal != 0 && !kernel.signal_task(target, SignalInformation { signal, cause }) {
        return Err(Errno::EAGAIN.into());
    }
    Ok(0)
}

/// tkill.
pub fn tkill(kernel: &mut Kernel, task: TaskId, tid: i32, signal: u32) -> Outcome {
    let cause = sender(kernel, task, -6)?;
    signal_thread(kernel, task, None, tid, signal, cause)
}

/// tgkill.
pub fn tgkill(kernel: &mut Kernel, task: TaskId, pid: i32, tid: i32, signal: u32) -> Outcome {
    let cause = sender(kernel, task, -6)?;
    signal_thread(kernel, task, Some(pid), tid, signal, cause)
}

/// A cause that a program made up, as far as it may: it cannot pose as the system.
fn read_cause(kernel: &mut Kernel, task: TaskId, pid: i32, address: u64) -> Result<Cause, Errno> {
    let bytes: [u8; 32] = kernel.read_bytes(task, address)?;
    let word =
        |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let code = word(8);
    if (code >= 0 || code == -6) && kernel.process_of(task)?.pid != pid {
        return Err(Errno::EPERM);
    }
    let value = u64::from(word(24) as u32) | u64::from(word(28) as u32) << 32;
    Ok(Cause::User {
        code,
        pid: word(16),
        uid: word(20) as u32,
        value,
    })
}

/// rt_sigqueueinfo.
pub fn rt_sigqueueinfo(
    kernel: &mut Kernel,
    task: TaskId,
    pid: i32,
    signal: u32,
    information: u64,
) -> Outcome {
    if signal > SIGNAL_MAX || pid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let cause = read_cause(kernel, task, pid, information)?;
    let target = jobs::process(kernel, task, pid)?;
    if !may_signal(kernel, task, target, signal)? {
        return Err(Errno::EPERM.into());
    }
    if signal != 0 && !kernel.signal_process(target, SignalInformation { signal, cause }) {
        return Err(Errno::EAGAIN.into());
    }
    Ok(0)
}

/// rt_tgsigqueueinfo.
pub fn rt_tgsigqueueinfo(
    kernel: &mut Kernel,
    task: TaskId,
    pid: i32,
    tid: i32,
    signal: u32,
    information: u64,
) -> Outcome {
    let cause = read_cause(kernel, task, pid, information)?;
    signal_thread(kernel, task, Some(pid), tid, signal, cause)
}
