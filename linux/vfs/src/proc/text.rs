//! The texts of /proc that the file side makes itself: mounts, mountinfo, filesystems.

use super::ProcNode;
use crate::context::Context;
use crate::errno::Errno;
use crate::mounts::{Mount, MountFlags, MountId, Place};
use crate::vfs::Vfs;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sundog_protocols::file::{device_major, device_minor};

const FILESYSTEMS: &[u8] =
    b"nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\trootfs\nnodev\t9p\n";

/// Escapes what would break a line into words, as Linux does.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => {
                out.extend_from_slice(format!("\\{byte:03o}").as_bytes())
            }
            _ => out.push(byte),
        }
    }
    out
}

fn options(flags: MountFlags) -> String {
    let mut words = String::from(if flags.read_only { "ro" } else { "rw" });
    for (set, word) in [
        (flags.no_suid, ",nosuid"),
        (!flags.devices, ",nodev"),
        (flags.no_exec, ",noexec"),
    ] {
        if set {
            words.push_str(word);
        }
    }
    words.push_str(",relatime");
    words
}

impl Vfs {
    pub(crate) fn proc_text(&mut self, cx: &Context<'_>, node: ProcNode) -> Result<Vec<u8>, Errno> {
        match node {
            ProcNode::Filesystems => Ok(FILESYSTEMS.to_vec()),
            ProcNode::System(file) => Ok(cx.info.system_text(file)),
            ProcNode::Text(pid, file) => cx.info.process_text(pid, file).ok_or(Errno::ESRCH),
            ProcNode::Mounts(pid) => self.mount_lines(cx, pid, |vfs, id, mount, path| {
                vfs.mounts_line(id, mount, path)
            }),
            ProcNode::Mountinfo(pid) => self.mount_lines(cx, pid, |vfs, id, mount, path| {
                vfs.mountinfo_line(id, mount, path)
            }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// How paths map for a process: a line for each mount that it can reach, as in /proc/PID/mounts, without /proc.
    ///
    /// # Errors
    /// ESRCH if there is no such process, EINVAL if it has ended.
    pub fn names(&mut self, cx: &Context<'_>, pid: u32) -> Result<Vec<u8>, Errno> {
        self.proc_text(cx, ProcNode::Mounts(pid))
    }

    /// One line for each mount that the process can reach, covered ones included.
    fn mount_lines(
        &self,
        cx: &Context<'_>,
        pid: u32,
        line: impl Fn(&Vfs, MountId, &Mount, &[u8]) -> Vec<u8>,
    ) -> Result<Vec<u8>, Errno> {
        let fs = cx
            .info
            .process(pid)
            .ok_or(Errno::ESRCH)?
            .fs
            .ok_or(Errno::EINVAL)?;
        let root = self.working(fs)?.root;
        let mut text = Vec::new();
        for (id, mount) in self.mounts.iter() {
            let path = self.path_below(
                Place {
                    mount: id,
                    dentry: mount.root,
                },
                root,
            );
            if path.starts_with(b"/") {
                text.extend_from_slice(&line(self, id, mount, &escaped(&path)));
            }
        }
        Ok(text)
    }

    fn mounts_line(&self, _: MountId, mount: &Mount, path: &[u8]) -> Vec<u8> {
        let options = options(mount.flags);
        [
            &escaped(&mount.source),
            &b" "[..],
            path,
            b" ",
            &mount.kind,
            b" ",
            options.as_bytes(),
            b" 0 0\n",
        ]
        .concat()
    }

    fn mountinfo_line(&self, id: MountId, mount: &Mount, path: &[u8]) -> Vec<u8> {
        const FIRST: u32 = 20;
        let parent = mount.at.map_or(FIRST - 1, |at| FIRST + at.mount);
        let (major, minor) = (device_major(mount.device), device_minor(mount.device));
        let head = format!("{} {parent} {major}:{minor} ", FIRST + id);
        let options = options(mount.flags);
        let super_options: &[u8] = if mount.flags.read_only { b"ro" } else { b"rw" };
        let root = escaped(&self.path_in_tree(mount.root));
        let words: [&[u8]; 12] = [
            head.as_bytes(),
            &root,
            b" ",
            path,
            b" ",
            options.as_bytes(),
            b" - ",
            &mount.kind,
            b" ",
            &escaped(&mount.source),
            b" ",
            super_options,
        ];
        let mut line = words.concat();
        line.push(b'\n');
        line
    }

    /// The path of an entry from the root of its server's tree.
    fn path_in_tree(&self, dentry: u32) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = self.dentries.get(dentry);
        while let Some(dentry) = at
            && let Some(parent) = dentry.parent
        {
            names.push(&dentry.name);
            at = self.dentries.get(parent);
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }
}
