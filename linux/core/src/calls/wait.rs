//! Waiting for children.
use super::{Outcome, Stop, limits};
use crate::Errno;
use crate::kernel::Kernel;
use crate::signal::{SIGCHLD, SIGCONT};
use crate::task::{ProcessId, TaskId, Wait, WaitKey};

const WNOHANG: u32 = 1;
const WSTOPPED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x100_0000;
/// __WNOTHREAD, __WALL and __WCLONE: all children are waited for alike.
const KINDS: u32 = 0xe000_0000;

/// Which children are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Any,
    Process(i32),
    Group(i32),
}

/// What was found of a child.
struct Change {
    pid: i32,
    uid: u32,
    status: i32,
    code: i32,
    value: i32,
    time: u64,
}

fn change(kernel: &mut Kernel, child: ProcessId, options: u32) -> Option<Change> {
    let state = kernel.world.processes.get(child.0)?;
    let time = state.ended_time + state.children_time;
    let (pid, uid, end) = (state.pid, state.labels.users[0], state.end);
    let keep = options & WNOWAIT != 0;
    if let (true, true, Some(end)) = (state.zombie, options & WEXITED != 0, end) {
        let (code, value) = end.code();
        if !keep {
            kernel.reap(child);
        }
        return Some(Change {
            pid,
            uid,
            status: end.status(),
            code,
            value,
            time,
        });
    }
    let state = kernel.world.processes.get_mut(child.0)?;
    if let (true, true, Some(signal)) = (state.report_stop, options & WSTOPPED != 0, state.stopped)
    {
        state.report_stop = keep;
        let signal = signal as i32;
        return Some(Change {
            pid,
            uid,
            status: signal << 8 | 0x7f,
            code: 5,
            value: signal,
            time,
        });
    }
    if state.report_continue && options & WCONTINUED != 0 && !state.zombie {
        state.report_continue = keep;
        return Some(Change {
            pid,
            uid,
            status: 0xffff,
            code: 6,
            value: SIGCONT as i32,
            time,
        });
    }
    None
}

/// Looks for a change among the children that are meant; waits if there is none.
fn look(
    kernel: &mut Kernel,
    task: TaskId,
    which: Which,
    options: u32,
) -> Result<Option<Change>, Stop> {
    let process = kernel.task(task)?.process;
    let children = kernel.process(process)?.children.clone();
    let mut any = false;
    for child in children {
        let Some(state) = kernel.world.processes.get(child.0) else {
            continue;
        };
        let meant = match which {
            Which::Any => true,
            Which::Process(pid) => state.pid == pid,
            Which::Group(group) => state.group == group,
        };
        if !meant {
            continue;
        }
        any = true;
        if let Some(change) = change(kernel, child, options) {
            return Ok(Some(change));
        }
    }
    if !any {
        return Err(Errno::ECHILD.into());
    }
    if options & WNOHANG != 0 {
        return Ok(None);
    }
    Err(Stop::Wait(Wait::on(WaitKey::Children(process))))
}

/// wait4.
pub fn wait4(
    kernel: &mut Kernel,
    task: TaskId,
    pid: i32,
    status: u64,
    options: u32,
    usage: u64,
) -> Outcome {
    if options & !(WNOHANG | WSTOPPED | WCONTINUED | KINDS) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let which = match pid {
        -1 => Which::Any,
        0 => Which::Group(kernel.process_of(task)?.group),
        i32::MIN => return Err(Errno::ESRCH.into()),
        pid if pid < 0 => Which::Group(-pid),
        pid => Which::Process(pid),
    };
    let Some(change) = look(kernel, task, which, options | WEXITED)? else {
        return Ok(0);
    };
    if status != 0 {
        kernel.write_user(task, status, &change.status.to_le_bytes())?;
    }
    if usage != 0 {
        kernel.write_user(task, usage, &limits::usage(change.time, 0, 0))?;
    }
    Ok(change.pid as u64)
}

/// waitid.
pub fn waitid(
    kernel: &mut Kernel,
    task: TaskId,
    kind: u32,
    id: i32,
    to: u64,
    options: u32,
    usage: u64,
) -> Outcome {
    let states = options & (WEXITED | WSTOPPED | WCONTINUED);
    if options & !(WNOHANG | WNOWAIT | KINDS | WEXITED | WSTOPPED | WCONTINUED) != 0 || states == 0
    {
        return Err(Errno::EINVAL.into());
    }
    let which = match kind {
        0 => Which::Any,
        1 if id > 0 => Which::Process(id),
        2 if id == 0 => Which::Group(kernel.process_of(task)?.group),
        2 if id > 0 => Which::Group(id),
        _ => return Err(Errno::EINVAL.into()),
    };
    let change = look(kernel, task, which, options)?;
    if to != 0 {
        let mut bytes = [0; 128];
        if let Some(change) = &change {
            let cause = crate::signal::Cause::Child {
                code: change.code,
                pid: change.pid,
                uid: change.uid,
                status: change.value,
            };
            bytes = crate::signal::SignalInformation {
                signal: SIGCHLD,
                cause,
            }
            .encode();
        }
        kernel.write_user(task, to, &bytes)?;
    }
    if usage != 0 {
        kernel.write_user(
            task,
            usage,
            &limits::usage(change.map_or(0, |change| change.time), 0, 0),
        )?;
    }
    Ok(0)
}
