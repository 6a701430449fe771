//! Calls on descriptors and open files.
use super::{Outcome, Stop};
use crate::Errno;
use crate::kernel::Kernel;
use crate::memory::{AddressSpace, Environment, NoFiles};
use crate::task::TaskId;
use sundog_linux_vfs::constants::AT_FDCWD;
use sundog_linux_vfs::{Attempt, Context, UserMemory, Vfs};

const O_CREAT_WRONLY_TRUNC: u32 = 0o100 | 1 | 0o1000;

/// open.
pub fn open(kernel: &mut Kernel, task: TaskId, path: u64, flags: u32, mode: u32) -> Outcome {
    openat(kernel, task, AT_FDCWD, path, flags, mode)
}

/// creat.
pub fn creat(kernel: &mut Kernel, task: TaskId, path: u64, mode: u32) -> Outcome {
    openat(kernel, task, AT_FDCWD, path, O_CREAT_WRONLY_TRUNC, mode)
}

/// openat.
pub fn openat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    flags: u32,
    mode: u32,
) -> Outcome {
    let path = kernel.read_path(task, path)?;
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.openat(context, folder, &path, flags, mode)
    })?;
    kernel.outcome(attempt).map(|fd| fd as u64)
}

macro_rules! simple {
    ($($(#[$outer:meta])* $name:ident($($argument:ident: $kind:ty),*) |$vfs:ident, $context:ident| $call:expr;)*) => {
        $(
            $(#[$outer])*
            pub fn $name(kernel: &mut Kernel, task: TaskId, $($argument: $kind),*) -> Outcome {
                Ok(kernel.with_files(task, |$vfs, $context| $call)??.into_result())
            }
        )*
    };
}

/// A value that a call returns in `rax`.
trait IntoResult {
    fn into_result(self) -> u64;
}

impl IntoResult for () {
    fn into_result(self) -> u64 {
        0
    }
}

impl IntoResult for i32 {
    fn into_result(self) -> u64 {
        self as u64
    }
}

impl IntoResult for u64 {
    fn into_result(self) -> u64 {
        self
    }
}

simple! {
    /// close.
    close(fd: i32) |vfs, context| vfs.close(context, fd);
    /// close_range.
    close_range(first: u32, last: u32, flags: u32) |vfs, context| vfs.close_range(context, first, last, flags);
    /// dup.
    dup(fd: i32) |vfs, context| vfs.dup(context, fd);
    /// dup2.
    dup2(fd: i32, to: i32) |vfs, context| vfs.dup2(context, fd, to);
    /// dup3.
    dup3(fd: i32, to: i32, flags: u32) |vfs, context| vfs.dup3(context, fd, to, flags);
    /// lseek.
    lseek(fd: i32, offset: i64, whence: u32) |vfs, context| vfs.lseek(context, fd, offset, whence);
    /// fsync.
    fsync(fd: i32) |vfs, context| vfs.fsync(context, fd, false);
    /// fdatasync.
    fdatasync(fd: i32) |vfs, context| vfs.fsync(context, fd, true);
    /// ftruncate.
    ftruncate(fd: i32, length: i64) |vfs, context| vfs.ftruncate(context, fd, length);
    /// fallocate.
    fallocate(fd: i32, mode: u32, offset: i64, length: i64) |vfs, context|
        vfs.fallocate(context, fd, mode, offset, length);
    /// eventfd2.
    eventfd2(value: u32, flags: u32) |vfs, context| vfs.eventfd2(context, value, flags);
}

/// eventfd.
pub fn eventfd(kernel: &mut Kernel, task: TaskId, value: u32) -> Outcome {
    eventfd2(kernel, task, value, 0)
}

/// fadvise64: advice is free to be ignored, but its arguments are checked.
pub fn fadvise64(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    _offset: i64,
    length: i64,
    advice: u32,
) -> Outcome {
    let stat = kernel.with_files(task, |vfs, context| vfs.fstat(context, fd))??;
    if length < 0 || advice > 5 {
        return Err(Errno::EINVAL.into());
    }
    if stat.mode() & 0o170_000 == 0o10_000 {
        Err(Errno::ESPIPE.into())
    } else {
        Ok(0)
    }
}

/// sync: trees write through.
pub fn sync(_: &mut Kernel, _: TaskId) -> Outcome {
    Ok(0)
}

/// flock.
pub fn flock(kernel: &mut Kernel, task: TaskId, fd: i32, operation: u32) -> Outcome {
    let attempt = kernel.with_files(task, |vfs, context| vfs.flock(context, fd, operation))?;
    kernel.outcome(attempt).map(|()| 0)
}

/// pipe.
pub fn pipe(kernel: &mut Kernel, task: TaskId, to: u64) -> Outcome {
    pipe2(kernel, task, to, 0)
}

/// Writes two new descriptors; if that fails they are closed again.
fn write_pair(kernel: &mut Kernel, task: TaskId, to: u64, pair: (i32, i32)) -> Outcome {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&pair.0.to_le_bytes());
    bytes[4..].copy_from_slice(&pair.1.to_le_bytes());
    if let Err(error) = kernel.write_user(task, to, &bytes) {
        for fd in [pair.0, pair.1] {
            kernel.with_files(task, |vfs, context| vfs.close(context, fd))??;
        }
        return Err(error.into());
    }
    Ok(0)
}

/// pipe2.
pub fn pipe2(kernel: &mut Kernel, task: TaskId, to: u64, flags: u32) -> Outcome {
    let pair = kernel.with_files(task, |vfs, context| vfs.pipe2(context, flags))??;
    write_pair(kernel, task, to, pair)
}

/// socketpair: pairs of local stream sockets.
pub fn socketpair(
    kernel: &mut Kernel,
    task: TaskId,
    domain: u32,
    kind: u32,
    protocol: u32,
    to: u64,
) -> Outcome {
    match (domain, kind & 15, protocol) {
        (1, 1, 0 | 1) => {}
        (1, 2 | 5, _) => return Err(Errno::EPROTONOSUPPORT.into()),
        _ => return Err(Errno::EAFNOSUPPORT.into()),
    }
    let pair = kernel.with_files(task, |vfs, context| vfs.socketpair(context, kind & !15))??;
    write_pair(kernel, task, to, pair)
}

/// memfd_create.
pub fn memfd_create(kernel: &mut Kernel, task: TaskId, name: u64, flags: u32) -> Outcome {
    let name = kernel
        .with_space(task, |space, environment| {
            space.read_string(environment, name, 249)
        })
        .map_err(|error| {
            if error == Errno::ENAMETOOLONG {
                Errno::EINVAL
            } else {
                error
            }
        })?;
    Ok(kernel
        .with_files(task, |vfs, context| vfs.memfd_create(context, &name, flags))??
        .into_result())
}

/// A guest's memory for operations of the files. Pages of files are not brought in, as the files are busy; the caller
/// brought in what the call is about.
struct Guest<'a, 'b> {
    space: &'a mut AddressSpace,
    environment: Environment<'b>,
}

impl UserMemory for Guest<'_, '_> {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Errno> {
        self.space.read(&mut self.environment, address, into)
    }
    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Errno> {
        self.space.write(&mut self.environment, address, from)
    }
}

/// No memory: for requests that have no arguments there.
pub(super) struct NoMemory;

impl UserMemory for NoMemory {
    fn read(&mut self, _: u64, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
    fn write(&mut self, _: u64, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

/// How much memory at an argument the files may look at.
const ARGUMENT_ROOM: usize = 4096;

/// Asks the files for something that has its arguments in the guest's memory.
fn with_memory(
    kernel: &mut Kernel,
    task: TaskId,
    argument: u64,
    f: impl FnOnce(&mut Vfs, &Context<'_>, &mut dyn UserMemory) -> Attempt<u64>,
) -> Outcome {
    kernel.with_space(task, |space, environment| {
        space.accessible(environment, argument, ARGUMENT_ROOM, true);
        space.accessible(environment, argument, ARGUMENT_ROOM, false);
        Ok(())
    })?;
    let id = kernel.task(task)?.space;
    let timed_out = kernel.call(task)?.timed_out;
    let Kernel {
        machine,
        memory,
        vfs,
        world,
        ..
    } = kernel;
    // The space is taken out for the time of the call, as the context borrows the world; nobody else runs meanwhile.
    let shared = world.spaces.get_mut(id.0).ok_or(Errno::ESRCH)?;
    let mut space = core::mem::take(&mut shared.value);
    let attempt = {
        let environment = Environment {
            memory,
            machine: machine.as_mut(),
            files: &mut NoFiles,
        };
        let mut guest = Guest {
            space: &mut space,
            environment,
        };
        world
            .context(task, timed_out)
            .map(|context| f(vfs, &context, &mut guest))
    };
    if let Some(shared) = world.spaces.get_mut(id.0) {
        shared.value = space;
    }
    let attempt = attempt.ok_or(Stop::Errno(Errno::ESRCH))?;
    kernel.note_terminal(task)?;
    kernel.outcome(attempt)
}

impl Kernel {
    /// Notes what a session's terminal is, for /proc, which is read when the files are busy.
    fn note_terminal(&mut self, task: TaskId) -> Result<(), Errno> {
        let session = self.process_of(task)?.session;
        match self.vfs.session_terminal(session as u32) {
            Some((number, foreground)) => {
                let foreground = foreground.map_or(-1, |group| group as i32);
                self.world.terminals.insert(session, (number, foreground));
            }
            None => {
                self.world.terminals.remove(&session);
            }
        }
        Ok(())
    }
}

/// ioctl.
pub fn ioctl(kernel: &mut Kernel, task: TaskId, fd: i32, request: u32, argument: u64) -> Outcome {
    with_memory(kernel, task, argument, |vfs, context, memory| {
        vfs.ioctl(context, fd, request, argument, memory)
    })
}

/// fcntl.
pub fn fcntl(kernel: &mut Kernel, task: TaskId, fd: i32, command: u32, argument: u64) -> Outcome {
    with_memory(kernel, task, argument, |vfs, context, memory| {
        vfs.fcntl(context, fd, command, argument, memory)
    })
}
