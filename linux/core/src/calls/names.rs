//! Calls on the attributes of files.
use super::Outcome;
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;
use sundog_linux_vfs::constants::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use sundog_protocols::file::{SetTime, Time};

/// stat.
pub fn stat(kernel: &mut Kernel, task: TaskId, path: u64, to: u64) -> Outcome {
    newfstatat(kernel, task, AT_FDCWD, path, to, 0)
}

/// lstat.
pub fn lstat(kernel: &mut Kernel, task: TaskId, path: u64, to: u64) -> Outcome {
    newfstatat(kernel, task, AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW)
}

/// fstat.
pub fn fstat(kernel: &mut Kernel, task: TaskId, fd: i32, to: u64) -> Outcome {
    let stat = kernel.with_files(task, |vfs, context| vfs.fstat(context, fd))??;
    kernel.write_user(task, to, &stat.encode())?;
    Ok(0)
}

/// newfstatat.
pub fn newfstatat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    to: u64,
    flags: u32,
) -> Outcome {
    let path = optional_path(kernel, task, path, flags)?;
    let stat = kernel.with_files(task, |vfs, context| {
        vfs.fstatat(context, folder, &path, flags)
    })??;
    kernel.write_user(task, to, &stat.encode())?;
    Ok(0)
}

/// A path, or none at all where AT_EMPTY_PATH allows that.
fn optional_path(
    kernel: &mut Kernel,
    task: TaskId,
    path: u64,
    flags: u32,
) -> Result<alloc::vec::Vec<u8>, Errno> {
    if path == 0 && flags & AT_EMPTY_PATH != 0 {
        return Ok(alloc::vec::Vec::new());
    }
    kernel.read_path(task, path)
}

/// statx.
pub fn statx(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    flags: u32,
    mask: u32,
    to: u64,
) -> Outcome {
    const SYNC_FLAGS: u32 = 0x6000;
    if mask & 0x8000_0000 != 0 || flags & SYNC_FLAGS == SYNC_FLAGS {
        return Err(Errno::EINVAL.into());
    }
    let path = optional_path(kernel, task, path, flags)?;
    let flags = flags & !SYNC_FLAGS;
    let stat = kernel.with_files(task, |vfs, context| {
        vfs.fstatat(context, folder, &path, flags)
    })??;
    kernel.write_user(task, to, &stat.encode_statx())?;
    Ok(0)
}

/// access.
pub fn access(kernel: &mut Kernel, task: TaskId, path: u64, mode: u32) -> Outcome {
    faccessat2(kernel, task, AT_FDCWD, path, mode, 0)
}

/// faccessat.
pub fn faccessat(kernel: &mut Kernel, task: TaskId, folder: i32, path: u64, mode: u32) -> Outcome {
    faccessat2(kernel, task, folder, path, mode, 0)
}

/// faccessat2.
pub fn faccessat2(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    mode: u32,
    flags: u32,
) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.faccessat(context, folder, &path, mode, flags)
    })??;
    Ok(0)
}

/// chmod.
pub fn chmod(kernel: &mut Kernel, task: TaskId, path: u64, mode: u32) -> Outcome {
    fchmodat(kernel, task, AT_FDCWD, path, mode)
}

/// fchmodat.
pub fn fchmodat(kernel: &mut Kernel, task: TaskId, folder: i32, path: u64, mode: u32) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.fchmodat(context, folder, &path, mode, 0)
    })??;
    Ok(0)
}

/// fchmod.
pub fn fchmod(kernel: &mut Kernel, task: TaskId, fd: i32, mode: u32) -> Outcome {
    kernel.with_files(task, |vfs, context| vfs.fchmod(context, fd, mode))??;
    Ok(0)
}

/// chown.
pub fn chown(kernel: &mut Kernel, task: TaskId, path: u64, user: u32, group: u32) -> Outcome {
    fchownat(kernel, task, AT_FDCWD, path, user, group, 0)
}

/// lchown.
pub fn lchown(kernel: &mut Kernel, task: TaskId, path: u64, user: u32, group: u32) -> Outcome {
    fchownat(
        kernel,
        task,
        AT_FDCWD,
        path,
        user,
        group,
        AT_SYMLINK_NOFOLLOW,
    )
}

/// fchownat.
pub fn fchownat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    user: u32,
    group: u32,
    flags: u32,
) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.fchownat(context, folder, &path, (user, group), flags)
    })??;
    Ok(0)
}

/// fchown.
pub fn fchown(kernel: &mut Kernel, task: TaskId, fd: i32, user: u32, group: u32) -> Outcome {
    kernel.with_files(task, |vfs, context| vfs.fchown(context, fd, user, group))??;
    Ok(0)
}

/// One time of utimensat: now, left alone, or given.
fn set_time(seconds: u64, part: u64) -> Result<Option<SetTime>, Errno> {
    const NOW: u64 = (1 << 30) - 1;
    const OMIT: u64 = (1 << 30) - 2;
    match part {
        NOW => Ok(Some(SetTime::Now)),
        OMIT => Ok(None),
        part if part < 1_000_000_000 => Ok(Some(SetTime::At(Time {
            seconds: seconds as i64,
            nanos: part as u32,
        }))),
        _ => Err(Errno::EINVAL),
    }
}

/// utimensat.
pub fn utimensat(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: u64,
    times: u64,
    flags: u32,
) -> Outcome {
    let path = if path == 0 {
        None
    } else {
        Some(kernel.read_path(task, path)?)
    };
    let times = if times == 0 {
        (Some(SetTime::Now), Some(SetTime::Now))
    } else {
        let [accessed, accessed_part, modified, modified_part] = kernel.read_words(task, times)?;
        (
            set_time(accessed, accessed_part)?,
            set_time(modified, modified_part)?,
        )
    };
    kernel.with_files(task, |vfs, context| {
        vfs.utimensat(context, folder, path.as_deref(), times, flags)
    })??;
    Ok(0)
}

/// truncate.
pub fn truncate(kernel: &mut Kernel, task: TaskId, path: u64, length: i64) -> Outcome {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| vfs.truncate(context, &path, length))??;
    Ok(0)
}

/// statfs.
pub fn statfs(kernel: &mut Kernel, task: TaskId, path: u64, to: u64) -> Outcome {
    let path = kernel.read_path(task, path)?;
    let bytes = kernel.with_files(task, |vfs, context| vfs.statfs(context, &path))??;
    kernel.write_user(task, to, &bytes)?;
    Ok(0)
}

/// fstatfs.
pub fn fstatfs(kernel: &mut Kernel, task: TaskId, fd: i32, to: u64) -> Outcome {
    let bytes = kernel.with_files(task, |vfs, context| vfs.fstatfs(context, fd))??;
    kernel.write_user(task, to, &bytes)?;
    Ok(0)
}
