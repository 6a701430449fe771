//! Calls on names and folders.
use super::Outcome;
use crate::Errno;
use crate::fallible;
use crate::kernel::Kernel;
use crate::task::TaskId;
use sundog_linux_vfs::constants::{AT_FDCWD, AT_REMOVEDIR};

/// getcwd: returns the length with the zero byte.
pub fn getcwd(kernel: &mut Kernel, task: TaskId, to: u64, size: usize) -> Outcome {
    let mut path = kernel.with_files(task, |vfs, context| vfs.getcwd(context, size))??;
    path.push(0);
    if path.len() > size {
        return Err(Errno::ERANGE.into());
    }
    kernel.write_user(task, to, &path)?;
    Ok(path.len() as u64)
}

/// chdir.
pub fn chdir(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| vfs.chdir(context, &path))??;
    Ok(0)
}

/// fchdir.
pub fn fchdir(kernel: &mut Kernel, task: TaskId, fd: i32) -> Outcome {
    kernel.with_files(task, |vfs, context| vfs.fchdir(context, fd))??;
    Ok(0)
}

/// chroot.
pub fn chroot(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| vfs.chroot(context, &path))??;
    Ok(0)
}

/// umask.
pub fn umask(kernel: &mut Kernel, task: TaskId, mask: u32) -> Outcome {
    Ok(u64::from(kernel.with_files(task, |vfs, context| {
        vfs.umask(context, mask & 0o777)
    })?))
}

/// rename.
pub fn rename(kernel: &mut Kernel, task: TaskId, old: u64, new: u64) -> Outcome {
    renameat2(kernel, task, AT_FDCWD, old, AT_FDCWD, new, 0)
}

/// renameat.
pub fn renameat(
    kernel: &mut Kernel,
    task: TaskId,
    old_folder: i32,
    old: u64,
    new_folder: i32,
    new: u64,
) -> Outcome {
    renameat2(kernel, task, old_folder, old, new_folder, new, 0)
}

/// renameat2.
pub fn renameat2(
    kernel: &mut Kernel,
    task: TaskId,
    old_folder: i32,
    old: u64,
    new_folder: i32,
    new: u64,
    flags: u32,
) -> Outcome {
    let old = kernel.read_path(task, old)?;
    let new = kernel.read_path(task, new)?;
    kernel.with_files(task, |vfs, context| {
        vfs.renameat2(context, (old_folder, &old), (new_folder, &new), flags)
    })??;
    Ok(0)
}

/// mkdir.
pub fn mkdir(kernel: &mut Kernel, task: TaskId, path: u64, mode: u32) -> Outcome {
    mkdirat(kernel, task, AT_FDCWD, path, mode)
}

/// mkdirat.
pub fn mkdirat(kernel: &mut Kernel, task: TaskId, folder: i32, path: u64, mode: u32) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.mkdirat(context, folder, &path, mode)
    })??;
    Ok(0)
}

/// mknod.
pub fn mknod(kernel: &mut Kernel, task: TaskId, path: u64, mode: u32, device: u64) -> Outcome {
    mknodat(kernel, task, AT_FDCWD, path, mode, device)
}

/// mknodat: devices come from the sandbox' owner, not by number.
pub fn mknodat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    mode: u32,
    _device: u64,
) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.mknodat(context, folder, &path, mode)
    })??;
    Ok(0)
}

/// rmdir.
pub fn rmdir(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    unlinkat(kernel, task, AT_FDCWD, path, AT_REMOVEDIR)
}

/// unlink.
pub fn unlink(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    unlinkat(kernel, task, AT_FDCWD, path, 0)
}

/// unlinkat.
pub fn unlinkat(kernel: &mut Kernel, task: TaskId, folder: i32, path: u64, flags: u32) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.unlinkat(context, folder, &path, flags)
    })??;
    Ok(0)
}

/// link.
pub fn link(kernel: &mut Kernel, task: TaskId, old: u64, new: u64) -> Outcome {
    linkat(kernel, task, AT_FDCWD, old, AT_FDCWD, new, 0)
}

/// linkat.
pub fn linkat(
    kernel: &mut Kernel,
    task: TaskId,
    old_folder: i32,
    old: u64,
    new_folder: i32,
    new: u64,
    flags: u32,
) -> Outcome {
    let old = kernel.read_path(task, old)?;
    let new = kernel.read_path(task, new)?;
    kernel.with_files(task, |vfs, context| {
        vfs.linkat(context, (old_folder, &old), (new_folder, &new), flags)
    })??;
    Ok(0)
}

/// symlink.
pub fn symlink(kernel: &mut Kernel, task: TaskId, target: u64, path: u64) -> Outcome {
    symlinkat(kernel, task, target, AT_FDCWD, path)
}

/// symlinkat.
pub fn symlinkat(
    kernel: &mut Kernel,
    task: TaskId,
    target: u64,
    folder: i32,
    path: u64,
) -> Outcome {
    let target = kernel.read_path(task, target)?;
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.symlinkat(context, &target, folder, &path)
    })??;
    Ok(0)
}

/// readlink.
pub fn readlink(kernel: &mut Kernel, task: TaskId, path: u64, to: u64, size: usize) -> Outcome {
    readlinkat(kernel, task, AT_FDCWD, path, to, size)
}

/// readlinkat: without a zero byte, cut off where the room ends.
pub fn readlinkat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    to: u64,
    size: usize,
) -> Outcome {
    if size == 0 || size > i32::MAX as usize {
        return Err(Errno::EINVAL.into());
    }
    let path = kernel.read_path(task, path)?;
    let mut text =
        kernel.with_files(task, |vfs, context| vfs.readlinkat(context, folder, &path))??;
    text.truncate(size);
    kernel.write_user(task, to, &text)?;
    Ok(text.len() as u64)
}

/// getdents64.
pub fn getdents64(kernel: &mut Kernel, task: TaskId, fd: i32, to: u64, size: usize) -> Outcome {
    let size = size.min(64 * 1024);
    let room = kernel.with_space(task, |space, environment| {
        Ok(space.accessible(environment, to, size, true))
    })?;
    if room < size && room < 512 {
        return Err(Errno::EFAULT.into());
    }
    let mut buffer = fallible::zeroed(room)?;
    let count = kernel.with_files(task, |vfs, context| {
        vfs.getdents64(context, fd, &mut buffer)
    })??;
    kernel.write_user(task, to, &buffer[..count])?;
    Ok(count as u64)
}
