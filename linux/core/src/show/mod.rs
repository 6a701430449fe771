//! What /proc shows: the texts that the files ask of the personality.
mod process;
mod system;

use crate::kernel::World;
use crate::task::{ProcessId, TaskId};
use alloc::vec::Vec;
use sundog_linux_vfs::{ProcInfo, ProcessFile, ProcessView, SystemFile};

impl World {
    /// The process with this id, or whose thread has it.
    fn shown(&self, id: u32) -> Option<ProcessId> {
        let id = id as i32;
        let thread = || {
            self.tids
                .get(&id)
                .and_then(|task| self.tasks.get(task.0))
                .map(|task| task.process)
        };
        self.pids.get(&id).copied().or_else(thread)
    }

    /// The thread with this id, or the first of that process.
    fn shown_task(&self, id: u32) -> Option<TaskId> {
        let first = || {
            let process = self.pids.get(&(id as i32))?;
            self.processes.get(process.0)?.threads.first().copied()
        };
        self.tids.get(&(id as i32)).copied().or_else(first)
    }
}

impl ProcInfo for World {
    fn pids(&self) -> Vec<u32> {
        self.pids.keys().map(|pid| *pid as u32).collect()
    }

    fn tasks(&self, pid: u32) -> Vec<u32> {
        let Some(process) = self.shown(pid).and_then(|id| self.processes.get(id.0)) else {
            return Vec::new();
        };
        let mut ids: Vec<u32> = process
            .threads
            .iter()
            .filter_map(|task| Some(self.tasks.get(task.0)?.tid as u32))
            .collect();
        if ids.is_empty() {
            ids.push(process.pid as u32);
        }
        ids.sort_unstable();
        ids
    }

    fn is_orphaned(&self, pid: u32) -> bool {
        let process = self.pids.get(&(pid as i32));
        process.is_none_or(|process| World::is_orphaned(self, *process))
    }

    fn process(&self, pid: u32) -> Option<ProcessView> {
        let process = self.processes.get(self.shown(pid)?.0)?;
        let task = self.shown_task(pid).and_then(|task| self.tasks.get(task.0));
        Some(ProcessView {
            uid: process.labels.users[1],
            gid: process.labels.groups[1],
            fs: task.map(|task| task.fs),
            fds: task.map(|task| task.fds),
            exe: process.program,
        })
    }

    fn group_session(&self, group: u32) -> Option<u32> {
        let member = self.group_members(group as i32).next()?;
        self.processes
            .get(member.0)
            .map(|process| process.session as u32)
    }

    fn process_text(&self, pid: u32, file: ProcessFile) -> Option<Vec<u8>> {
        let id = self.shown(pid)?;
        process::text(self, id, self.shown_task(pid), file)
    }

    fn system_text(&self, file: SystemFile) -> Vec<u8> {
        system::text(self, file)
    }
}
