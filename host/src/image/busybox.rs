//! The root folder of Linux programs: this computer's own busybox, and a link to it for each of its applets.

use super::newc::{Archive, Entry};
use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use sundog_package::File;

/// Folders that programs expect. The personality mounts its own file systems on some of them.
const FOLDERS: [&str; 14] = [
    "bin", "dev", "etc", "home", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr",
    "usr/bin", "usr/sbin",
];
/// The accounts: everything runs as root, which is a label only.
const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n";
const GROUP: &[u8] = b"root:x:0:\n";
/// What a shell at a terminal reads first.
const SHRC: &[u8] = include_bytes!("shrc.sh");
/// An ELF file's magic, and the type of the program header that names a dynamic loader.
const ELF: &[u8] = b"\x7fELF\x02\x01";
const INTERPRETER: u32 = 3;

/// A static busybox.
#[derive(Clone, Debug)]
pub struct Busybox {
    path: PathBuf,
}

impl Busybox {
    /// The one that the system's package installs.
    pub fn of_system() -> Self {
        Self {
            path: "/bin/busybox".into(),
        }
    }

    /// One at another place.
    #[cfg(test)]
    pub fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its bytes, if it is a static program.
    pub fn program(&self) -> Result<Vec<u8>, Failure> {
        let shown = self.path.display();
        let bytes = fs::read(&self.path).map_err(|error| {
            Failure::system(
                format!("cannot read {shown} (`cargo run` installs it)"),
                error,
            )
        })?;
        match has_interpreter(&bytes) {
            Some(false) => Ok(bytes),
            Some(true) => Err(Failure::new(format!(
                "{shown} needs a dynamic loader; the package busybox-static has one that does not"
            ))),
            None => Err(Failure::new(format!(
                "{shown} is no program for this processor"
            ))),
        }
    }

    /// Its applets, by their names, sorted.
    pub fn applets(&self) -> Result<Vec<String>, Failure> {
        let shown = self.path.display();
        let mut command = Command::new(&self.path);
        let output = command.arg("--list").stdin(Stdio::null()).output();
        let output =
            output.map_err(|error| Failure::system(format!("cannot start {shown}"), error))?;
        let mut applets: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter(|name| !name.is_empty() && !name.contains('/') && *name != "busybox")
            .map(str::to_owned)
            .collect();
        applets.sort_unstable();
        applets.dedup();
        if !output.status.success() || applets.is_empty() {
            return Err(Failure::new(format!("{shown} --list names no applet")));
        }
        Ok(applets)
    }

    /// The archive of the root folder, with more files; the folder of each is there or is made, one step deep.
    #[cfg(test)]
    pub fn root(&self, more: &[File<'_>]) -> Result<Vec<u8>, Failure> {
        self.roots(&[("", more.to_vec())])
    }

    /// The archive of root folders, each in a folder of the first, which has no name itself; with more files in each, whose folder is
    /// there or is made, one step deep.
    pub fn roots(&self, roots: &[(&str, Vec<File<'_>>)]) -> Result<Vec<u8>, Failure> {
        let program = self.program()?;
        let applets = self.applets()?;
        let mut archive = Archive::default();
        for (folder, more) in roots {
            let path = match *folder {
                "" => String::new(),
                folder => {
                    archive.add(folder, Entry::Folder);
                    format!("{folder}/")
                }
            };
            let mut add =
                |name: &str, entry: Entry<'_>| archive.add(&format!("{path}{name}"), entry);
            for folder in FOLDERS {
                add(folder, Entry::Folder);
            }
            add("etc/group", Entry::File(0o644, GROUP));
            add("etc/passwd", Entry::File(0o644, PASSWD));
            add("etc/shrc", Entry::File(0o644, SHRC));
            add("bin/busybox", Entry::File(0o755, &program));
            for applet in &applets {
                add(&format!("bin/{applet}"), Entry::Link("busybox"));
            }
            let mut folders = FOLDERS.to_vec();
            for file in more {
                if let Some((folder, _)) = file.name.rsplit_once('/')
                    && !folders.contains(&folder)
                {
                    add(folder, Entry::Folder);
                    folders.push(folder);
                }
                add(file.name, Entry::File(file.mode, file.bytes));
            }
        }
        Ok(archive.finish())
    }
}

/// Whether a 64-bit ELF file asks for a dynamic loader; `None` if it is no such file.
fn has_interpreter(bytes: &[u8]) -> Option<bool> {
    if !bytes.starts_with(ELF) {
        return None;
    }
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let start = usize::try_from(u64::from_le_bytes(bytes.get(32..40)?.try_into().ok()?)).ok()?;
    let (size, count) = (usize::from(half(54)?), usize::from(half(56)?));
    for index in 0..count {
        let at = start.checked_add(index.checked_mul(size)?)?;
        let kind = bytes.get(at..at.checked_add(4)?)?;
        if u32::from_le_bytes(kind.try_into().ok()?) == INTERPRETER {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_static_program_is_taken() {
        let mut elf = vec![0; 64 + 2 * 56];
        elf[..6].copy_from_slice(ELF);
        elf[32] = 64;
        elf[54] = 56;
        elf[56] = 2;
        assert_eq!(has_interpreter(&elf), Some(false));
        elf[64 + 56] = 3;
        assert_eq!(has_interpreter(&elf), Some(true));
        assert_eq!(has_interpreter(&elf[..100]), None);
        assert_eq!(has_interpreter(b"#!/bin/sh\n"), None);
        let error = Busybox::at(Path::new("/nowhere")).program().unwrap_err();
        assert!(error.text().contains("/nowhere"));
    }

    #[test]
    fn the_root_holds_every_applet_as_a_link() {
        let busybox = Busybox::of_system();
        let applets = busybox.applets().unwrap();
        let more = ["bin/sandbox", "tests/a.sh", "tests/b.sh"].map(|name| File {
            name,
            mode: 0o755,
            bytes: b"bytes",
        });
        let root = busybox.root(&more).unwrap();
        assert_eq!(
            root,
            busybox.root(&more).unwrap(),
            "the same bytes every time"
        );
        assert!(applets.iter().any(|name| name == "sh"));
        let folder = crate::folder::Folder::new().unwrap();
        fs::write(folder.file("root.cpio"), root).unwrap();
        // Another program reads what was written.
        let listed = Command::new("/bin/busybox")
            .args(["cpio", "-t", "-F"])
            .arg(folder.file("root.cpio"))
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for applet in applets {
            assert!(
                listed.lines().any(|line| line == format!("bin/{applet}")),
                "{applet}"
            );
        }
        for name in [
            "etc/passwd",
            "etc/shrc",
            "bin/sandbox",
            "tests",
            "tests/a.sh",
            "tests/b.sh",
        ] {
            let times = listed.lines().filter(|line| *line == name).count();
            assert_eq!(times, 1, "{name}");
        }
    }
}
