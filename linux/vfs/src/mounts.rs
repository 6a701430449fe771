//! The mount table: what is mounted where, in the order it was mounted.

use crate::dentry::DentryId;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_protocols::file::Table;

/// Number of a mount.
pub type MountId = u32;

/// A place in the namespace: a name, seen through a mount.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Which mount.
    pub mount: MountId,
    /// Which entry of its tree.
    pub dentry: DentryId,
}

/// What may not be done through a mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MountFlags {
    /// Nothing can be changed.
    pub read_only: bool,
    /// Device nodes can be opened. (The other way round than Linux's `nodev`: devices are off unless asked for.)
    pub devices: bool,
    /// Nothing can be executed.
    pub no_exec: bool,
    /// Set-uid and set-gid bits mean nothing.
    pub no_suid: bool,
}

/// One mount.
pub struct Mount {
    pub root: DentryId,
    /// Where it is mounted; `None` for the root of the namespace.
    pub at: Option<Place>,
    pub flags: MountFlags,
    /// Device number of its tree (`st_dev`).
    pub device: u64,
    /// First word of a line in /proc/mounts.
    pub source: Vec<u8>,
    /// Third word of a line in /proc/mounts.
    pub kind: Vec<u8>,
}

/// All mounts.
pub struct Mounts {
    table: Table<Mount>,
    covered: BTreeMap<Place, MountId>,
    order: Vec<MountId>,
}

impl Mounts {
    pub fn new() -> Mounts {
        Mounts {
            table: Table::new(1 << 16),
            covered: BTreeMap::new(),
            order: Vec::new(),
        }
    }

    pub fn get(&self, id: MountId) -> Option<&Mount> {
        self.table.get(id)
    }

    pub fn flags(&self, id: MountId) -> MountFlags {
        self.table
            .get(id)
            .map(|mount| mount.flags)
            .unwrap_or_default()
    }

    pub fn set_flags(&mut self, id: MountId, flags: MountFlags) {
        if let Some(mount) = self.table.get_mut(id) {
            mount.flags = flags;
        }
    }

    /// Adds a mount; `None` if there are too many.
    pub fn add(&mut self, mount: Mount) -> Option<MountId> {
        let at = mount.at;
        let id = self.table.insert(mount).ok()?;
        self.order.push(id);
        if let Some(at) = at {
            self.covered.insert(at, id);
        }
        Some(id)
    }

    /// Takes a mount away.
    pub fn remove(&mut self, id: MountId) -> Option<Mount> {
        let mount = self.table.remove(id)?;
        self.order.retain(|&other| other != id);
        if let Some(at) = mount.at {
            self.covered.remove(&at);
        }
        Some(mount)
    }

    /// The place that one finds at `place`: the root of what is mounted there last, or `place` itself.
    pub fn top(&self, mut place: Place) -> Place {
        while let Some(&mount) = self.covered.get(&place)
            && let Some(above) = self.table.get(mount)
        {
            place = Place {
                mount,
                dentry: above.root,
            };
        }
        place
    }

    /// Whether something is mounted on the entry, through whatever mount.
    pub fn is_mount_point(&self, dentry: DentryId) -> bool {
        self.covered.keys().any(|place| place.dentry == dentry)
    }

    /// Whether something is mounted on a place that is seen through this mount.
    pub fn has_children(&self, mount: MountId) -> bool {
        self.covered.keys().any(|place| place.mount == mount)
    }

    /// All mounts in the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = (MountId, &Mount)> {
        self.order
            .iter()
            .filter_map(|&id| Some((id, self.table.get(id)?)))
    }

    /// Below which place a mount's root lies: where it is mounted.
    pub fn parent(&self, id: MountId) -> Option<Place> {
        self.table.get(id)?.at
    }
}
