//! Open files, path resolution, pipes, terminals and the synthetic trees of the Linux personality.
//!
//! One `Vfs` holds everything behind the descriptors of one sandbox: mounts, names, open files, pipes, terminals, locks,
//! descriptor tables and working folders. Each operation takes `&mut self` and a [`Context`] that says who calls; it returns at
//! once with a value, an [`Errno`] or [`Stop::Block`] and the [`Queue`] to wait in. What happens to others on the way (wakes,
//! signals, cut-off pages) is collected as [`Event`]s, drained by `Vfs::take_events`.
//!
//! The operations are named after the system calls:
//! ```text
//! // cx: &Context, paths and buffers are byte slices, descriptors i32 (AT_FDCWD allowed as dirfd)
//! fs tables      new_fs() clone_fs(id) retain_fs(id) release_fs(id); new_fds() clone_fds(id) retain_fds(id) release_fds(id) close_on_exec(id)
//! open           openat(cx, dirfd, path, flags, mode) -> Attempt<i32>     open_exec(cx, dirfd, path, flags) -> Attempt<FileId>
//! descriptors    close dup dup2 dup3 close_range fcntl(cx, fd, command, arg, memory) install(cx, FileId, cloexec, min)
//! data           read write pread pwrite(cx, fd, buffer[, offset]) -> Attempt<usize>; lseek sendfile copy_file_range fsync fallocate
//! folders        getdents64(cx, fd, buffer) mkdirat mknodat unlinkat renameat2 linkat symlinkat readlinkat
//! attributes     fstatat fstat statfs fstatfs chmodat fchmod chownat fchown utimensat truncate ftruncate faccessat
//! process        chdir fchdir chroot getcwd umask
//! waiting        poll(cx, fd) -> Result<Readiness>  (ready mask and queues), epoll_create1 epoll_ctl epoll_wait
//! objects        pipe2 socketpair eventfd2 memfd_create flock
//! terminals      ioctl(cx, fd, request, arg, memory)  console_input console_output console_resize
//! mappings       file_of(cx, fd) -> FileId, retain_file release_file file_read_at file_page file_identity file_path
//! mounts         mount(server, ...) bind unmount
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod attributes;
pub mod constants;
pub mod context;
mod dentry;
mod descriptors;
mod devices;
pub mod errno;
mod file;
mod folder;
mod gate;
mod locks;
mod mounts;
mod names;
mod namespace;
mod objects;
mod open;
pub mod outcome;
mod poll;
mod proc;
pub mod process_info;
mod resolve;
pub mod stat;
#[cfg(test)]
mod tests;
mod transfer;
mod tty;
mod vfs;
mod working;

pub use context::{Context, Creds, FdsId, FileId, FsId, Job, UserMemory};
pub use errno::Errno;
pub use file::FileObject;
pub use gate::{Closed, GateAnswer, GateRequest, Gatekeeper};
pub use mounts::{MountFlags, Place};
pub use outcome::{Attempt, Event, FileIdentity, Queue, Ready, Stop, Target};
pub use poll::Readiness;
pub use process_info::{NoProcesses, ProcInfo, ProcessFile, ProcessView, SystemFile};
pub use stat::Stat;
pub use vfs::{Random, Setup, Vfs};
