//! Device nodes from hand to hand: what a caller's node leads to, and a node that somebody was given.

use crate::constants::AT_FDCWD;
use crate::context::Context;
use crate::devices::is_harmless;
use crate::errno::Errno;
use crate::mounts::{Mount, MountFlags, Place};
use crate::vfs::{Vfs, node_body, server_device};
use alloc::boxed::Box;
use alloc::string::String;
use sundog_protocols::file::{FileServer, Kind, Owner, device, device_major, device_minor};

/// A device that can be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// Its major number.
    pub major: u32,
    /// Its minor number.
    pub minor: u32,
    /// What it asks for before it opens, such as `serial:1`; nothing for one that everybody has, such as `null`.
    pub resource: Option<String>,
}

impl Vfs {
    /// The device behind a path, or nothing if that leads to something else. `EACCES` for a node where none can be opened, `ENXIO`
    /// for one whose device is not here.
    pub fn device_at(&mut self, cx: &Context<'_>, path: &[u8]) -> Result<Option<Device>, Errno> {
        let place = self.find_place(cx, AT_FDCWD, path, true)?;
        let attr = self.attr(cx, place)?;
        if attr.kind != Kind::CharDevice {
            return Ok(None);
        }
        if !self.mounts.flags(place.mount).devices {
            return Err(Errno::EACCES);
        }
        let resource = self.gates.resource(attr.device);
        if resource.is_none() && !is_harmless(attr.device) {
            return Err(Errno::ENXIO);
        }
        Ok(Some(Device {
            major: device_major(attr.device),
            minor: device_minor(attr.device),
            resource: resource.map(String::from),
        }))
    }

    /// Lets the device be opened wherever there is a node of it and nodes can be opened.
    pub fn allow_device(&mut self, given: &Device) {
        if let Some(resource) = &given.resource {
            self.gates.add(device(given.major, given.minor), resource);
        }
    }

    /// Mounts a node of a device at an absolute path; `tree`, an empty file system, holds it. The device can be opened then. `mode` are
    /// the node's permission bits.
    pub fn mount_device(
        &mut self,
        path: &[u8],
        tree: Box<dyn FileServer>,
        given: &Device,
        mode: u32,
    ) -> Result<Place, Errno> {
        let at = self.mount_point(path)?;
        let number = device(given.major, given.minor);
        let owner = Owner::default();
        let (server, folder) = self.add_server(tree)?;
        let files = self.server(server)?;
        let kind = Kind::CharDevice;
        let node = files.mknod(folder.handle, b"node", kind, mode, number, owner)?;
        files.clunk(folder.handle);
        let root = self.dentries.add_root(node_body(server, &node));
        self.allow_device(given);
        self.add_mount(Mount {
            root,
            at: Some(at),
            flags: MountFlags {
                devices: true,
                no_exec: true,
                no_suid: true,
                read_only: false,
            },
            device: server_device(server),
            source: b"dev".to_vec(),
            kind: b"devtmpfs".to_vec(),
        })
    }
}
