//! Open files, path resolution, pipes, terminals and the synthetic trees of the Linux personality.
//!
//! One [`Vfs`] holds everything behind the descriptors of one sandbox: mounts, names, open files, pipes, terminals, locks,
//! descriptor tables and working folders. Each operation takes `&mut self` and a [`Context`] that says who calls; it returns at
//! once with a value, an [`Errno`] or [`Stop::Block`] and the [`Queue`] to wait in. What happens to others on the way (wakes,
//! signals, cut-off pages) is collected as [`Event`]s, drained by [`Vfs::next_event`].
//!
//! The operations are named after the system calls:
//! ```text
//! // cx: &Context, paths and buffers are byte slices, descriptors i32 (AT_FDCWD allowed as dirfd)
//! tables       new_fs clone_fs retain_fs release_fs; new_fds clone_fds retain_fds release_fds close_on_exec
//! open         openat open_file open_exec anonymous_file; cancel_waits when a waiting open is given up
//! descriptors  descriptor close dup dup2 dup3 close_range fcntl install install_object object_mut
//! data         read write pread pwrite lseek sendfile copy_file_range fsync fallocate
//! folders      getdents64 mkdirat mknodat unlinkat renameat2 linkat symlinkat readlinkat make_socket_name
//! attributes   fstatat fstat stat_file statfs fstatfs fchmodat fchmod fchownat fchown utimensat truncate ftruncate faccessat
//! process      chdir fchdir chroot getcwd umask
//! waiting      poll epoll_create1 epoll_ctl epoll_wait; new_queue wake next_event for the core's own objects
//! objects      pipe2 socketpair socket_shutdown eventfd2 memfd_create get_seals flock
//! terminals    ioctl; add_console console_input console_output console_resize console_hang_up; session_ended session_terminal
//!              screen keys show end_loans for one who has a line discipline of his own; open_console console_wanted
//! mappings     file_of retain_file release_file file_read_at file_page file_identity file_path
//! namespace    mount mount_proc mount_dev add_gated_device bind restrict unmount
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod asker;
mod attributes;
mod bytes;
pub mod constants;
pub mod context;
mod copy;
mod dentry;
mod descriptors;
mod devices;
pub mod errno;
mod export;
pub mod fallible;
mod file;
mod folder;
mod gate;
mod given;
mod locks;
mod mounts;
mod names;
mod namespace;
mod numbers;
mod objects;
mod open;
pub mod outcome;
mod poll;
mod proc;
pub mod process_info;
mod resolve;
mod shown;
pub mod stat;
#[cfg(test)]
mod tests;
mod transfer;
mod tty;
mod vfs;
mod working;

pub use asker::Asker;
pub use context::{Context, Creds, FdsId, FileId, FsId, Job, UserMemory};
pub use errno::Errno;
pub use export::{Bound, Export, Exported, Part};
pub use file::FileObject;
pub use gate::{Closed, GateAnswer, GateRequest, Gatekeeper};
pub use given::Device;
pub use mounts::{MountFlags, Place};
pub use numbers::Numbers;
pub use outcome::{Attempt, Event, FileIdentity, Queue, Ready, Stop, Target};
pub use poll::Readiness;
pub use process_info::{NoProcesses, ProcInfo, ProcessFile, ProcessView, SystemFile};
pub use shown::Shown;
pub use stat::Stat;
pub use tty::loan::Screen;
pub use vfs::{Random, Setup, Vfs};
