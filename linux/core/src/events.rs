//! What happens at the files' side and concerns tasks: wakes, signals, files that were cut off, terminal output.
use crate::kernel::{Kernel, VfsPages};
use crate::memory::Environment;
use crate::signal::SignalInformation;
use crate::task::{ProcessId, TaskId, WaitKey};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use sundog_linux_vfs::{Event, FileId, FileIdentity, Target};

impl Kernel {
    /// Acts on everything that happened at the files since the last call. `caller` is the task whose call it was.
    #[inline]
    pub fn drain_events(&mut self, caller: Option<TaskId>) {
        while let Some(event) = self.vfs.next_event() {
            self.act_on(event, caller);
        }
    }

    fn act_on(&mut self, event: Event, caller: Option<TaskId>) {
        match event {
            Event::Wake(queue) => self.wake_all(WaitKey::File(queue)),
            Event::Signal { to, signal } => self.signal_from_files(caller, to, signal),
            Event::Truncated { file, first } => self.cut_mappings(file, first),
            Event::ConsoleOutput => self.console_ready = true,
        }
    }

    fn signal_from_files(&mut self, caller: Option<TaskId>, to: Target, signal: u32) {
        let information = SignalInformation::kernel(signal);
        match to {
            Target::Caller => {
                if let Some(task) = caller {
                    self.signal_task(task, information);
                }
            }
            Target::Process(pid) => {
                if let Some(process) = self.world.pids.get(&(pid as i32)).copied() {
                    self.signal_process(process, information);
                }
            }
            Target::Group(group) => {
                let members: Vec<ProcessId> = self.world.group_members(group as i32).collect();
                for member in members {
                    self.signal_process(member, information);
                }
            }
        }
    }

    /// Takes pages that a file lost out of all address spaces.
    fn cut_mappings(&mut self, file: FileIdentity, first: u64) {
        let Self {
            machine,
            memory,
            vfs,
            world,
            ..
        } = self;
        let same: BTreeSet<FileId> = world
            .mapped_names
            .iter()
            .filter(|(_, (_, identity))| *identity == file)
            .map(|(id, _)| FileId(*id))
            .collect();
        if same.is_empty() {
            return;
        }
        let ids: Vec<u32> = world.spaces.iter().map(|(id, _)| id).collect();
        let mut files = VfsPages(vfs);
        let mut environment = Environment {
            memory,
            machine: machine.as_mut(),
            files: &mut files,
        };
        for id in ids {
            if let Some(shared) = world.spaces.get_mut(id) {
                shared
                    .value
                    .cut_file(&mut environment, &|id| same.contains(&id), first);
            }
        }
    }
}
