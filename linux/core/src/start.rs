//! The start of a sandbox: its first process, with descriptors that the owner chooses.
use crate::Errno;
use crate::calls::{Stop, exec};
use crate::kernel::{Kernel, Shared};
use crate::load::{Texts, prepare};
use crate::memory::AddressSpace;
use crate::signal::{Actions, AlternateStack, Pending, SignalSet};
use crate::task::{ActionsId, AddressSpaceId, ProcessId, Task, TaskId, TaskState};
use crate::world::new_process;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::AT_FDCWD;
use sundog_linux_vfs::{Context, Vfs};

impl Kernel {
    /// Makes the first process and lets it run a program. `descriptors` gives it its standard streams, in its context.
    ///
    /// # Errors
    /// As execve, or as `descriptors` says.
    pub fn start(
        &mut self,
        path: &[u8],
        texts: Texts,
        folder: &[u8],
        descriptors: impl FnOnce(&mut Vfs, &Context<'_>) -> Result<(), Errno>,
    ) -> Result<i32, Errno> {
        self.start_found(texts, folder, |vfs, context| {
            descriptors(vfs, context)?;
            Ok(path.to_vec())
        })
    }

    /// As [`Kernel::start`]; `descriptors` also finds the program's path.
    ///
    /// # Errors
    /// As execve, or as `descriptors` says.
    pub fn start_found(
        &mut self,
        texts: Texts,
        folder: &[u8],
        descriptors: impl FnOnce(&mut Vfs, &Context<'_>) -> Result<Vec<u8>, Errno>,
    ) -> Result<i32, Errno> {
        let task = self.first_task()?;
        let path = self.with_files(task, |vfs, context| {
            vfs.chdir(context, folder)?;
            descriptors(vfs, context)
        })??;
        let program = match prepare(self, task, AT_FDCWD, &path, 0, texts) {
            Ok(program) => program,
            Err(Stop::Errno(error)) => return Err(error),
            Err(_) => return Err(Errno::EAGAIN),
        };
        exec::become_program(self, task, program)?;
        let pid = self.process_of(task)?.pid;
        self.first = Some(pid);
        self.enqueue(task);
        Ok(pid)
    }

    fn first_task(&mut self) -> Result<TaskId, Errno> {
        let fs = self.vfs.new_fs()?;
        let fds = self.vfs.new_fds()?;
        let vcpu = self.machine.create_vcpu().map_err(|_| Errno::ENOMEM)?;
        let tid = self.world.new_id();
        let init = self.world.init;
        let labels = self.settings.labels.clone();
        let mut process = new_process(tid, init, &labels, self.settings.max_tasks as u64);
        process.started = self.world.now;
        let process = ProcessId(self.world.processes.insert(process));
        self.world.pids.insert(tid, process);
        if let Some(init) = init {
            self.process(init)?.children.push(process);
        }
        let space = AddressSpaceId(
            self.world
                .spaces
                .insert(Shared::new(AddressSpace::default())),
        );
        let actions = ActionsId(self.world.actions.insert(Shared::new(Actions::default())));
        let task = Task {
            tid,
            process,
            vcpu,
            space,
            fs,
            fds,
            actions,
            state: TaskState::Ready,
            queued: false,
            yielded: false,
            call: None,
            mask: SignalSet::default(),
            saved_mask: None,
            pending: Pending::default(),
            stack: AlternateStack::default(),
            clear_tid: 0,
            robust_list: 0,
            name: [0; 16],
            waits: alloc::vec::Vec::new(),
            wait_number: 0,
            timer: None,
            run_time: 0,
            vfork_parent: None,
            parent_death_signal: 0,
        };
        let task = TaskId(self.world.tasks.insert(task));
        self.world.tids.insert(tid, task);
        self.process(process)?.threads.push(task);
        Ok(task)
    }
}
