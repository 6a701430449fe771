//! The names of /proc: tables, look-up and listing.

use super::node::{ProcNode, SysFolder};
use crate::context::Context;
use crate::process_info::{ProcessFile, SystemFile};
use crate::vfs::Vfs;
use alloc::format;
use alloc::vec::Vec;

/// Names at the top.
const TOP: [(&[u8], ProcNode); 13] = [
    (b"cmdline", ProcNode::System(SystemFile::Cmdline)),
    (b"cpuinfo", ProcNode::System(SystemFile::Cpuinfo)),
    (b"filesystems", ProcNode::Filesystems),
    (b"loadavg", ProcNode::System(SystemFile::Loadavg)),
    (b"meminfo", ProcNode::System(SystemFile::Meminfo)),
    (b"mounts", ProcNode::MountsLink),
    (b"self", ProcNode::SelfLink),
    (b"stat", ProcNode::System(SystemFile::Stat)),
    (b"swaps", ProcNode::System(SystemFile::Swaps)),
    (b"sys", ProcNode::Sys(SYS)),
    (b"thread-self", ProcNode::ThreadSelf),
    (b"uptime", ProcNode::System(SystemFile::Uptime)),
    (b"version", ProcNode::System(SystemFile::Version)),
];

const SYS: SysFolder = 0;
const KERNEL: SysFolder = 1;
const RANDOM: SysFolder = 2;
const VM: SysFolder = 3;
const FS: SysFolder = 4;
const NET: SysFolder = 5;
const CORE: SysFolder = 6;

/// Everything below `sys`: (folder, name, node).
const BELOW_SYS: [(SysFolder, &[u8], ProcNode); 20] = [
    (SYS, b"fs", ProcNode::Sys(FS)),
    (SYS, b"kernel", ProcNode::Sys(KERNEL)),
    (SYS, b"net", ProcNode::Sys(NET)),
    (SYS, b"vm", ProcNode::Sys(VM)),
    (
        KERNEL,
        b"cap_last_cap",
        ProcNode::System(SystemFile::CapLastCap),
    ),
    (KERNEL, b"hostname", ProcNode::System(SystemFile::Hostname)),
    (
        KERNEL,
        b"ngroups_max",
        ProcNode::System(SystemFile::NgroupsMax),
    ),
    (
        KERNEL,
        b"osrelease",
        ProcNode::System(SystemFile::Osrelease),
    ),
    (KERNEL, b"ostype", ProcNode::System(SystemFile::Ostype)),
    (KERNEL, b"pid_max", ProcNode::System(SystemFile::PidMax)),
    (KERNEL, b"random", ProcNode::Sys(RANDOM)),
    (
        KERNEL,
        b"threads-max",
        ProcNode::System(SystemFile::ThreadsMax),
    ),
    (
        KERNEL,
        b"version",
        ProcNode::System(SystemFile::KernelVersion),
    ),
    (RANDOM, b"boot_id", ProcNode::System(SystemFile::BootId)),
    (RANDOM, b"uuid", ProcNode::System(SystemFile::Uuid)),
    (
        VM,
        b"overcommit_memory",
        ProcNode::System(SystemFile::OvercommitMemory),
    ),
    (FS, b"file-max", ProcNode::System(SystemFile::FileMax)),
    (
        FS,
        b"pipe-max-size",
        ProcNode::System(SystemFile::PipeMaxSize),
    ),
    (NET, b"core", ProcNode::Sys(CORE)),
    (CORE, b"somaxconn", ProcNode::System(SystemFile::Somaxconn)),
];

