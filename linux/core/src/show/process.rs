//! The files of /proc/PID.
use crate::fallible;
use crate::kernel::World;
use crate::memory::{AddressSpace, Purpose};
use crate::process::{INFINITY, Process};
use crate::signal::SignalSet;
use crate::task::{ProcessId, Task, TaskId, TaskState};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use sundog_linux_vfs::ProcessFile;

/// A clock tick of /proc, in nanoseconds.
const TICK: u64 = 10_000_000;

struct View<'a> {
    world: &'a World,
    process: &'a Process,
    task: Option<&'a Task>,
    space: Option<&'a AddressSpace>,
}

/// The text of a file; `None` for a process that is gone.
pub(super) fn text(
    world: &World,
    id: ProcessId,
    task: Option<TaskId>,
    file: ProcessFile,
) -> Option<Vec<u8>> {
    let process = world.processes.get(id.0)?;
    let task = task.and_then(|task| world.tasks.get(task.0));
    let space = task
        .and_then(|task| world.spaces.get(task.space.0))
        .map(|shared| &shared.value);
    let view = View {
        world,
        process,
        task,
        space,
    };
    Some(match file {
        ProcessFile::Stat => view.stat().into_bytes(),
        ProcessFile::Statm => view.statm().into_bytes(),
        ProcessFile::Status => view.status().into_bytes(),
        ProcessFile::Cmdline => view.memory(|space| space.arguments),
        ProcessFile::Environ => view.memory(|space| space.environment),
        ProcessFile::Comm => [view.name().as_bytes(), b"\n"].concat(),
        ProcessFile::Maps => view.maps().into_bytes(),
        ProcessFile::Limits => view.limits().into_bytes(),
        ProcessFile::Auxv => space
            .map(|space| space.auxiliary.clone())
            .unwrap_or_default(),
        ProcessFile::Cgroup => b"0::/\n".to_vec(),
        ProcessFile::OomScoreAdj => format!("{}\n", process.oom_adjust).into_bytes(),
    })
}

