//! The end of tasks and processes: what they hold is let go, parents are told, orphans find a new parent.
use crate::kernel::Kernel;
use crate::process::End;
use crate::signal::flags::{SA_NOCLDSTOP, SA_NOCLDWAIT};
use crate::signal::{Cause, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP, SignalInformation};
use crate::task::{ProcessId, TaskId, WaitKey};

impl Kernel {
    /// Ends a process with all its threads, unless it is ending already.
    pub fn end_process(&mut self, process: ProcessId, end: End) {
        let Ok(target) = self.process(process) else {
            return;
        };
        if target.zombie {
            return;
        }
        let end = *target.end.get_or_insert(end);
        let threads = target.threads.clone();
        for task in threads {
            self.exit_task(task, end);
        }
    }

    /// Ends one task; the last one of a process ends the process.
    pub fn exit_task(&mut self, task: TaskId, end: End) {
        self.unpark(task);
        if self.natives.remove(task)
            && let Ok(pid) = self.process_of(task).map(|process| process.pid)
        {
            self.vfs.end_loans(pid.cast_unsigned());
            self.machine.end_native(pid);
        }
        self.release_memory(task);
        // So that its time is complete.
        self.now();
        let Some(state) = self.world.tasks.remove(task.0) else {
            return;
        };
        self.world.tids.remove(&state.tid);
        self.machine.destroy_vcpu(state.vcpu);
        self.release_actions(state.actions.0);
        let process = state.process;
        let last = match self.process(process) {
            Ok(owner) => {
                owner.threads.retain(|other| *other != task);
                owner.ended_time += state.run_time;
                owner.last_name = state.name;
                owner.threads.is_empty()
            }
            Err(_) => false,
        };
        let pid = self.process(process).map_or(0, |owner| owner.pid);
        self.vfs.release_fds(state.fds, pid as u32);
        self.vfs.release_fs(state.fs);
        if last {
            self.finish_process(process, end);
        }
    }

    /// Drops one use of signal actions.
    pub(crate) fn release_actions(&mut self, actions: u32) {
        if let Some(shared) = self.world.actions.get_mut(actions) {
            shared.users -= 1;
            if shared.users == 0 {
                self.world.actions.remove(actions);
            }
        }
    }

    /// What a task does when it lets go of its memory, at its end and at execve: it clears its thread id word, wakes who
    /// waits for that or for the memory, and drops its use of the address space.
    pub(crate) fn release_memory(&mut self, task: TaskId) {
        let Ok(state) = self.task(task) else { return };
        let clear = core::mem::take(&mut state.clear_tid);
        let robust = core::mem::take(&mut state.robust_list);
        let (tid, space) = (state.tid, state.space);
        let vfork_parent = state.vfork_parent.take();
        let shared = self
            .world
            .spaces
            .get(space.0)
            .is_some_and(|shared| shared.users > 1);
        if robust != 0 {
            crate::calls::futex::release_robust(self, task, robust, tid);
        }
        if clear != 0 && shared && self.write_user(task, clear, &[0; 4]).is_ok() {
            crate::calls::futex::wake_word(self, task, clear, 1);
        }
        if vfork_parent.is_some() {
            self.wake_all(WaitKey::Vfork(task));
        }
        self.release_space(space.0);
    }

    /// Drops one use of an address space.
    pub(crate) fn release_space(&mut self, space: u32) {
        let Some(shared) = self.world.spaces.get_mut(space) else {
            return;
        };
        shared.users -= 1;
        if shared.users > 0 {
            return;
        }
        // The number is given back only after the contents are gone, so that it still names them here.
        let _ = self.with_space_id(crate::task::AddressSpaceId(space), |space, environment| {
            space.destroy(environment);
            Ok(())
        });
        self.world.spaces.remove(space);
    }

    /// All threads are gone: timers stop, children get a new parent, the parent is told.
    fn finish_process(&mut self, process: ProcessId, end: End) {
        let Ok(state) = self.process(process) else {
            return;
        };
        state.end.get_or_insert(end);
        let end = state.end.unwrap_or(end);
        let (pid, program, children) = (
            state.pid,
            state.program.take(),
            core::mem::take(&mut state.children),
        );
        let (session, group) = (state.session, state.group);
        let mut entries: alloc::vec::Vec<(u64, u64)> = state
            .timers
            .values()
            .filter_map(|timer| timer.entry)
            .collect();
        entries.extend(state.alarm.entry.take());
        state.timers.clear();
        for entry in entries {
            self.timers.remove(&entry);
        }
        if let Some(program) = program {
            self.vfs.release_file(program);
        }
        self.vfs.cancel_waits(pid as u32);
        self.give_away(process, children);
        if session == pid {
            self.vfs.session_ended(pid as u32);
        }
        if let Ok(state) = self.process(process) {
            state.zombie = true;
            state.stopped = None;
        }
        if self.first == Some(pid) {
            self.finished = Some(end);
        }
        self.check_orphaned(process, group);
        let signal = self
            .process(process)
            .map_or(SIGCHLD, |state| state.exit_signal);
        if self.reaps_itself(process, signal) {
            self.tell_parent_of_end(process, end);
            self.reap(process);
        } else {
            self.tell_parent_of_end(process, end);
        }
    }

