//! The sandbox' files: a file system in memory with busybox, its applets' links and what the caller adds.
use crate::options::Options;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use sundog_linux_core::frames::{Memory, PoolPages};
use sundog_linux_vfs::{Closed, MountFlags, Setup, Vfs};
use sundog_protocols::file::{FileError, FileServer, Handle, OpenFlags, Owner, Time};
use sundog_tmpfs_core::{Limits, Tmpfs};

/// The host's busybox, and where it is in the sandbox.
const BUSYBOX: &str = "/bin/busybox";

const FOLDERS: [&str; 12] = [
    "bin", "sbin", "usr", "usr/bin", "usr/sbin", "etc", "root", "home", "var", "var/tmp", "run",
    "lib",
];

fn now() -> Time {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time {
        seconds: time.as_secs() as i64,
        nanos: time.subsec_nanos(),
    }
}

fn tmpfs(memory: &Arc<Memory>, mode: u32) -> Tmpfs<PoolPages> {
    Tmpfs::new(
        PoolPages(memory.clone()),
        Box::new(now),
        Limits {
            pages: memory.total() as u64 / 2,
            ..Limits::default()
        },
        mode,
        Owner::default(),
    )
}

/// Walks to the folder of a path, making what is missing; returns it with the last name.
fn folder<'a>(tree: &mut dyn FileServer, path: &'a str) -> Result<(Handle, &'a [u8]), FileError> {
    let mut at = tree.attach(b"")?.handle;
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        at = match tree.walk(at, part.as_bytes()) {
            Ok(node) => node.handle,
            Err(_) => {
                tree.mkdir(at, part.as_bytes(), 0o755, Owner::default())?
                    .handle
            }
        };
    }
    Ok((at, last.as_bytes()))
}

fn put_file(
    tree: &mut dyn FileServer,
    path: &str,
    mode: u32,
    bytes: &[u8],
) -> Result<(), FileError> {
    let (at, name) = folder(tree, path)?;
    let created = tree.create(at, name, OpenFlags::WRITE, mode, Owner::default())?;
    let mut done = 0;
    while done < bytes.len() {
        done += tree.write(created.open, done as u64, &bytes[done..])?;
    }
    tree.clunk(created.open);
    Ok(())
}

fn fill(tree: &mut dyn FileServer) -> Result<(), FileError> {
    let owner = Owner::default();
    for path in FOLDERS {
        let (at, name) = folder(tree, path)?;
        tree.mkdir(at, name, 0o755, owner)?;
    }
    put_file(
        tree,
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    )?;
    put_file(tree, "etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n")?;
    Ok(())
}

fn put_busybox(tree: &mut dyn FileServer) -> Result<(), String> {
    let bytes = std::fs::read(BUSYBOX).map_err(|error| format!("{BUSYBOX}: {error}"))?;
    let list = Command::new(BUSYBOX)
        .arg("--list")
        .output()
        .map_err(|error| format!("{BUSYBOX}: {error}"))?;
    put_file(tree, BUSYBOX, 0o755, &bytes).map_err(|error| format!("{BUSYBOX}: {error:?}"))?;
    for applet in String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|applet| *applet != "busybox")
    {
        let (at, _) = folder(tree, BUSYBOX).map_err(|error| format!("/bin: {error:?}"))?;
        tree.symlink(at, applet.as_bytes(), b"busybox", Owner::default())
            .map_err(|error| format!("{applet}: {error:?}"))?;
    }
    Ok(())
}

/// Copies a host folder with everything below. Devices and what cannot be read are left out.
fn put_tree(tree: &mut dyn FileServer, guest: &str, host: &Path) -> Result<(), FileError> {
    let (at, name) = folder(tree, guest)?;
    match tree.mkdir(at, name, 0o755, Owner::default()) {
        Ok(_) | Err(FileError::EEXIST) => {}
        Err(error) => return Err(error),
    }
    for entry in std::fs::read_dir(host).into_iter().flatten().flatten() {
        let path = format!("{guest}/{}", entry.file_name().to_string_lossy());
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            put_tree(tree, &path, &entry.path())?;
        } else if kind.is_symlink() {
            let (at, name) = folder(tree, &path)?;
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            tree.symlink(
                at,
                name,
                target.as_os_str().as_encoded_bytes(),
                Owner::default(),
            )?;
        } else if let (true, Ok(bytes)) = (kind.is_file(), std::fs::read(entry.path())) {
            let mode = entry
                .metadata()
                .map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
            put_file(tree, &path, mode, &bytes)?;
        }
    }
    Ok(())
}

/// Makes the files of a sandbox.
///
/// # Errors
/// A sentence that says which file could not be had.
pub fn build(memory: &Arc<Memory>, options: &Options) -> Result<Vfs, String> {
    let mut tree = tmpfs(memory, 0o755);
    fill(&mut tree).map_err(|error| format!("the root folder: {error:?}"))?;
    put_busybox(&mut tree)?;
    for (guest, host) in &options.files {
        let bytes = std::fs::read(host).map_err(|error| format!("{host}: {error}"))?;
        put_file(&mut tree, guest, 0o755, &bytes).map_err(|error| format!("{guest}: {error:?}"))?;
    }
    for (guest, host) in &options.trees {
        put_tree(&mut tree, guest, Path::new(host))
            .map_err(|error| format!("{guest}: {error:?}"))?;
    }
    let setup = Setup {
        root: Box::new(tree),
        flags: MountFlags::default(),
        anonymous: Box::new(tmpfs(memory, 0o700)),
        random: Box::new(crate::random),
        gates: Box::new(Closed),
        names: 4096,
    };
    let mut vfs = Vfs::new(setup).map_err(|error| format!("the files: {error:?}"))?;
    let wrong = |what: &'static str| move |error| format!("{what}: {error:?}");
    vfs.mount_proc(b"/proc", MountFlags::default())
        .map_err(wrong("/proc"))?;
    vfs.mount_dev(b"/dev", Box::new(tmpfs(memory, 0o755)))
        .map_err(wrong("/dev"))?;
    vfs.mount(
        b"/tmp",
        Box::new(tmpfs(memory, 0o1777)),
        MountFlags::default(),
        b"tmpfs",
        b"tmpfs",
    )
    .map_err(wrong("/tmp"))?;
    Ok(vfs)
}

/// The path of a program that was named without one.
pub fn find(name: &str) -> String {
    if name.contains('/') {
        name.into()
    } else {
        format!("/bin/{name}")
    }
}
