//! What /proc shows, asked from the core that has the processes. Names that are not here do not exist.

use crate::context::{FdsId, FileId, FsId};
use alloc::vec::Vec;

/// A file in /proc/PID whose text the core makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessFile {
    /// `stat`.
    Stat,
    /// `statm`.
    Statm,
    /// `status`.
    Status,
    /// `cmdline`.
    Cmdline,
    /// `comm`.
    Comm,
    /// `environ`.
    Environ,
    /// `maps`.
    Maps,
    /// `limits`.
    Limits,
    /// `auxv`.
    Auxv,
    /// `cgroup`.
    Cgroup,
    /// `oom_score_adj`.
    OomScoreAdj,
}

/// A file in /proc outside of processes whose text the core makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SystemFile {
    /// `meminfo`.
    Meminfo,
    /// `cpuinfo`.
    Cpuinfo,
    /// `uptime`.
    Uptime,
    /// `loadavg`.
    Loadavg,
    /// `stat`.
    Stat,
    /// `version`.
    Version,
    /// `cmdline`.
    Cmdline,
    /// `swaps`.
    Swaps,
    /// `sys/kernel/hostname`.
    Hostname,
    /// `sys/kernel/osrelease`.
    Osrelease,
    /// `sys/kernel/ostype`.
    Ostype,
    /// `sys/kernel/version`.
    KernelVersion,
    /// `sys/kernel/pid_max`.
    PidMax,
    /// `sys/kernel/ngroups_max`.
    NgroupsMax,
    /// `sys/kernel/cap_last_cap`.
    CapLastCap,
    /// `sys/kernel/random/boot_id`.
    BootId,
    /// `sys/kernel/random/uuid`.
    Uuid,
    /// `sys/kernel/threads-max`.
    ThreadsMax,
    /// `sys/vm/overcommit_memory`.
    OvercommitMemory,
    /// `sys/fs/file-max`.
    FileMax,
    /// `sys/fs/pipe-max-size`.
    PipeMaxSize,
    /// `sys/net/core/somaxconn`.
    Somaxconn,
}

/// A process as the file side sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcessView {
    /// Owner label of its /proc folder.
    pub uid: u32,
    /// Group label of its /proc folder.
    pub gid: u32,
    /// Its working and root folder; `None` once it is a zombie.
    pub fs: Option<FsId>,
    /// Its descriptors; `None` once it is a zombie.
    pub fds: Option<FdsId>,
    /// The program it runs (an open file held by the core).
    pub exe: Option<FileId>,
}

/// The process list and the numbers of the system, as far as the caller's sandbox may see them.
pub trait ProcInfo {
    /// All process ids, ascending.
    fn pids(&self) -> Vec<u32>;
    /// Thread ids of a process, ascending; empty if there is no such process.
    fn tasks(&self, pid: u32) -> Vec<u32>;
    /// One process (or thread: /proc/TID exists, unlisted).
    fn process(&self, pid: u32) -> Option<ProcessView>;
    /// Whether a process' group is orphaned: no member has a parent in another group of the session.
    fn is_orphaned(&self, pid: u32) -> bool;
    /// The session that a process group belongs to, if there is such a group.
    fn group_session(&self, group: u32) -> Option<u32>;
    /// The text of a process' file; `None` if the process is gone.
    fn process_text(&self, pid: u32, file: ProcessFile) -> Option<Vec<u8>>;
    /// The text of a file outside of processes.
    fn system_text(&self, file: SystemFile) -> Vec<u8>;
}

/// No processes and empty texts: for programs and tests without a process list.
pub struct NoProcesses;

impl ProcInfo for NoProcesses {
    fn pids(&self) -> Vec<u32> {
        Vec::new()
    }
    fn tasks(&self, _: u32) -> Vec<u32> {
        Vec::new()
    }
    fn process(&self, _: u32) -> Option<ProcessView> {
        None
    }
    fn is_orphaned(&self, _: u32) -> bool {
        false
    }
    fn group_session(&self, _: u32) -> Option<u32> {
        None
    }
    fn process_text(&self, _: u32, _: ProcessFile) -> Option<Vec<u8>> {
        None
    }
    fn system_text(&self, _: SystemFile) -> Vec<u8> {
        Vec::new()
    }
}