    /// Whether nobody will wait for a process: its parent ignores its children's end or is `init`.
    fn reaps_itself(&mut self, process: ProcessId, signal: u32) -> bool {
        let Some(parent) = self.process(process).ok().and_then(|state| state.parent) else {
            return true;
        };
        if Some(parent) == self.world.init {
            return true;
        }
        let Some(task) = self
            .process(parent)
            .ok()
            .and_then(|state| state.threads.first().copied())
        else {
            return true;
        };
        let Ok(actions) = self.actions_of(task) else {
            return true;
        };
        let action = actions.get(SIGCHLD);
        signal == SIGCHLD && (action.handler == SIG_IGN || action.flags & SA_NOCLDWAIT != 0)
    }

    /// Gives children to the nearest subreaper above, or to `init`.
    fn give_away(&mut self, process: ProcessId, children: alloc::vec::Vec<ProcessId>) {
        if children.is_empty() {
            return;
        }
        let mut heir = self.process(process).ok().and_then(|state| state.parent);
        while let Some(candidate) = heir {
            match self.process(candidate) {
                Ok(state) if state.subreaper && state.end.is_none() => break,
                Ok(state) => heir = state.parent,
                Err(_) => heir = None,
            }
        }
        let Some(heir) = heir.or(self.world.init) else {
            return;
        };
        for child in children {
            let Ok(state) = self.process(child) else {
                continue;
            };
            state.parent = Some(heir);
            let (zombie, group) = (state.zombie, state.group);
            let threads = state.threads.clone();
            for task in threads {
                let signal = self.task(task).map_or(0, |task| task.parent_death_signal);
                if signal != 0 {
                    self.signal_task(task, SignalInformation::kernel(signal));
                }
            }
            if let Ok(heir) = self.process(heir) {
                heir.children.push(child);
            }
            self.check_orphaned(child, group);
            if zombie && self.reaps_itself(child, SIGCHLD) {
                self.reap(child);
            } else if zombie {
                self.wake_all(WaitKey::Children(heir));
            }
        }
    }

    /// A process group that was just orphaned and has stopped members is told to hang up and to go on.
    fn check_orphaned(&mut self, changed: ProcessId, group: i32) {
        let _ = changed;
        let members: alloc::vec::Vec<ProcessId> = self.world.group_members(group).collect();
        let Some(first) = members.iter().copied().find(|id| {
            self.world
                .processes
                .get(id.0)
                .is_some_and(|process| process.end.is_none())
        }) else {
            return;
        };
        let stopped = members.iter().any(|id| {
            self.world
                .processes
                .get(id.0)
                .is_some_and(|process| process.stopped.is_some())
        });
        if stopped && self.world.is_orphaned(first) {
            for member in members {
                self.signal_process(member, SignalInformation::kernel(SIGHUP));
                self.signal_process(member, SignalInformation::kernel(SIGCONT));
            }
        }
    }

    fn tell_parent_of_end(&mut self, process: ProcessId, end: End) {
        let (code, status) = end.code();
        self.tell_parent(process, code, status);
    }

    /// Sends the parent SIGCHLD (or what the child was cloned with) and wakes its waits.
    pub(crate) fn tell_parent(&mut self, process: ProcessId, code: i32, status: i32) {
        let Ok(state) = self.process(process) else {
            return;
        };
        let Some(parent) = state.parent else { return };
        let signal = if code <= 3 {
            state.exit_signal
        } else {
            SIGCHLD
        };
        let (pid, uid) = (state.pid, state.labels.users[0]);
        let task = self
            .process(parent)
            .ok()
            .and_then(|parent| parent.threads.first().copied());
        let quiet = code >= 5
            && task.is_some_and(|task| {
                self.actions_of(task)
                    .is_ok_and(|actions| actions.get(SIGCHLD).flags & SA_NOCLDSTOP != 0)
            });
        if signal != 0 && !quiet {
            let cause = Cause::Child {
                code,
                pid,
                uid,
                status,
            };
            self.signal_process(parent, SignalInformation { signal, cause });
        }
        self.wake_all(WaitKey::Children(parent));
    }

    /// Removes a zombie.
    pub(crate) fn reap(&mut self, process: ProcessId) {
        let Some(state) = self.world.processes.remove(process.0) else {
            return;
        };
        self.world.pids.remove(&state.pid);
        let time = state.ended_time + state.children_time;
        if let Some(parent) = state.parent
            && let Ok(parent) = self.process(parent)
        {
            parent.children.retain(|child| *child != process);
            parent.children_time += time;
        }
    }
}
