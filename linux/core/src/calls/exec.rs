//! execve: a new program for a process.
use super::{Outcome, Stop};
use crate::Errno;
use crate::kernel::{Kernel, Shared};
use crate::load::{self, Prepared, Program, Texts, prepare};
use crate::machine::GuestRegisters;
use crate::memory::AddressSpace;
use crate::process::End;
use crate::signal::{AlternateStack, SIGCHLD};
use crate::task::{ActionsId, AddressSpaceId, TaskId};
use crate::texts::List;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::AT_FDCWD;

/// The longest single argument or variable, with its zero byte.
const TEXT_MAX: usize = 128 * 1024;
/// All arguments and variables together.
const TEXTS_MAX: usize = 2 << 20;

/// Reads an array of strings.
fn read_texts(
    kernel: &mut Kernel,
    task: TaskId,
    array: u64,
    total: &mut usize,
) -> Result<List, Errno> {
    let mut texts = List::default();
    if array == 0 {
        return Ok(texts);
    }
    for index in 0.. {
        let at = array.checked_add(index * 8).ok_or(Errno::EFAULT)?;
        let [pointer] = kernel.read_words(task, at)?;
        if pointer == 0 {
            break;
        }
        let text = kernel.with_space(task, |space, environment| {
            space.read_string(environment, pointer, TEXT_MAX - 1)
        });
        let text = text.map_err(|error| {
            if error == Errno::ENAMETOOLONG {
                Errno::E2BIG
            } else {
                error
            }
        })?;
        *total += text.len() + 9;
        if *total > TEXTS_MAX {
            return Err(Errno::E2BIG);
        }
        texts.push(&text)?;
    }
    Ok(texts)
}

/// execve.
pub fn execve(
    kernel: &mut Kernel,
    task: TaskId,
    path: u64,
    arguments: u64,
    environment: u64,
) -> Outcome {
    execveat(kernel, task, AT_FDCWD, path, arguments, environment, 0)
}

/// execveat.
pub fn execveat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    arguments: u64,
    environment: u64,
    flags: u32,
) -> Outcome {
    let path = kernel.read_path(task, path)?;
    let mut total = 0;
    let mut arguments = read_texts(kernel, task, arguments, &mut total)?;
    let environment = read_texts(kernel, task, environment, &mut total)?;
    if arguments.is_empty() {
        arguments.push(b"")?;
    }
    own_descriptors(kernel, task)?;
    let program = prepare(
        kernel,
        task,
        folder,
        &path,
        flags,
        Texts {
            arguments,
            environment,
        },
    )?;
    become_program(kernel, task, program)?;
    Err(Stop::Leave)
}

/// Gives a task descriptors of its own, if it shares them (only tasks that share no memory can tell).
fn own_descriptors(kernel: &mut Kernel, task: TaskId) -> Result<(), Errno> {
    let own = kernel.task(task)?.fds;
    let shared = kernel
        .world
        .tasks
        .iter()
        .any(|(id, other)| id != task.0 && other.fds == own);
    if shared {
        let copy = kernel.vfs.clone_fds(own)?;
        let pid = kernel.process_of(task)?.pid;
        kernel.vfs.release_fds(own, pid as u32);
        kernel.task(task)?.fds = copy;
    }
    Ok(())
}

/// Makes what was prepared the process' own. A native program can still be refused by the machine; then the caller goes on.
pub(crate) fn become_program(
    kernel: &mut Kernel,
    task: TaskId,
    prepared: Prepared,
) -> Result<(), Errno> {
    let (native, file) = match prepared {
        Prepared::Linux(program) => return replace(kernel, task, program),
        Prepared::Native(native, file) => (native, file),
    };
    let pid = kernel.process_of(task)?.pid;
    let name = load::thread_name(native.texts.arguments.first().unwrap_or_default());
    if let Err(error) = kernel.machine.start_native(pid, native) {
        kernel.vfs.release_file(file);
        return Err(error);
    }
    let program = Program {
        space: AddressSpace::default(),
        entry: 0,
        stack: 0,
        file,
        name,
    };
    replace(kernel, task, program)?;
    kernel.natives.add(task);
    Ok(())
}

/// Makes a prepared program the process' own. From here on nothing can fail.
pub(crate) fn replace(kernel: &mut Kernel, task: TaskId, program: Program) -> Result<(), Errno> {
    end_other_threads(kernel, task)?;
    kernel.release_memory(task);
    let Program {
        space,
        entry,
        stack,
        file,
        name,
    } = program;
    let space = AddressSpaceId(kernel.world.spaces.insert(Shared::new(space)));
    own_actions(kernel, task)?;
    kernel.task(task)?.space = space;
    kernel.with_files(task, |vfs, context| vfs.close_on_exec(context))?;
    let state = kernel.task(task)?;
    state.stack = AlternateStack::default();
    state.name = name;
    state.robust_list = 0;
    state.vcpu.registers.store(&GuestRegisters {
        rip: entry,
        rsp: stack,
        rflags: 0x202,
        ..GuestRegisters::default()
    });
    let process = state.process;
    let Kernel { machine, world, .. } = kernel;
    if let Some(state) = world.tasks.get(task.0) {
        machine.reset_fpu(&state.vcpu);
    }
    let owner = kernel.process(process)?;
    let old = owner.program.replace(file);
    owner.executed = true;
    owner.exit_signal = SIGCHLD;
    owner.labels.users[2] = owner.labels.users[1];
    owner.labels.groups[2] = owner.labels.groups[1];
    let timers = core::mem::take(&mut owner.timers);
    for entry in timers.values().filter_map(|timer| timer.entry) {
        kernel.timers.remove(&entry);
    }
    if let Some(old) = old {
        kernel.vfs.release_file(old);
    }
    Ok(())
}

/// The caller becomes the only thread, and the one with the process' own id.
fn end_other_threads(kernel: &mut Kernel, task: TaskId) -> Result<(), Errno> {
    let others: Vec<TaskId> = kernel
        .process_of(task)?
        .threads
        .iter()
        .copied()
        .filter(|other| *other != task)
        .collect();
    for other in others {
        kernel.exit_task(other, End::Exited(0));
    }
    let pid = kernel.process_of(task)?.pid;
    let state = kernel.task(task)?;
    let old = core::mem::replace(&mut state.tid, pid);
    kernel.world.tids.remove(&old);
    kernel.world.tids.insert(pid, task);
    Ok(())
}

/// Signal actions that are the process' own, without handlers.
fn own_actions(kernel: &mut Kernel, task: TaskId) -> Result<(), Errno> {
    let mut actions = kernel.actions_of(task)?.clone();
    actions.reset_handlers();
    let old = kernel.task(task)?.actions;
    kernel.release_actions(old.0);
    kernel.task(task)?.actions = ActionsId(kernel.world.actions.insert(Shared::new(actions)));
    Ok(())
}
