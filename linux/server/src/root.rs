//! The files of the sandbox: the boot archive at the root, read only, and file systems in memory where programs write.

use crate::calendar::Calendar;
use crate::gated::{self, Node};
use crate::random::Random;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use sundog_archive_core::Archive;
use sundog_linux_core::frames::{Memory, PoolPages};
use sundog_linux_vfs::{Errno, Gatekeeper, MountFlags, Numbers, Setup, Shown, Vfs};
use sundog_protocols::file::{FileServer, Owner};
use sundog_tmpfs_core::{Limits, Tmpfs};

/// How many looked-up names are kept.
const NAMES: usize = 4096;

/// Where programs may write, if the archive has such a folder, and the folder's mode.
const WRITABLE: [(&str, u32); 5] = [
    ("/tmp", 0o1777),
    ("/run", 0o755),
    ("/var/tmp", 0o1777),
    ("/root", 0o700),
    ("/home", 0o755),
];

/// Whether the heap has room for more files, and for more looked-up names: a quarter is kept.
fn room_for_files() -> bool {
    sundog_rt::heap_has_room(4)
}

/// Whether it has room for more processes and open files: they may take half of what files may not, so that a program can remove files
/// when there are too many.
pub fn room_for_records() -> bool {
    sundog_rt::heap_has_room(8)
}

/// Whether it has room for what programs that run already touch: so much that whoever may make nothing more can still go on and end.
pub fn room_for_tables() -> bool {
    sundog_rt::heap_has_room(32)
}

/// An empty file system in memory, of at most `size` bytes; nothing: as much as there is.
pub fn tmpfs(
    memory: &Arc<Memory>,
    calendar: Calendar,
    mode: u32,
    size: Option<u64>,
) -> Box<Tmpfs<PoolPages>> {
    let pages = PoolPages(memory.clone());
    Box::new(Tmpfs::new(
        pages,
        Box::new(calendar),
        Limits {
            room: room_for_files,
            pages: size.map_or(u64::MAX, |bytes| bytes.div_ceil(4096)),
            ..Limits::default()
        },
        mode,
        Owner::default(),
    ))
}

/// Makes the files; `archive` is the root folder, `calendar` tells the files' times.
///
/// # Errors
/// A sentence that says what is wrong with them.
pub fn build(
    archive: &'static [u8],
    memory: &Arc<Memory>,
    calendar: Calendar,
    mut random: Random,
    gates: Box<dyn Gatekeeper>,
) -> Result<Vfs, String> {
    let root = Archive::new(archive).map_err(|error| format!("the root archive: {error:?}"))?;
    let mut key = [0; 8];
    random.fill(&mut key);
    // Numbered as what a sandbox within is shown, so that nobody can tell the one from the other.
    let numbers = Numbers::new(u64::from_le_bytes(key), room_for_files);
    let setup = Setup {
        root: Box::new(Shown::whole(Box::new(root), numbers)),
        flags: MountFlags {
            read_only: true,
            ..MountFlags::default()
        },
        anonymous: tmpfs(memory, calendar, 0o700, None),
        random: Box::new(move |bytes: &mut [u8]| random.fill(bytes)),
        gates,
        names: NAMES,
    };
    let mut vfs = Vfs::new(setup).map_err(|error| format!("the files: {error:?}"))?;
    vfs.keep_room(room_for_files);
    // A root archive that holds one program has none of the usual folders, and needs none.
    absent_is_fine(
        vfs.mount_proc(b"/proc", MountFlags::default()).map(drop),
        "/proc",
    )?;
    absent_is_fine(
        vfs.mount_dev(b"/dev", tmpfs(memory, calendar, 0o755, None)),
        "/dev",
    )?;
    for (path, mode) in WRITABLE {
        let tree = tmpfs(memory, calendar, mode, None);
        let flags = MountFlags::default();
        let mounted = vfs.mount(path.as_bytes(), tree, flags, b"tmpfs", b"tmpfs");
        absent_is_fine(mounted.map(drop), path)?;
    }
    Ok(vfs)
}

/// Makes the files of a sandbox within another: a root folder alone.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn build_within(
    root: (Box<dyn FileServer>, MountFlags),
    memory: &Arc<Memory>,
    calendar: Calendar,
    mut random: Random,
    gates: Box<dyn Gatekeeper>,
) -> Result<Vfs, String> {
    let setup = Setup {
        root: root.0,
        flags: root.1,
        anonymous: tmpfs(memory, calendar, 0o700, None),
        random: Box::new(move |bytes: &mut [u8]| random.fill(bytes)),
        gates,
        names: NAMES,
    };
    let mut vfs = Vfs::new(setup).map_err(|error| format!("the files: {error:?}"))?;
    vfs.keep_room(room_for_files);
    Ok(vfs)
}

/// Adds the nodes of devices that ask.
///
/// # Errors
/// A sentence that says which cannot be.
pub fn add_devices(vfs: &mut Vfs, devices: &[String]) -> Result<(), String> {
    for device in devices {
        let added = match gated::node(device) {
            Some(Node {
                name,
                number: (major, minor),
            }) => vfs.add_gated_device(name.as_bytes(), major, minor, 0o660, device),
            None => Err(Errno::ENODEV),
        };
        added.map_err(|error| format!("the device {device}: {error:?}"))?;
    }
    Ok(())
}

fn absent_is_fine(mounted: Result<(), Errno>, path: &str) -> Result<(), String> {
    match mounted {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(format!("{path}: {error:?}")),
    }
}
