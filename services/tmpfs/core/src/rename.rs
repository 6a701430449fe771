//! Rename: replacing, exchanging, and moving directories without making a circle.

use crate::inode::{Body, Index};
use crate::pages::Pages;
use crate::tree::Tmpfs;
use sundog_protocols::file::{FileError, Handle, RenameFlags, Result, check_name};

impl<P: Pages> Tmpfs<P> {
    fn is_directory(&self, index: Index) -> Result<bool> {
        Ok(matches!(self.inode(index)?.body, Body::Directory(_)))
    }

    /// Whether `inner` is `outer` or lies below it.
    fn lies_within(&self, inner: Index, outer: Index) -> Result<bool> {
        let mut at = inner;
        loop {
            if at == outer {
                return Ok(true);
            }
            let parent = self.inode(at)?.directory()?.parent;
            if parent == at {
                return Ok(false);
            }
            at = parent;
        }
    }

    pub(crate) fn move_name(
        &mut self,
        from: (Handle, &[u8]),
        to: (Handle, &[u8]),
        flags: RenameFlags,
    ) -> Result<()> {
        let exchange = flags.has(RenameFlags::EXCHANGE);
        if exchange && flags.has(RenameFlags::NO_REPLACE) {
            return Err(FileError::EINVAL);
        }
        check_name(from.1)?;
        check_name(to.1)?;
        let (from_dir, to_dir) = (self.dir(from.0)?, self.dir(to.0)?);
        let source = self.find(from_dir, from.1)?.ok_or(FileError::ENOENT)?;
        let target = self.find(to_dir, to.1)?;
        if flags.has(RenameFlags::NO_REPLACE) && target.is_some() {
            return Err(FileError::EEXIST);
        }
        if exchange && target.is_none() {
            return Err(FileError::ENOENT);
        }
        let source_is_dir = self.is_directory(source)?;
        if source_is_dir && self.lies_within(to_dir, source)? {
            return Err(FileError::EINVAL);
        }
        if let Some(target) = target
            && self.is_directory(target)?
            && self.lies_within(from_dir, target)?
        {
            return Err(if exchange {
                FileError::EINVAL
            } else {
                FileError::ENOTEMPTY
            });
        }
        if target == Some(source) {
            return Ok(());
        }
        if self.inode(to_dir)?.links == 0 {
            return Err(FileError::ENOENT);
        }
        if exchange && let Some(target) = target {
            return self.exchange((from_dir, from.1, source), (to_dir, to.1, target));
        }
        if let Some(target) = target {
            self.removable(target, source_is_dir)?;
        }
        // A longer name takes memory, and a rename could be made without end.
        if target.is_none() && to.1.len() > from.1.len() {
            self.room_for_record()?;
        }
        self.replace((from_dir, from.1, source), (to_dir, to.1, target))
    }

    fn replace(
        &mut self,
        from: (Index, &[u8], Index),
        to: (Index, &[u8], Option<Index>),
    ) -> Result<()> {
        let now = self.now();
        let old_parent = self.inode_mut(from.0)?;
        old_parent.directory_mut()?.remove(from.1);
        old_parent.touch_write(now);
        self.enter(to.0, to.1, from.2)?;
        if let Some(target) = to.2 {
            self.drop_name(to.0, target)?;
        }
        self.moved(from.2, from.0, to.0)
    }

    fn exchange(&mut self, a: (Index, &[u8], Index), b: (Index, &[u8], Index)) -> Result<()> {
        self.enter(a.0, a.1, b.2)?;
        self.enter(b.0, b.1, a.2)?;
        self.moved(a.2, a.0, b.0)?;
        self.moved(b.2, b.0, a.0)
    }

    /// Updates a moved node: its time and, for a directory, its parent and the parents' link counts.
    fn moved(&mut self, index: Index, from: Index, to: Index) -> Result<()> {
        let now = self.now();
        let inode = self.inode_mut(index)?;
        inode.changed = now;
        if let Body::Directory(directory) = &mut inode.body {
            directory.parent = to;
            self.inode_mut(from)?.links -= 1;
            self.inode_mut(to)?.links += 1;
        }
        Ok(())
    }
}
