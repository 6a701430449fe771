//! New threads and processes: fork, vfork, clone, clone3.
use super::{Outcome, Stop};
use crate::Errno;
use crate::fallible;
use crate::kernel::{Kernel, Shared};
use crate::memory::USER_END;
use crate::signal::{AlternateStack, Pending, SIGCHLD, SIGNAL_MAX};
use crate::task::{
    ActionsId, AddressSpaceId, ProcessId, Restart, Task, TaskId, TaskState, Wait, WaitKey,
};
use crate::world::new_process;
use sundog_linux_vfs::{FdsId, FsId};

mod flag {
    pub const VM: u64 = 0x100;
    pub const FS: u64 = 0x200;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const PIDFD: u64 = 0x1000;
    pub const PTRACE: u64 = 0x2000;
    pub const VFORK: u64 = 0x4000;
    pub const PARENT: u64 = 0x8000;
    pub const THREAD: u64 = 0x1_0000;
    pub const SYSVSEM: u64 = 0x4_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const PARENT_SETTID: u64 = 0x10_0000;
    pub const CHILD_CLEARTID: u64 = 0x20_0000;
    pub const DETACHED: u64 = 0x40_0000;
    pub const UNTRACED: u64 = 0x80_0000;
    pub const CHILD_SETTID: u64 = 0x100_0000;
    pub const IO: u64 = 0x8000_0000;
    pub const CLEAR_SIGHAND: u64 = 0x1_0000_0000;
    /// New namespaces: mount, cgroup, uts, ipc, user, pid, net, time.
    pub const NAMESPACES: u64 = 0x7e02_0000 | 0x80;
    pub const KNOWN: u64 = VM
        | FS
        | FILES
        | SIGHAND
        | PTRACE
        | VFORK
        | PARENT
        | THREAD
        | SYSVSEM
        | SETTLS
        | PARENT_SETTID
        | CHILD_CLEARTID
        | DETACHED
        | UNTRACED
        | CHILD_SETTID
        | IO
        | CLEAR_SIGHAND;
}

/// What a new task is to be.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    flags: u64,
    exit_signal: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
}

/// fork.
pub fn fork(kernel: &mut Kernel, task: TaskId) -> Outcome {
    make(
        kernel,
        task,
        &Request {
            exit_signal: u64::from(SIGCHLD),
            ..Request::default()
        },
    )
}

/// vfork.
pub fn vfork(kernel: &mut Kernel, task: TaskId) -> Outcome {
    let flags = flag::VM | flag::VFORK;
    make(
        kernel,
        task,
        &Request {
            flags,
            exit_signal: u64::from(SIGCHLD),
            ..Request::default()
        },
    )
}

/// clone.
pub fn clone(
    kernel: &mut Kernel,
    task: TaskId,
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
) -> Outcome {
    // The old call has the signal in the low byte, and knows no flags beyond 32 bits.
    let request = Request {
        flags: flags & 0xffff_ff00,
        exit_signal: flags & 0xff,
        stack,
        parent_tid,
        child_tid,
        tls,
    };
    make(kernel, task, &request)
}

/// clone3.
pub fn clone3(kernel: &mut Kernel, task: TaskId, arguments: u64, size: usize) -> Outcome {
    if !(64..=4096).contains(&size) {
        return Err(if size > 4096 {
            Errno::E2BIG
        } else {
            Errno::EINVAL
        }
        .into());
    }
    let mut bytes = fallible::zeroed(size)?;
    kernel.read_user(task, arguments, &mut bytes)?;
    let word = |index: usize| {
        let mut part = [0; 8];
        match bytes.get(index * 8..index * 8 + 8) {
            Some(found) => part.copy_from_slice(found),
            None => return 0,
        }
        u64::from_le_bytes(part)
    };
    if bytes
        .get(88..)
        .is_some_and(|rest| rest.iter().any(|byte| *byte != 0))
    {
        return Err(Errno::E2BIG.into());
    }
    let (stack, stack_size) = (word(5), word(6));
    // set_tid, cgroup: not for sandboxes.
    if word(9) != 0 || word(8) != 0 || (stack == 0) != (stack_size == 0) {
        return Err(Errno::EINVAL.into());
    }
    let request = Request {
        flags: word(0),
        exit_signal: word(4),
        stack: stack.checked_add(stack_size).ok_or(Errno::EINVAL)?,
        parent_tid: word(3),
        child_tid: word(2),
        tls: word(7),
    };
    if request.flags & 0xff & !flag::NAMESPACES != 0 {
        return Err(Errno::EINVAL.into());
    }
    make(kernel, task, &request)
}

