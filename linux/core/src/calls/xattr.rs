//! Extended attributes: no tree here keeps any, and programs are told so.
use super::Outcome;
use crate::Errno;
use crate::kernel::Kernel;
use crate::task::TaskId;
use sundog_linux_vfs::constants::{AT_FDCWD, AT_SYMLINK_NOFOLLOW};

fn exists(kernel: &mut Kernel, task: TaskId, path: u64, flags: u32) -> Result<(), Errno> {
    let path = kernel.read_path(task, path)?;
    kernel.with_files(task, |vfs, context| {
        vfs.fstatat(context, AT_FDCWD, &path, flags)
    })??;
    Ok(())
}

fn unsupported(found: Result<(), Errno>) -> Outcome {
    found?;
    Err(Errno::EOPNOTSUPP.into())
}

/// setxattr, getxattr, removexattr.
pub fn on_path(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    let found = exists(kernel, task, path, 0);
    unsupported(found)
}

/// lsetxattr, lgetxattr, lremovexattr.
pub fn on_link(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    let found = exists(kernel, task, path, AT_SYMLINK_NOFOLLOW);
    unsupported(found)
}

/// fsetxattr, fgetxattr, fremovexattr.
pub fn on_file(kernel: &mut Kernel, task: TaskId, fd: i32) -> Outcome {
    kernel.with_files(task, |vfs, context| vfs.fstat(context, fd))??;
    Err(Errno::EOPNOTSUPP.into())
}

/// listxattr: none.
pub fn list_path(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    exists(kernel, task, path, 0)?;
    Ok(0)
}

/// llistxattr: none.
pub fn list_link(kernel: &mut Kernel, task: TaskId, path: u64) -> Outcome {
    exists(kernel, task, path, AT_SYMLINK_NOFOLLOW)?;
    Ok(0)
}

/// flistxattr: none.
pub fn list_file(kernel: &mut Kernel, task: TaskId, fd: i32) -> Outcome {
    kernel.with_files(task, |vfs, context| vfs.fstat(context, fd))??;
    Ok(0)
}
