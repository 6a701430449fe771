//! Questions about all processes: ids, groups, orphans, and the context that calls to the files carry.
use crate::kernel::{Settings, World};
use crate::process::{IntervalTimer, Labels, Process, default_limits, resource};
use crate::signal::{Pending, SIGCHLD, SIGTTIN, SIGTTOU};
use crate::task::{ProcessId, TaskId};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_linux_vfs::{Context, Job};

/// Process ids are below this.
pub const PID_MAX: i32 = 4_194_304;

impl World {
    /// Makes the process with id 1, that has no threads and to which orphans come.
    pub(crate) fn make_init(&mut self, settings: &Settings) {
        self.last_id = 1;
        let mut process = new_process(1, None, &settings.labels, settings.max_tasks as u64);
        process.subreaper = true;
        let id = ProcessId(self.processes.insert(process));
        self.pids.insert(1, id);
        self.init = Some(id);
    }

    /// Takes the memory for the records of so many tasks at once. A table that grew would ask for twice its length in one piece, when
    /// there is least of it.
    pub(crate) fn reserve(&mut self, tasks: usize) {
        self.tasks.reserve(tasks);
        self.processes.reserve(tasks + 1);
        self.spaces.reserve(tasks);
        self.actions.reserve(tasks);
    }

    /// An id that neither a process nor a thread, group or session has.
    pub(crate) fn new_id(&mut self) -> i32 {
        loop {
            self.last_id = if self.last_id + 1 >= PID_MAX {
                300
            } else {
                self.last_id + 1
            };
            let id = self.last_id;
            let taken = self.tids.contains_key(&id)
                || self.pids.contains_key(&id)
                || self
                    .processes
                    .iter()
                    .any(|(_, process)| process.group == id || process.session == id);
            if !taken {
                return id;
            }
        }
    }

    /// The processes of a group. One that ended and was not waited for belongs to it still: a shell's second child of a pipe may join
    /// the group of the first after that has ended.
    pub fn group_members(&self, group: i32) -> impl Iterator<Item = ProcessId> {
        self.processes
            .iter()
            .filter(move |(_, process)| process.group == group)
            .map(|(id, _)| ProcessId(id))
    }

    fn anchors(&self, process: &Process) -> bool {
        process
            .parent
            .and_then(|parent| self.processes.get(parent.0))
            .is_some_and(|parent| {
                parent.session == process.session && parent.group != process.group && !parent.zombie
            })
    }

    /// Whether no member of a process' group has a parent outside the group but in the session.
    pub(crate) fn is_orphaned(&self, process: ProcessId) -> bool {
        let Some(process) = self.processes.get(process.0) else {
            return true;
        };
        if self.anchors(process) {
            return false;
        }
        !self
            .processes
            .iter()
            .any(|(_, other)| other.group == process.group && !other.zombie && self.anchors(other))
    }

    /// The context of a task's calls to the files.
    pub(crate) fn context(&self, task: TaskId, timed_out: bool) -> Option<Context<'_>> {
        let state = self.tasks.get(task.0)?;
        let process = self.processes.get(state.process.0)?;
        let actions = &self.actions.get(state.actions.0)?.value;
        let deaf = |signal: u32| {
            state.mask.has(signal) || actions.get(signal).handler == crate::signal::SIG_IGN
        };
        Some(Context {
            fs: state.fs,
            fds: state.fds,
            creds: process.labels.creds(),
            job: Job {
                pid: process.pid as u32,
                group: process.group as u32,
                session: process.session as u32,
                no_ttin: deaf(SIGTTIN),
                no_ttou: deaf(SIGTTOU),
            },
            max_files: process.limits[resource::NOFILE].soft.min(1 << 20) as u32,
            max_file_size: process.limits[resource::FSIZE].soft,
            timed_out,
            info: self,
        })
    }
}

/// A process as it is before it has threads.
pub(crate) fn new_process(
    pid: i32,
    parent: Option<ProcessId>,
    labels: &Labels,
    max_processes: u64,
) -> Process {
    Process {
        pid,
        parent,
        children: Vec::new(),
        threads: Vec::new(),
        group: pid,
        session: pid,
        end: None,
        zombie: false,
        stopped: None,
        report_stop: false,
        report_continue: false,
        executed: false,
        pending: Pending::default(),
        exit_signal: SIGCHLD,
        labels: labels.clone(),
        limits: default_limits(max_processes),
        program: None,
        last_name: [0; 16],
        started: 0,
        ended_time: 0,
        children_time: 0,
        alarm: IntervalTimer::default(),
        used_timers: [(0, 0); 2],
        timers: BTreeMap::new(),
        no_new_privileges: false,
        dumpable: 1,
        subreaper: false,
        nice: 0,
        oom_adjust: 0,
    }
}