/// Names in a process' folder.
fn of_process(pid: u32) -> [(&'static [u8], ProcNode); 18] {
    let text = |file| ProcNode::Text(pid, file);
    [
        (b"auxv", text(ProcessFile::Auxv)),
        (b"cgroup", text(ProcessFile::Cgroup)),
        (b"cmdline", text(ProcessFile::Cmdline)),
        (b"comm", text(ProcessFile::Comm)),
        (b"cwd", ProcNode::Cwd(pid)),
        (b"environ", text(ProcessFile::Environ)),
        (b"exe", ProcNode::Exe(pid)),
        (b"fd", ProcNode::Fds(pid)),
        (b"limits", text(ProcessFile::Limits)),
        (b"maps", text(ProcessFile::Maps)),
        (b"mountinfo", ProcNode::Mountinfo(pid)),
        (b"mounts", ProcNode::Mounts(pid)),
        (b"oom_score_adj", text(ProcessFile::OomScoreAdj)),
        (b"root", ProcNode::RootLink(pid)),
        (b"stat", text(ProcessFile::Stat)),
        (b"statm", text(ProcessFile::Statm)),
        (b"status", text(ProcessFile::Status)),
        (b"task", ProcNode::Tasks(pid)),
    ]
}

/// A number as Linux writes it: no sign, no leading zero.
fn number(name: &[u8]) -> Option<u32> {
    let canonical = name == b"0" || name.first() != Some(&b'0');
    let digits = !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    if canonical && digits {
        core::str::from_utf8(name).ok()?.parse().ok()
    } else {
        None
    }
}

impl Vfs {
    /// The child of a folder of /proc.
    pub(crate) fn proc_child(
        &self,
        cx: &Context<'_>,
        node: ProcNode,
        name: &[u8],
    ) -> Option<ProcNode> {
        match node {
            ProcNode::Root => match TOP.iter().find(|(known, _)| *known == name) {
                Some((_, node)) => Some(*node),
                None => number(name)
                    .filter(|&pid| cx.info.process(pid).is_some())
                    .map(ProcNode::Process),
            },
            ProcNode::Sys(folder) => {
                let found = BELOW_SYS
                    .iter()
                    .find(|(inside, known, _)| *inside == folder && *known == name);
                found.map(|(_, _, node)| *node)
            }
            ProcNode::Process(pid) => {
                cx.info.process(pid)?;
                of_process(pid)
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, node)| *node)
            }
            ProcNode::Tasks(pid) => number(name)
                .filter(|tid| cx.info.tasks(pid).contains(tid))
                .map(ProcNode::Process),
            ProcNode::Fds(pid) => {
                let fd = number(name)?;
                let fds = cx.info.process(pid)?.fds?;
                self.table(fds).ok()?.get(i32::try_from(fd).ok()?)?;
                Some(ProcNode::Fd(pid, fd))
            }
            _ => None,
        }
    }

    /// All children of a folder of /proc.
    pub(crate) fn proc_list(&self, cx: &Context<'_>, node: ProcNode) -> Vec<(ProcNode, Vec<u8>)> {
        let by_number = |number: u32, node| (node, format!("{number}").into_bytes());
        match node {
            ProcNode::Root => {
                let names = TOP.iter().map(|(name, node)| (*node, name.to_vec()));
                let processes = cx
                    .info
                    .pids()
                    .into_iter()
                    .map(|pid| by_number(pid, ProcNode::Process(pid)));
                names.chain(processes).collect()
            }
            ProcNode::Sys(folder) => {
                let inside = BELOW_SYS.iter().filter(|(inside, _, _)| *inside == folder);
                inside
                    .map(|(_, name, node)| (*node, name.to_vec()))
                    .collect()
            }
            ProcNode::Process(pid) => of_process(pid)
                .iter()
                .map(|(name, node)| (*node, name.to_vec()))
                .collect(),
            ProcNode::Tasks(pid) => cx
                .info
                .tasks(pid)
                .into_iter()
                .map(|tid| by_number(tid, ProcNode::Process(tid)))
                .collect(),
            ProcNode::Fds(pid) => {
                let table = cx
                    .info
                    .process(pid)
                    .and_then(|view| view.fds)
                    .and_then(|fds| self.table(fds).ok());
                let fds = table.into_iter().flat_map(|table| table.iter());
                fds.map(|(fd, _)| by_number(fd as u32, ProcNode::Fd(pid, fd as u32)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}
