//! The files of a sandbox within another: its options' file operations, done in their order.

use crate::calendar::Calendar;
use crate::channel::Channel;
use crate::gated::gift::Gift;
use crate::gated::within::is_node;
use crate::root::tmpfs;
use crate::wish::Wish;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sundog_linux_core::frames::Memory;
use sundog_linux_vfs::constants::AT_FDCWD;
use sundog_linux_vfs::{Context, Errno, MountFlags, Vfs};
use sundog_options::{BindMode, Operation};
use sundog_protocols::file::{Client, FileServer};

/// What is left to do once there is a process.
pub struct View {
    /// Each with its number.
    operations: VecDeque<(usize, Operation)>,
    gifts: Vec<Gift>,
    trees: VecDeque<Channel>,
    memory: Arc<Memory>,
    calendar: Calendar,
}

/// The permission bits of a device's node.
const NODE: u32 = 0o660;

fn flags(mode: BindMode) -> MountFlags {
    MountFlags {
        read_only: mode == BindMode::ReadOnly,
        devices: mode == BindMode::Device,
        ..MountFlags::default()
    }
}

impl View {
    /// The view that is wished for, over the devices that are given and the trees that are bound, in their order.
    pub fn new(
        wish: &Wish,
        gifts: &[Gift],
        trees: VecDeque<Channel>,
        memory: &Arc<Memory>,
        calendar: Calendar,
    ) -> View {
        View {
            operations: wish.plan.operations.iter().cloned().enumerate().collect(),
            gifts: gifts.to_vec(),
            trees,
            memory: memory.clone(),
            calendar,
        }
    }

    /// The root folder: what is bound there first of all, else an empty folder.
    pub fn root(&mut self) -> (Box<dyn FileServer>, MountFlags) {
        if let Some((0, Operation::Bind { dest, mode, .. })) = self.operations.front()
            && !is_node(&self.gifts, 0)
            && dest == b"/"
            && let Some(tree) = self.trees.pop_front()
        {
            let flags = flags(*mode);
            self.operations.pop_front();
            return (Box::new(Client::new(tree)), flags);
        }
        let empty = tmpfs(&self.memory, self.calendar, 0o755);
        (empty, MountFlags::default())
    }

    /// Does the other operations.
    ///
    /// # Errors
    /// What the first that fails says.
    pub fn apply(mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        while let Some((number, operation)) = self.operations.pop_front() {
            self.one(vfs, context, number, &operation)?;
        }
        for gift in &self.gifts {
            vfs.allow_device(&gift.device);
        }
        Ok(())
    }

    fn one(
        &mut self,
        vfs: &mut Vfs,
        context: &Context<'_>,
        number: usize,
        operation: &Operation,
    ) -> Result<(), Errno> {
        let plain = MountFlags::default();
        match operation {
            Operation::Bind { dest, .. } if is_node(&self.gifts, number) => {
                let gift = self.gifts.iter();
                let mut gift = gift.filter(|gift| gift.operation == Some(number));
                let device = &gift.next().ok_or(Errno::ENXIO)?.device;
                let tree = tmpfs(&self.memory, self.calendar, 0o755);
                vfs.mount_device(dest, tree, device, NODE).map(drop)
            }
            Operation::Bind { dest, mode, .. } => {
                let tree = self.trees.pop_front().ok_or(Errno::ENOENT)?;
                let tree = Box::new(Client::new(tree));
                vfs.mount(dest, tree, flags(*mode), b"bind", b"sundog")
                    .map(drop)
            }
            // The size is the pool's; a smaller one is refused where the options are read.
            Operation::Tmpfs { dest, perms, .. } => {
                let tree = tmpfs(&self.memory, self.calendar, *perms);
                vfs.mount(dest, tree, plain, b"tmpfs", b"tmpfs").map(drop)
            }
            Operation::Proc { dest } => vfs.mount_proc(dest, plain).map(drop),
            Operation::Dev { dest } => {
                let tree = tmpfs(&self.memory, self.calendar, 0o755);
                vfs.mount_dev(dest, tree)
            }
            Operation::Dir { dest, perms } => {
                // The folders on the way, as bubblewrap makes them; what cannot be made shows at the last one.
                let ends = dest.iter().enumerate().skip(1);
                for (end, _) in ends.filter(|(_, byte)| **byte == b'/') {
                    let _ = vfs.mkdirat(context, AT_FDCWD, &dest[..end], 0o755);
                }
                match vfs.mkdirat(context, AT_FDCWD, dest, *perms) {
                    Ok(()) | Err(Errno::EEXIST) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Operation::Symlink { target, dest } => vfs.symlinkat(context, target, AT_FDCWD, dest),
        }
    }
}
