//! Who makes a call: its identity, its working folder and its descriptors. Passed to every operation.

use crate::errno::Errno;
use crate::process_info::ProcInfo;

/// A working folder, root folder and umask; shared by threads (`CLONE_FS`). Kept in the `Vfs`, counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FsId(pub u32);

/// A table of file descriptors; shared by threads (`CLONE_FILES`). Kept in the `Vfs`, counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FdsId(pub u32);

/// An open file description. Kept in the `Vfs`, counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileId(pub u32);

/// Identity labels that permission bits are compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Creds<'a> {
    /// Label used for files (`fsuid`).
    pub uid: u32,
    /// Group label used for files (`fsgid`).
    pub gid: u32,
    /// Real label, for `access` without `AT_EACCESS`.
    pub real_uid: u32,
    /// Real group label.
    pub real_gid: u32,
    /// More groups.
    pub groups: &'a [u32],
    /// Whether permission bits do not bind it (`CAP_DAC_OVERRIDE`, `CAP_FOWNER`, `CAP_CHOWN` together; usually `uid == 0`).
    pub overrides: bool,
}

/// The caller's place in job control.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Job {
    /// Process id (thread group).
    pub pid: u32,
    /// Process group.
    pub group: u32,
    /// Session. A session leader has `session == pid`.
    pub session: u32,
    /// Whether SIGTTIN is blocked or ignored.
    pub no_ttin: bool,
    /// Whether SIGTTOU is blocked or ignored.
    pub no_ttou: bool,
}

/// Everything about the caller that an operation needs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Its working folder, root and umask.
    pub fs: FsId,
    /// Its descriptors.
    pub fds: FdsId,
    /// Its labels.
    pub creds: Creds<'a>,
    /// Its process, group, session.
    pub job: Job,
    /// `RLIMIT_NOFILE`: descriptors are below this.
    pub max_files: u32,
    /// `RLIMIT_FSIZE` in bytes (`u64::MAX`: none). Beyond it a write fails with `EFBIG` and SIGXFSZ is sent.
    pub max_file_size: u64,
    /// Whether the wait that a [`crate::Stop::BlockFor`] asked for ran out before this second call.
    pub timed_out: bool,
    /// What /proc shows.
    pub info: &'a dyn ProcInfo,
}

/// The caller's memory, for arguments whose layout only the operation knows (ioctl, fcntl locks).
pub trait UserMemory {
    /// Copies from the caller's memory. `EFAULT`.
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Errno>;
    /// Copies to the caller's memory. `EFAULT`.
    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Errno>;
}
