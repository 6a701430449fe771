//! Debian packages: which of them the machine lacks, and how to install them.

use crate::progress::Progress;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A Debian package and how its presence is seen, also on a system that is not Debian.
pub struct Package {
    /// The package's name.
    pub name: &'static str,
    present: fn() -> bool,
}

/// What Sundog needs: a machine to run in, the first Linux program, and a C compiler that links the host command.
pub const PACKAGES: [Package; 4] = [
    Package {
        name: "qemu-system-x86",
        present: || on_path("qemu-system-x86_64"),
    },
    Package {
        name: "busybox-static",
        present: || is_static_program(Path::new("/bin/busybox")),
    },
    Package {
        name: "gcc",
        present: || on_path("cc"),
    },
    Package {
        name: "libc6-dev",
        present: || C_START_FILES.iter().any(|file| Path::new(file).is_file()),
    },
];

/// Where C libraries keep the start of a program; one is enough.
const C_START_FILES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/crt1.o",
    "/usr/lib64/crt1.o",
    "/usr/lib/crt1.o",
];

/// The options of every installation: only what was asked for, no questions, wait for another apt-get.
const INSTALL: [&str; 7] = [
    "-qq",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "DPkg::Lock::Timeout=300",
    "--yes",
    "--no-install-recommends",
];

/// The names of the packages that are not there.
pub fn missing() -> Vec<&'static str> {
    PACKAGES
        .iter()
        .filter(|package| !(package.present)())
        .map(|package| package.name)
        .collect()
}

/// Installs packages; the caller is root.
///
/// # Errors
/// What apt-get said, and what to do.
pub fn install(names: &[&str], progress: &mut Progress) -> Result<(), String> {
    let list = names.join(" ");
    let had_lists = has_lists();
    if !had_lists {
        update(progress)?;
    }
    progress.step(&format!("installing {list}"));
    if let Err(first) = apt_get("install", names) {
        // Lists that are too old name files that are gone.
        if !had_lists {
            return Err(explain(&first, &list));
        }
        update(progress)?;
        progress.step(&format!("installing {list}"));
        apt_get("install", names).map_err(|said| explain(&said, &list))?;
    }
    let still = missing();
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "sundog: installed, but still not found: {}",
            still.join(" ")
        ))
    }
}

/// The command that a person types to install packages.
pub fn install_command(names: &[&str], sudo: bool) -> String {
    let prefix = if sudo { "sudo " } else { "" };
    let update = if has_lists() {
        String::new()
    } else {
        format!("{prefix}apt-get update && ")
    };
    format!(
        "{update}{prefix}apt-get install --no-install-recommends {}",
        names.join(" ")
    )
}

fn update(progress: &mut Progress) -> Result<(), String> {
    progress.step("reading the package lists");
    apt_get("update", &[])
        .map_err(|said| format!("{said}\nsundog: apt-get update failed; what it said is above"))
}

fn explain(said: &str, list: &str) -> String {
    format!("{said}\nsundog: cannot install {list}; what apt-get said is above")
}

/// Runs apt-get silently; the error is what it said.
fn apt_get(action: &str, names: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(INSTALL).arg(action).args(names);
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| format!("sundog: cannot start apt-get: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&said).trim_end().to_owned())
}

/// True if apt-get has package lists at all; a fresh image has none.
fn has_lists() -> bool {
    let Ok(entries) = fs::read_dir("/var/lib/apt/lists") else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

/// True if a program of this name is in a folder of PATH.
pub fn on_path(name: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

/// True for a 64-bit ELF program that names no dynamic linker.
fn is_static_program(path: &Path) -> bool {
    fs::read(path).is_ok_and(|file| has_interpreter(&file) == Some(false))
}

/// Whether an ELF program names a dynamic linker; `None` if it is not a 64-bit little-endian ELF file.
fn has_interpreter(file: &[u8]) -> Option<bool> {
    const HEADER_TYPE_INTERPRETER: u64 = 3;
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = file.get(at..at.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = table.checked_add(index * size)?;
        if number(usize::try_from(header).ok()?, 4)? == HEADER_TYPE_INTERPRETER {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header with one program header of the given type.
    fn program(kind: u8) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64] = kind;
        file
    }

    #[test]
    fn a_static_program_names_no_dynamic_linker() {
        assert_eq!(has_interpreter(&program(1)), Some(false));
        assert_eq!(has_interpreter(&program(3)), Some(true));
        assert_eq!(has_interpreter(b"#!/bin/sh"), None);
        assert_eq!(has_interpreter(&program(1)[..70]), Some(false));
        assert_eq!(has_interpreter(&program(1)[..66]), None);
    }

    #[test]
    fn the_command_names_every_package() {
        let command = install_command(&["gcc", "libc6-dev"], true);
        assert!(
            command.ends_with("sudo apt-get install --no-install-recommends gcc libc6-dev"),
            "{command}"
        );
        assert!(!install_command(&["gcc"], false).contains("sudo"));
    }
}
