//! Processes: thread groups with their children, labels, limits and state of job control.
use crate::signal::Pending;
use crate::task::{ProcessId, TaskId};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use sundog_linux_vfs::{Creds, FileId};

/// The resources that limits exist for, by Linux's numbers.
pub mod resource {
    /// CPU seconds.
    pub const CPU: usize = 0;
    /// Size of files.
    pub const FSIZE: usize = 1;
    /// Heap.
    pub const DATA: usize = 2;
    /// Stack.
    pub const STACK: usize = 3;
    /// Core dumps.
    pub const CORE: usize = 4;
    /// Processes.
    pub const NPROC: usize = 6;
    /// Descriptors.
    pub const NOFILE: usize = 7;
    /// Address space.
    pub const AS: usize = 9;
    /// How many there are.
    pub const COUNT: usize = 16;
}

/// No limit.
pub const INFINITY: u64 = u64::MAX;

/// A soft and a hard limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What holds.
    pub soft: u64,
    /// What it can be raised to.
    pub hard: u64,
}

/// The limits that the first process starts with.
#[must_use]
pub fn default_limits(processes: u64) -> [Limit; resource::COUNT] {
    let mut limits = [Limit {
        soft: INFINITY,
        hard: INFINITY,
    }; resource::COUNT];
    limits[resource::STACK].soft = 8 << 20;
    limits[resource::CORE].soft = 0;
    limits[resource::NPROC] = Limit {
        soft: processes,
        hard: processes,
    };
    limits[resource::NOFILE] = Limit {
        soft: 1024,
        hard: 1 << 16,
    };
    limits[8] = Limit {
        soft: 8 << 20,
        hard: 8 << 20,
    };
    limits[11] = Limit {
        soft: 4096,
        hard: 4096,
    };
    limits[12] = Limit {
        soft: 819_200,
        hard: 819_200,
    };
    limits[13] = Limit { soft: 0, hard: 0 };
    limits[14] = Limit { soft: 0, hard: 0 };
    limits
}

/// User and group ids: labels, that give no authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Real, effective, saved and file-system user.
    pub users: [u32; 4],
    /// Real, effective, saved and file-system group.
    pub groups: [u32; 4],
    /// More groups, which forked children share.
    pub more: Rc<Vec<u32>>,
}

impl Labels {
    /// As the files want them.
    #[must_use]
    pub fn creds(&self) -> Creds<'_> {
        Creds {
            uid: self.users[3],
            gid: self.groups[3],
            real_uid: self.users[0],
            real_gid: self.groups[0],
            groups: &self.more,
            overrides: self.users[1] == 0,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By exit with this status.
    Exited(u8),
    /// By a signal. (Memory is never dumped, so the flag for that is never set.)
    Killed {
        /// The signal.
        signal: u32,
    },
}

impl End {
    /// The status word of wait.
    #[must_use]
    pub fn status(self) -> i32 {
        match self {
            Self::Exited(status) => i32::from(status) << 8,
            Self::Killed { signal } => signal as i32,
        }
    }

    /// SIGCHLD's code and status.
    #[must_use]
    pub fn code(self) -> (i32, i32) {
        match self {
            Self::Exited(status) => (1, i32::from(status)),
            Self::Killed { signal } => (2, signal as i32),
        }
    }
}

/// A timer that sends a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalTimer {
    /// Its entry among the timers, if it runs.
    pub entry: Option<(u64, u64)>,
    /// Nanoseconds from one expiry to the next; zero for one expiry.
    pub interval: u64,
    /// Missed expiries.
    pub overrun: i32,
    /// The signal, or zero for none.
    pub signal: u32,
    /// The thread to send it to (SIGEV_THREAD_ID), else the process.
    pub thread: i32,
    /// The value that the signal carries.
    pub value: u64,
    /// Its clock measures the calendar.
    pub calendar: bool,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Its Linux id.
    pub pid: i32,
    /// Its parent; none for the first.
    pub parent: Option<ProcessId>,
    /// Its children, zombies too.
    pub children: Vec<ProcessId>,
    /// Its threads that live.
    pub threads: Vec<TaskId>,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// How it ended, from the first moment on.
    pub end: Option<End>,
    /// All threads are gone and the parent was told.
    pub zombie: bool,
    /// The signal that stopped it.
    pub stopped: Option<u32>,
    /// A stop that the parent has not waited for.
    pub report_stop: bool,
    /// A continuation that the parent has not waited for.
    pub report_continue: bool,
    /// It has run a program since it was forked.
    pub executed: bool,
    /// Signals sent to it as a whole.
    pub pending: Pending,
    /// The signal to the parent at its end.
    pub exit_signal: u32,
    /// Its labels.
    pub labels: Labels,
    /// Its limits.
    pub limits: [Limit; resource::COUNT],
    /// The program it runs; the process holds a reference.
    pub program: Option<FileId>,
    /// The name of its last thread, padded with zeros.
    pub last_name: [u8; 16],
    /// When it started, in machine time.
    pub started: u64,
    /// Nanoseconds that its ended threads ran.
    pub ended_time: u64,
    /// Nanoseconds that its waited-for children ran.
    pub children_time: u64,
    /// setitimer's real timer.
    pub alarm: IntervalTimer,
    /// setitimer's timers of used time: expiry in the process' own nanoseconds (0: off) and interval.
    pub used_timers: [(u64, u64); 2],
    /// timer_create's timers.
    pub timers: BTreeMap<i32, IntervalTimer>,
    /// PR_SET_NO_NEW_PRIVS.
    pub no_new_privileges: bool,
    /// PR_SET_DUMPABLE.
    pub dumpable: u32,
    /// Orphans of this process' tree come to it.
    pub subreaper: bool,
    /// Its nice value.
    pub nice: i32,
    /// /proc/PID/oom_score_adj.
    pub oom_adjust: i32,
}
