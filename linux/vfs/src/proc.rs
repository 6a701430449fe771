//! /proc: an allow-list of names, answered from [`crate::ProcInfo`] and the caller's own namespace.

mod list;
mod node;
mod text;

pub use node::ProcNode;

use crate::context::Context;
use crate::errno::Errno;
use crate::process_info::ProcessView;
use crate::resolve::Found;
use crate::vfs::Vfs;
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::{Attr, Kind};

/// Where a link of /proc leads.
pub(crate) enum Lookup {
    /// Along this text.
    Text(Vec<u8>),
    /// Straight to something, whatever its name is.
    Jump(Found),
}

impl Vfs {
    pub(crate) fn proc_attr(&self, cx: &Context<'_>, node: ProcNode) -> Attr {
        let mut attr = Attr::new(node.kind(), node.mode(), node.inode());
        if let Some(view) = node.pid().and_then(|pid| cx.info.process(pid)) {
            (attr.uid, attr.gid) = (view.uid, view.gid);
        }
        if attr.kind == Kind::Symlink {
            attr.size = 64;
        }
        if let ProcNode::Fd(pid, fd) = node {
            attr.mode = self.link_mode(cx, pid, fd).unwrap_or(attr.mode);
        }
        attr
    }

    /// The permission bits of the link to an open file: what it is open for.
    fn link_mode(&self, cx: &Context<'_>, pid: u32, fd: u32) -> Option<u32> {
        let table = self.table(cx.info.process(pid)?.fds?).ok()?;
        let file = table.get(i32::try_from(fd).ok()?)?;
        let file = self.file(file).ok()?;
        let bits = |open, bits| if open { bits } else { 0 };
        Some(bits(file.can_read(), 0o500) | bits(file.can_write(), 0o300))
    }

    /// A process whose insides the caller may follow. `ENOENT`, `EACCES`.
    fn proc_view(&self, cx: &Context<'_>, pid: u32) -> Result<ProcessView, Errno> {
        let view = cx.info.process(pid).ok_or(Errno::ENOENT)?;
        let own = view.uid == cx.creds.uid || cx.creds.overrides;
        if own { Ok(view) } else { Err(Errno::EACCES) }
    }

    pub(crate) fn proc_follow(
        &mut self,
        cx: &Context<'_>,
        node: ProcNode,
    ) -> Result<Lookup, Errno> {
        let file = match node {
            ProcNode::SelfLink | ProcNode::ThreadSelf | ProcNode::MountsLink => {
                return Ok(Lookup::Text(self.proc_link_text(cx, node)?));
            }
            ProcNode::Cwd(pid) | ProcNode::RootLink(pid) => {
                let working = self.working(self.proc_view(cx, pid)?.fs.ok_or(Errno::ENOENT)?)?;
                let cwd = matches!(node, ProcNode::Cwd(_));
                return Ok(Lookup::Jump(Found::Place(if cwd {
                    working.cwd
                } else {
                    working.root
                })));
            }
            ProcNode::Exe(pid) => self.proc_view(cx, pid)?.exe.ok_or(Errno::ENOENT)?,
            ProcNode::Fd(pid, fd) => {
                let fds = self.proc_view(cx, pid)?.fds.ok_or(Errno::ENOENT)?;
                self.table(fds)?.get(fd as i32).ok_or(Errno::ENOENT)?
            }
            _ => return Err(Errno::EINVAL),
        };
        Ok(Lookup::Jump(
            self.file(file)?
                .place
                .map_or(Found::File(file), Found::Place),
        ))
    }

    /// What readlink shows.
    pub(crate) fn proc_link_text(
        &mut self,
        cx: &Context<'_>,
        node: ProcNode,
    ) -> Result<Vec<u8>, Errno> {
        match node {
            ProcNode::SelfLink => return Ok(format!("{}", cx.job.pid).into_bytes()),
            ProcNode::ThreadSelf => return Ok(format!("{0}/task/{0}", cx.job.pid).into_bytes()),
            ProcNode::MountsLink => return Ok(b"self/mounts".to_vec()),
            ProcNode::Exe(pid) => {
                let file = self.proc_view(cx, pid)?.exe.ok_or(Errno::ENOENT)?;
                return self.file_path(cx, file);
            }
            ProcNode::Fd(pid, fd) => {
                let fds = self.proc_view(cx, pid)?.fds.ok_or(Errno::ENOENT)?;
                let file = self.table(fds)?.get(fd as i32).ok_or(Errno::ENOENT)?;
                return self.file_path(cx, file);
            }
            _ => {}
        }
        match self.proc_follow(cx, node)? {
            Lookup::Jump(Found::Place(place)) => {
                let root = self.working(cx.fs)?.root;
                Ok(self.path_below(place, root))
            }
            _ => Err(Errno::EINVAL),
        }
    }
}
