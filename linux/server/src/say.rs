//! What went wrong with a sandbox within, in the words of bubblewrap and of the C library.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::AT_FDCWD;
use sundog_linux_vfs::{Context, Errno, Stop, Vfs};

/// An error in words.
pub fn words(error: Errno) -> String {
    let known = match error {
        Errno::ENOENT => "No such file or directory",
        Errno::EACCES => "Permission denied",
        Errno::ENOTDIR => "Not a directory",
        Errno::EISDIR => "Is a directory",
        Errno::EEXIST => "File exists",
        Errno::EROFS => "Read-only file system",
        Errno::ENOEXEC => "Exec format error",
        Errno::ELOOP => "Too many levels of symbolic links",
        Errno::ENAMETOOLONG => "File name too long",
        Errno::ENOMEM => "Cannot allocate memory",
        Errno::ENOSPC => "No space left on device",
        Errno::EINVAL => "Invalid argument",
        Errno::EPERM => "Operation not permitted",
        Errno::ENXIO => "No such device or address",
        Errno::EOPNOTSUPP => "Operation not supported",
        other => return format!("{other:?}"),
    };
    known.into()
}

/// The first of these paths at which a program is.
///
/// # Errors
/// EACCES if one may not be executed and none else is there, ENOENT, and what looking up says.
pub fn find(vfs: &mut Vfs, context: &Context<'_>, paths: Vec<Vec<u8>>) -> Result<Vec<u8>, Errno> {
    let mut why = Errno::ENOENT;
    for path in paths {
        match vfs.open_exec(context, AT_FDCWD, &path, 0) {
            Ok(file) => {
                vfs.release_file(file);
                return Ok(path);
            }
            Err(Stop::Errno(Errno::ENOENT | Errno::ENOTDIR)) => {}
            Err(Stop::Errno(Errno::EACCES)) => why = Errno::EACCES,
            Err(Stop::Errno(error)) => return Err(error),
            Err(_) => return Err(Errno::EAGAIN),
        }
    }
    Err(why)
}