impl View<'_> {
    fn name(&self) -> String {
        let name = match self.task {
            Some(task) => task.name.as_slice(),
            None if self.process.pid == 1 => b"init",
            None => self.process.last_name.as_slice(),
        };
        let end = name
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(name.len());
        String::from_utf8_lossy(&name[..end]).into_owned()
    }

    fn state(&self) -> (char, &'static str) {
        if self.process.zombie {
            return ('Z', "zombie");
        }
        if self.process.stopped.is_some() {
            return ('T', "stopped");
        }
        match self.task.map(|task| task.state) {
            Some(TaskState::Ready) => ('R', "running"),
            Some(TaskState::Parked {
                interruptible: false,
            }) => ('D', "disk sleep"),
            _ => ('S', "sleeping"),
        }
    }

    fn parent(&self) -> i32 {
        let parent = self
            .process
            .parent
            .and_then(|parent| self.world.processes.get(parent.0));
        parent.map_or(0, |parent| parent.pid)
    }

    fn time(&self) -> u64 {
        let living = self
            .process
            .threads
            .iter()
            .filter_map(|task| self.world.tasks.get(task.0));
        (self.process.ended_time + living.map(|task| task.run_time).sum::<u64>()) / TICK
    }

    fn pages(&self) -> (usize, usize) {
        self.space
            .map_or((0, 0), |space| (space.total_pages(), space.resident))
    }

    /// Ignored and caught signals.
    fn actions(&self) -> (u64, u64) {
        let Some(shared) = self
            .task
            .and_then(|task| self.world.actions.get(task.actions.0))
        else {
            return (0, 0);
        };
        let mut sets = (0, 0);
        for signal in 1..=64 {
            match shared.value.get(signal).handler {
                0 => {}
                1 => sets.0 |= SignalSet::of(signal).0,
                _ => sets.1 |= SignalSet::of(signal).0,
            }
        }
        sets
    }

    fn stat(&self) -> String {
        let process = self.process;
        let (total, resident) = self.pages();
        let (ignored, caught) = self.actions();
        let (pending, mask) = self
            .task
            .map_or((0, 0), |task| (task.pending.set().0, task.mask.0));
        let pid = self.task.map_or(process.pid, |task| task.tid);
        let (terminal, foreground) = self
            .world
            .terminals
            .get(&process.session)
            .copied()
            .unwrap_or((0, -1));
        format!(
            "{pid} ({}) {} {} {} {} {} {} 0 0 0 0 0 {} 0 {} 0 {} {} {} 0 {} {} {resident} {} 0 0 {} 0 0 {} {} {} {} 0 0 0 {} 0 0 0 0 0 0 0 0 0 0 0 0 {}\n",
            self.name(),
            self.state().0,
            self.parent(),
            process.group,
            process.session,
            terminal,
            foreground,
            self.time(),
            process.children_time / TICK,
            20 + process.nice,
            process.nice,
            process.threads.len().max(1),
            process.started / TICK,
            total as u64 * 4096,
            INFINITY,
            self.space.map_or(0, |space| space.stack_start),
            pending as u32,
            mask as u32,
            ignored as u32,
            caught as u32,
            process.exit_signal,
            process.end.map_or(0, |end| end.status()),
        )
    }

    fn statm(&self) -> String {
        let (total, resident) = self.pages();
        format!("{total} {resident} 0 0 0 {resident} 0\n")
    }

    fn status(&self) -> String {
        let process = self.process;
        let (total, resident) = self.pages();
        let (ignored, caught) = self.actions();
        let (letter, word) = self.state();
        let (pending, mask) = self
            .task
            .map_or((0, 0), |task| (task.pending.set().0, task.mask.0));
        let pid = self.task.map_or(process.pid, |task| task.tid);
        let labels = &process.labels;
        let four = |ids: [u32; 4]| format!("{}\t{}\t{}\t{}", ids[0], ids[1], ids[2], ids[3]);
        let capabilities: u64 = if labels.users[1] == 0 {
            0x1ff_ffff_ffff
        } else {
            0
        };
        let mut text = format!(
            "Name:\t{}\nUmask:\t0022\nState:\t{letter} ({word})\nTgid:\t{}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{}\nTracerPid:\t0\n",
            self.name(),
            process.pid,
            self.parent(),
        );
        let _ = write!(
            text,
            "Uid:\t{}\nGid:\t{}\nFDSize:\t64\nGroups:\t",
            four(labels.users),
            four(labels.groups),
        );
        // As many as there is memory for.
        if text.try_reserve(labels.more.len() * 11 + 1024).is_ok() {
            for group in labels.more.iter() {
                let _ = write!(text, "{group} ");
            }
        }
        text.push('\n');
        if self.space.is_some() {
            let _ = write!(
                text,
                "VmPeak:\t{0:8} kB\nVmSize:\t{0:8} kB\nVmHWM:\t{1:8} kB\nVmRSS:\t{1:8} kB\n",
                total * 4,
                resident * 4
            );
        }
        let _ = write!(
            text,
            "Threads:\t{}\nSigQ:\t0/4096\nSigPnd:\t{pending:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{mask:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n",
            process.threads.len().max(1),
            process.pending.set().0,
        );
        let _ = write!(
            text,
            "CapInh:\t0000000000000000\nCapPrm:\t{0:016x}\nCapEff:\t{0:016x}\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t{1}\nSeccomp:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n",
            capabilities,
            u8::from(process.no_new_privileges),
        );
        text
    }

    fn memory(&self, range: impl FnOnce(&AddressSpace) -> (u64, u64)) -> Vec<u8> {
        let (Some(space), Some(memory)) = (self.space, self.world.memory.as_deref()) else {
            return Vec::new();
        };
        let (start, end) = range(space);
        // As much as there is memory for.
        let length = end.saturating_sub(start).min(1 << 20) as usize;
        let mut bytes = fallible::zeroed(length).unwrap_or_default();
        space.peek(memory, start, &mut bytes);
        bytes
    }

    fn maps(&self) -> String {
        let mut text = String::new();
        for area in self.space.into_iter().flat_map(AddressSpace::areas) {
            // As much as there is memory for: a line is short but for its path.
            if text.try_reserve(8192).is_err() {
                break;
            }
            let flag = |set: bool, letter: char| if set { letter } else { '-' };
            let name = match (area.purpose, area.backing) {
                (Purpose::Heap, _) => "[heap]".into(),
                (Purpose::Stack, _) => "[stack]".into(),
                (Purpose::Mapping, Some(range)) => self
                    .world
                    .mapped_names
                    .get(&range.file.0)
                    .map_or_else(String::new, |(name, _)| {
                        String::from_utf8_lossy(name).into_owned()
                    }),
                (Purpose::Mapping, None) => String::new(),
            };
            let inode = area
                .backing
                .and_then(|range| self.world.mapped_names.get(&range.file.0));
            let (device, inode) =
                inode.map_or((0, 0), |(_, identity)| (identity.device, identity.inode));
            let _ = writeln!(
                text,
                "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {inode:<26} {name}",
                area.start,
                area.end,
                flag(area.access.read, 'r'),
                flag(area.access.write, 'w'),
                flag(area.access.execute, 'x'),
                if area.shared { 's' } else { 'p' },
                area.backing.map_or(0, |range| range.offset),
                device >> 8 & 0xfff,
                device & 0xff,
            );
        }
        text
    }

    fn limits(&self) -> String {
        const NAMES: [(&str, &str); 16] = [
            ("Max cpu time", "seconds"),
            ("Max file size", "bytes"),
            ("Max data size", "bytes"),
            ("Max stack size", "bytes"),
            ("Max core file size", "bytes"),
            ("Max resident set", "bytes"),
            ("Max processes", "processes"),
            ("Max open files", "files"),
            ("Max locked memory", "bytes"),
            ("Max address space", "bytes"),
            ("Max file locks", "locks"),
            ("Max pending signals", "signals"),
            ("Max msgqueue size", "bytes"),
            ("Max nice priority", ""),
            ("Max realtime priority", ""),
            ("Max realtime timeout", "us"),
        ];
        let mut text = format!(
            "{:<25} {:<20} {:<20} {:<10}\n",
            "Limit", "Soft Limit", "Hard Limit", "Units"
        );
        for (limit, (name, unit)) in self.process.limits.iter().zip(NAMES) {
            let shown = |value: u64| {
                if value == INFINITY {
                    "unlimited".into()
                } else {
                    format!("{value}")
                }
            };
            let _ = writeln!(
                text,
                "{name:<25} {:<20} {:<20} {unit:<10}",
                shown(limit.soft),
                shown(limit.hard)
            );
        }
        text
    }
}
