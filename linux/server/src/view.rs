//! The files of a sandbox within another: its options' file operations, done in their order.

use crate::calendar::Calendar;
use crate::channel::Channel;
use crate::gated::gift::Gift;
use crate::gated::within::is_node;
use crate::places::{Place, What};
use crate::root::tmpfs;
use crate::say::words;
use crate::wish::Wish;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sundog_linux_core::frames::Memory;
use sundog_linux_vfs::constants::AT_FDCWD;
use sundog_linux_vfs::{Context, Errno, MountFlags, Vfs};
use sundog_options::{BindMode, Operation};
use sundog_protocols::file::{Client, FileServer};

/// One step of building the tree.
enum Step {
    /// A file option, with its number; of those that bind only the nodes of devices.
    Option(usize, Operation),
    /// Something bound at a path.
    Bound(Vec<u8>, What, MountFlags, Option<Channel>),
}

/// What is left to do once there is a process.
pub struct View {
    steps: VecDeque<Step>,
    gifts: Vec<Gift>,
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

/// Whether a path is the root folder's.
fn is_root(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .all(|name| name.is_empty() || name == b".")
}

/// A destination from the root on; options may leave out the first slash.
fn absolute(path: &[u8]) -> Vec<u8> {
    match path.first() {
        Some(b'/') => path.to_vec(),
        _ => [b"/", path].concat(),
    }
}

/// Why the tree could not be built: the error, and what was to be done.
pub type Fault = (Errno, String);

impl View {
    /// The view that is wished for, over the devices that are given and the trees that are bound at `places`, in their order.
    pub fn new(
        wish: &Wish,
        gifts: &[Gift],
        places: &[Place],
        mut trees: VecDeque<Channel>,
        memory: &Arc<Memory>,
        calendar: Calendar,
    ) -> View {
        let mut steps = VecDeque::new();
        for (number, operation) in wish.plan.operations.iter().enumerate() {
            let Operation::Bind { dest, mode, .. } = operation else {
                steps.push_back(Step::Option(number, operation.clone()));
                continue;
            };
            if is_node(gifts, number) {
                steps.push_back(Step::Option(number, operation.clone()));
                continue;
            }
            for place in places.iter().filter(|place| place.operation == number) {
                let mut path = absolute(dest);
                if !place.path.is_empty() {
                    path.push(b'/');
                    path.extend_from_slice(&place.path);
                }
                let mut flags = flags(*mode);
                flags.read_only |= place.what == What::ReadOnly;
                let tree = match place.what {
                    What::Tree | What::ReadOnly => trees.pop_front(),
                    What::Proc | What::Devices => None,
                };
                steps.push_back(Step::Bound(path, place.what, flags, tree));
            }
        }
        View {
            steps,
            gifts: gifts.to_vec(),
            memory: memory.clone(),
            calendar,
        }
    }

    /// The root folder: what was put there last, which hides what was done before; else an empty folder.
    pub fn root(&mut self) -> (Box<dyn FileServer>, MountFlags) {
        let last = self.steps.iter().rposition(|step| match step {
            Step::Bound(path, _, _, Some(_)) => is_root(path),
            Step::Option(_, Operation::Tmpfs { dest, .. }) => is_root(dest),
            _ => false,
        });
        let step = last.and_then(|last| self.steps.drain(..=last).next_back());
        match step {
            Some(Step::Bound(_, _, flags, Some(tree))) => (Box::new(Client::new(tree)), flags),
            Some(Step::Option(_, Operation::Tmpfs { size, perms, .. })) => {
                let tree = tmpfs(&self.memory, self.calendar, perms, size);
                (tree, MountFlags::default())
            }
            _ => {
                let empty = tmpfs(&self.memory, self.calendar, 0o755, None);
                (empty, MountFlags::default())
            }
        }
    }

    /// Does the other operations.
    ///
    /// # Errors
    /// What the first that fails says, in bubblewrap's words.
    pub fn apply(mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Fault> {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Option(number, operation) => {
                    let done = self.one(vfs, context, number, &operation);
                    done.map_err(|error| (error, failed(&operation, error)))?;
                }
                Step::Bound(path, what, flags, tree) => {
                    let done = self.bound(vfs, &path, what, flags, tree);
                    let shown = String::from_utf8_lossy(&path);
                    let text = |error| format!("Can't bind mount on {shown}: {}", words(error));
                    done.map_err(|error| (error, text(error)))?;
                }
            }
        }
        for gift in &self.gifts {
            vfs.allow_device(&gift.device);
        }
        Ok(())
    }

    fn bound(
        &self,
        vfs: &mut Vfs,
        path: &[u8],
        what: What,
        flags: MountFlags,
        tree: Option<Channel>,
    ) -> Result<(), Errno> {
        match what {
            What::Proc => vfs.mount_proc(path, MountFlags::default()).map(drop),
            What::Devices => {
                let tree = tmpfs(&self.memory, self.calendar, 0o755, None);
                vfs.mount_dev(path, tree)
            }
            What::Tree | What::ReadOnly => {
                let tree = Box::new(Client::new(tree.ok_or(Errno::ENOENT)?));
                vfs.mount(path, tree, flags, b"bind", b"sundog").map(drop)
            }
        }
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
            Operation::Bind { dest, .. } => {
                let gift = self.gifts.iter();
                let mut gift = gift.filter(|gift| gift.operation == Some(number));
                let device = &gift.next().ok_or(Errno::ENXIO)?.device;
                let tree = tmpfs(&self.memory, self.calendar, 0o755, None);
                vfs.mount_device(&absolute(dest), tree, device, NODE)
                    .map(drop)
            }
            Operation::Tmpfs { dest, perms, size } => {
                let tree = tmpfs(&self.memory, self.calendar, *perms, *size);
                vfs.mount(&absolute(dest), tree, plain, b"tmpfs", b"tmpfs")
                    .map(drop)
            }
            Operation::Proc { dest } => vfs.mount_proc(&absolute(dest), plain).map(drop),
            Operation::Dev { dest } => {
                let tree = tmpfs(&self.memory, self.calendar, 0o755, None);
                vfs.mount_dev(&absolute(dest), tree)
            }
            Operation::Dir { dest, perms } => {
                let dest = &absolute(dest);
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
            Operation::Symlink { target, dest } => {
                vfs.symlinkat(context, target, AT_FDCWD, &absolute(dest))
            }
        }
    }
}

/// What is said about an option that failed.
fn failed(operation: &Operation, error: Errno) -> String {
    let (what, dest) = match operation {
        Operation::Bind { dest, .. } => ("Can't bind mount on", dest),
        Operation::Tmpfs { dest, .. } => ("Can't mount tmpfs on", dest),
        Operation::Proc { dest } => ("Can't mount proc on", dest),
        Operation::Dev { dest } => ("Can't mount devices on", dest),
        Operation::Dir { dest, .. } => ("Can't mkdir", dest),
        Operation::Symlink { dest, .. } => ("Can't make symlink at", dest),
    };
    format!("{what} {}: {}", String::from_utf8_lossy(dest), words(error))
}
