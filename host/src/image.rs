//! Builds the boot package: a manifest of `system/`, the native programs that it names, and the root folder of Linux programs.

mod busybox;
mod newc;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::images;
use std::fs;
use std::path::{Path, PathBuf};
use sundog_manifest::host::{self, System};
use sundog_package::{File, archive, package};

pub use busybox::Busybox;

/// The first program, which is not in the manifest.
const INIT: &str = "init";
/// The image of the Linux personality.
pub const LINUX: &str = "linux";
/// The native program that makes sandboxes within a sandbox of Linux programs.
const SANDBOX: &str = "sandbox";
/// The archive that is the root folder of Linux programs, in the boot package's archive.
const LINUX_ROOT: &str = "linux.cpio";
/// Pages in a MiB.
const PAGES: u32 = 256;

/// Finds the file of a built native program by the name of its image.
pub type Find<'a> = &'a dyn Fn(&str) -> Result<PathBuf, Failure>;

/// What an image will hold.
#[derive(Debug)]
pub struct Plan {
    /// The manifest, read and checked.
    pub system: System,
}

impl Plan {
    /// Reads a manifest; the failure has one line for each fault, with the manifest's name and the number of the line.
    pub fn read(manifest: &Path, find: Find<'_>) -> Result<Self, Failure> {
        let shown = manifest.display();
        let text = fs::read_to_string(manifest);
        let text = text.map_err(|error| Failure::system(format!("cannot read {shown}"), error))?;
        let has_image = |name: &str| find(name).is_ok();
        let system = host::read(&text, &has_image).map_err(|faults| {
            let lines: Vec<_> = faults
                .iter()
                .map(|fault| format!("{shown}: {fault}"))
                .collect();
            Failure::new(lines.join("\n"))
        })?;
        Ok(Self { system })
    }

    /// The program that runs Linux programs, if the image holds it.
    pub fn personality(&mut self) -> Option<&mut host::Member> {
        let mut programs = self.system.programs.iter_mut();
        programs.find(|program| program.image == LINUX)
    }

    /// The names of the programs, in the order in which init starts them.
    pub fn programs(&self) -> Vec<&str> {
        self.system
            .programs
            .iter()
            .map(|program| &*program.name)
            .collect()
    }

    /// The machine's memory in MiB.
    pub fn memory(&self) -> u32 {
        self.system.memory.div_ceil(PAGES)
    }

    /// The package's bytes. The same files give the same bytes, wherever they lie and whenever it is.
    pub fn build(&self, find: Find<'_>, busybox: &Busybox) -> Result<Vec<u8>, Failure> {
        let mut images: Vec<&str> = self
            .system
            .programs
            .iter()
            .map(|program| &*program.image)
            .collect();
        images.sort_unstable();
        images.dedup();
        let mut files = Vec::new();
        for image in images {
            files.push((image, read(&find(image)?)?));
            if image == LINUX {
                let sandbox = read(&find(SANDBOX)?)?;
                let natives = ["sandbox", "bwrap"].map(|name| (name, &*sandbox));
                files.push((LINUX_ROOT, busybox.root(&natives)?));
            }
        }
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| File {
                name,
                mode: 0o755,
                bytes,
            })
            .collect();
        let archive = archive(&files)
            .map_err(|error| Failure::new(format!("the boot archive: {error:?}")))?;
        let init = find(INIT)?;
        package(&read(&init)?, &self.system.encode(), &archive)
            .map_err(|error| Failure::new(format!("{}: {error:?}", init.display())))
    }
}

/// Builds the package of a manifest into a run's folder; gives its path.
pub fn write(manifest: &Path, folder: &Folder) -> Result<PathBuf, Failure> {
    let find: Find<'_> = &images::native;
    let bytes = Plan::read(manifest, find)?.build(find, &Busybox::of_system())?;
    put(&bytes, folder)
}

/// Writes a package's bytes into a run's folder; gives its path.
pub fn put(bytes: &[u8], folder: &Folder) -> Result<PathBuf, Failure> {
    let path = folder.file("boot.package");
    fs::write(&path, bytes)
        .map_err(|error| Failure::system(format!("cannot write {}", path.display()), error))?;
    Ok(path)
}

/// `sundog image MANIFEST FILE`: writes the package that `run` would start.
pub fn main(
    arguments: &[std::ffi::OsString],
    find: Find<'_>,
) -> Result<std::process::ExitCode, Failure> {
    let [manifest, out] = arguments else {
        return Err(Failure::new("usage: sundog image MANIFEST FILE"));
    };
    let bytes = Plan::read(Path::new(manifest), find)?.build(find, &Busybox::of_system())?;
    fs::write(out, bytes)
        .map_err(|error| Failure::system(format!("cannot write {}", out.display()), error))?;
    Ok(std::process::ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::system(format!("cannot read {}", path.display()), error))
}

#[cfg(test)]
mod tests;