fn check(request: &Request) -> Result<(), Errno> {
    let has = |flag: u64| request.flags & flag != 0;
    if has(flag::NAMESPACES) {
        return Err(Errno::EPERM);
    }
    if request.flags & !flag::KNOWN != 0 || has(flag::PIDFD) {
        return Err(Errno::EINVAL);
    }
    if (has(flag::THREAD) && !has(flag::SIGHAND)) || (has(flag::SIGHAND) && !has(flag::VM)) {
        return Err(Errno::EINVAL);
    }
    if has(flag::CLEAR_SIGHAND) && has(flag::SIGHAND) {
        return Err(Errno::EINVAL);
    }
    if request.exit_signal > u64::from(SIGNAL_MAX)
        || (has(flag::THREAD | flag::PARENT) && request.exit_signal > 64)
    {
        return Err(Errno::EINVAL);
    }
    if has(flag::SETTLS) && request.tls >= USER_END {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Makes the task that is asked for, or goes on waiting for one made by vfork.
fn make(kernel: &mut Kernel, parent: TaskId, request: &Request) -> Outcome {
    let call = kernel.call(parent)?;
    let (made, woken) = (call.done, call.woken);
    if made != 0 {
        // The child let go of the memory, or is gone so long that its number means somebody else.
        let child = kernel.world.tids.get(&(made as i32)).copied();
        let waits = child.filter(|child| {
            kernel
                .task(*child)
                .is_ok_and(|task| task.vfork_parent == Some(parent))
        });
        return match waits {
            Some(child) if !woken => Err(wait_for(child)),
            _ => Ok(made),
        };
    }
    check(request)?;
    kernel.room_for_task(parent)?;
    let child = new_task(kernel, parent, request)?;
    let tid = kernel.task(child)?.tid;
    kernel.enqueue(child);
    if request.flags & flag::VFORK == 0 {
        return Ok(tid as u64);
    }
    kernel.call(parent)?.done = tid as u64;
    Err(wait_for(child))
}

fn wait_for(child: TaskId) -> Stop {
    Stop::Wait(Wait {
        restart: Restart::Never,
        ..Wait::on(WaitKey::Vfork(child))
    })
}

fn child_space(kernel: &mut Kernel, parent: TaskId, share: bool) -> Result<AddressSpaceId, Errno> {
    let space = kernel.task(parent)?.space;
    if share {
        if let Some(shared) = kernel.world.spaces.get_mut(space.0) {
            shared.users += 1;
        }
        return Ok(space);
    }
    let copy = kernel.with_space_id(space, |space, environment| space.fork(environment))?;
    Ok(AddressSpaceId(
        kernel.world.spaces.insert(Shared::new(copy)),
    ))
}

fn new_task(kernel: &mut Kernel, parent: TaskId, request: &Request) -> Result<TaskId, Errno> {
    let has = |flag: u64| request.flags & flag != 0;
    // What can fail comes first, and is taken back if a later part fails.
    let world = &mut kernel.world;
    world.tasks.reserve_one()?;
    world.processes.reserve_one()?;
    world.spaces.reserve_one()?;
    world.actions.reserve_one()?;
    let state = kernel.task(parent)?;
    let own = (state.fs, state.fds);
    let (fs, fds) = child_files(kernel, own, request)?;
    let made = kernel.machine.create_vcpu().map_err(|_| Errno::EAGAIN);
    let vcpu_and_space = made.and_then(|vcpu| match child_space(kernel, parent, has(flag::VM)) {
        Ok(space) => Ok((vcpu, space)),
        Err(error) => {
            kernel.machine.destroy_vcpu(vcpu);
            Err(error)
        }
    });
    let (vcpu, space) = match vcpu_and_space {
        Ok(made) => made,
        Err(error) => {
            kernel.vfs.release_fs(fs);
            kernel.vfs.release_fds(fds, 0);
            return Err(error);
        }
    };
    let tid = kernel.world.new_id();
    let actions_id = kernel.task(parent)?.actions;
    let Kernel { machine, world, .. } = &mut *kernel;
    let state = world.tasks.get(parent.0).ok_or(Errno::ESRCH)?;
    machine.copy_fpu(&state.vcpu, &vcpu);
    let actions = child_actions(kernel, parent, actions_id, request);
    let process = child_process(kernel, parent, tid, request)?;
    let now = kernel.world.now;
    let state = kernel.task(parent)?;
    let mut registers = state.vcpu.registers.load();
    registers.rax = 0;
    if request.stack != 0 {
        registers.rsp = request.stack;
    }
    if has(flag::SETTLS) {
        registers.fs_base = request.tls;
    }
    vcpu.registers.store(&registers);
    let keeps_stack = !has(flag::VM) || has(flag::VFORK);
    let task = Task {
        tid,
        process,
        vcpu,
        space,
        fs,
        fds,
        actions,
        state: TaskState::Ready,
        queued: false,
        yielded: false,
        call: None,
        mask: state.saved_mask.unwrap_or(state.mask),
        saved_mask: None,
        pending: Pending::default(),
        stack: if keeps_stack {
            state.stack
        } else {
            AlternateStack::default()
        },
        clear_tid: if has(flag::CHILD_CLEARTID) {
            request.child_tid
        } else {
            0
        },
        robust_list: 0,
        name: state.name,
        waits: alloc::vec::Vec::new(),
        wait_number: 0,
        timer: None,
        run_time: 0,
        vfork_parent: has(flag::VFORK).then_some(parent),
        parent_death_signal: 0,
    };
    let child = TaskId(kernel.world.tasks.insert(task));
    kernel.world.tids.insert(tid, child);
    let owner = kernel.process(process)?;
    owner.threads.push(child);
    if owner.started == 0 {
        owner.started = now;
    }
    if has(flag::PARENT_SETTID) {
        let _ = kernel.write_user(parent, request.parent_tid, &tid.to_le_bytes());
    }
    if has(flag::CHILD_SETTID) {
        let _ = kernel.write_user(child, request.child_tid, &tid.to_le_bytes());
    }
    Ok(child)
}

/// The working folder and descriptors of a new task: its own copies or the caller's.
fn child_files(
    kernel: &mut Kernel,
    own: (FsId, FdsId),
    request: &Request,
) -> Result<(FsId, FdsId), Errno> {
    let fs = if request.flags & flag::FS != 0 {
        kernel.vfs.retain_fs(own.0);
        own.0
    } else {
        kernel.vfs.clone_fs(own.0)?
    };
    if request.flags & flag::FILES != 0 {
        kernel.vfs.retain_fds(own.1);
        return Ok((fs, own.1));
    }
    match kernel.vfs.clone_fds(own.1) {
        Ok(fds) => Ok((fs, fds)),
        Err(error) => {
            kernel.vfs.release_fs(fs);
            Err(error)
        }
    }
}

fn child_actions(
    kernel: &mut Kernel,
    parent: TaskId,
    shared: ActionsId,
    request: &Request,
) -> ActionsId {
    if request.flags & flag::SIGHAND != 0 {
        if let Some(actions) = kernel.world.actions.get_mut(shared.0) {
            actions.users += 1;
        }
        return shared;
    }
    let mut actions = kernel.actions_of(parent).cloned().unwrap_or_default();
    if request.flags & flag::CLEAR_SIGHAND != 0 {
        actions.reset_handlers();
    }
    ActionsId(kernel.world.actions.insert(Shared::new(actions)))
}

/// The process of a new task: the caller's for a thread, else a new one.
fn child_process(
    kernel: &mut Kernel,
    parent: TaskId,
    tid: i32,
    request: &Request,
) -> Result<ProcessId, Errno> {
    let caller = kernel.task(parent)?.process;
    if request.flags & flag::THREAD != 0 {
        return Ok(caller);
    }
    let own = kernel.process(caller)?;
    let keeps_parent = request.flags & flag::PARENT != 0;
    let owner = if keeps_parent {
        own.parent
    } else {
        Some(caller)
    };
    let mut child = new_process(tid, owner, &own.labels, 0);
    child.group = own.group;
    child.session = own.session;
    child.limits = own.limits;
    child.program = own.program;
    child.no_new_privileges = own.no_new_privileges;
    child.dumpable = own.dumpable;
    child.nice = own.nice;
    child.oom_adjust = own.oom_adjust;
    child.exit_signal = if keeps_parent {
        own.exit_signal
    } else {
        request.exit_signal as u32
    };
    if let Some(program) = child.program {
        kernel.vfs.retain_file(program);
    }
    let id = ProcessId(kernel.world.processes.insert(child));
    kernel.world.pids.insert(tid, id);
    kernel.world.forks += 1;
    if let Some(owner) = owner
        && let Ok(owner) = kernel.process(owner)
    {
        owner.children.push(id);
    }
    Ok(id)
}
