//! Builds the boot package: a manifest of `system/`, the native programs that it names, and the root folder of Linux programs.

mod busybox;
mod given;
mod newc;
mod trim;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::images;
use std::fs;
use std::path::{Path, PathBuf};
use sundog_manifest::Kind;
use sundog_manifest::host::{self, System};
use sundog_package::{File, archive, package};

pub use busybox::Busybox;
pub use trim::trimmed;

/// The first program, which is not in the manifest.
const INIT: &str = "init";
/// The image of the Linux personality.
pub const LINUX: &str = "linux";
/// The native programs that a Linux shell can start: where they lie in the root folder, and their images.
const NATIVES: [(&str, &str); 4] = [
    ("bin/sandbox", "sandbox"),
    ("bin/bwrap", "sandbox"),
    ("bin/caps", "caps"),
    ("bin/ns", "ns"),
];
/// The archive that is the root folder of Linux programs, in the boot package's archive.
const LINUX_ROOT: &str = "linux.cpio";
/// The folder of scripts in it.
const SCRIPTS: &str = "tests";
/// The folder of the root folder that is the same again.
const TREE: &str = "tree";
/// The boot package in the folder of a run.
const PACKAGE: &str = "boot.package";
/// Pages in a MiB.
const PAGES: u32 = 256;

/// Whether a name is that of a file in a folder, and nothing else: it leads out of none.
fn is_plain(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.starts_with('-') && !name.is_empty() && name.bytes().all(is_fit)
}

/// Finds the file of a built native program by the name of its image.
pub type Find<'a> = &'a dyn Fn(&str) -> Result<PathBuf, Failure>;

/// What an image will hold.
#[derive(Debug)]
pub struct Plan {
    /// The manifest, read and checked.
    pub system: System,
    /// Files of the root folder of Linux programs that are in no other image.
    guests: Vec<Guest>,
    /// Whether the root folder is there once more, in the folder [`TREE`], and the scripts that are only in that.
    tree: Option<Vec<Guest>>,
}

/// A file of the root folder of Linux programs.
#[derive(Debug)]
struct Guest {
    name: String,
    mode: u32,
    bytes: Vec<u8>,
}

/// What one image's Linux programs have besides busybox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guests<'a> {
    /// Programs of the tree for Linux, by their names, which go to `/bin`.
    pub programs: &'a [&'a str],
    /// Scripts of `tests/linux`, by their names without `.sh`, which go to `/tests`. The first is what the personality runs.
    pub scripts: &'a [&'a str],
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
        Ok(Self {
            system,
            guests: Vec::new(),
            tree: None,
        })
    }

    /// Adds programs and scripts for Linux. With a script the personality runs `sh -ex SCRIPT`, behind the options of the manifest.
    pub fn add(&mut self, guests: &Guests<'_>) -> Result<(), Failure> {
        let mut names = guests.programs.iter().chain(guests.scripts);
        if let Some(name) = names.find(|name| !is_plain(name)) {
            return Err(Failure::new(format!(
                "a program or script is named as in tests/programs and tests/linux, without a folder: {name:?} is no such name"
            )));
        }
        let programs = guests.programs.iter().map(|name| {
            let bytes = read(&images::linux(name)?)?;
            Ok((format!("bin/{name}"), 0o755, bytes))
        });
        for guest in programs {
            let (name, mode, bytes) = guest?;
            self.guests.push(Guest { name, mode, bytes });
        }
        self.guests.extend(scripts(guests.scripts)?);
        if let Some(first) = guests.scripts.first() {
            let script = format!("/{SCRIPTS}/{first}.sh");
            let personality = self.personality();
            let personality = personality
                .ok_or_else(|| Failure::new("a script needs a system with the image linux"))?;
            let words = ["sh", "-ex", &script].map(str::to_owned);
            personality.arguments.extend(words);
        }
        Ok(())
    }

    /// Adds the root folder once more, as the folder `/tree` in itself, with scripts of its own; without any it is not added.
    pub fn add_tree(&mut self, names: &[&str]) -> Result<(), Failure> {
        if !names.is_empty() {
            self.tree = Some(scripts(names)?);
        }
        Ok(())
    }

    /// The names of the programs that nothing can replace while others run: those that share a ring.
    pub fn irreplaceable(&self) -> Vec<&str> {
        let programs = self.system.programs.iter();
        let shares = |program: &&host::Member| {
            let mut given = program.capabilities.iter();
            given.any(|grant| matches!(grant.kind, Kind::Ring { .. }))
        };
        programs
            .filter(shares)
            .map(|program| &*program.name)
            .collect()
    }

    /// Starts a program of the manifest with other arguments.
    pub fn set_arguments(&mut self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut programs = self.system.programs.iter_mut();
        let program = programs
            .find(|listed| listed.name == program)
            .ok_or_else(|| Failure::new(format!("the manifest has no program {program}")))?;
        program.arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Ok(())
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
            files.push((image, program(&find(image)?)?));
            if image == LINUX {
                let natives = NATIVES.map(|(path, image)| Ok((path, program(&find(image)?)?)));
                let natives = natives.into_iter().collect::<Result<Vec<_>, Failure>>()?;
                let natives = || {
                    natives.iter().map(|(name, bytes)| File {
                        name,
                        mode: 0o755,
                        bytes,
                    })
                };
                let more: Vec<_> = natives().chain(self.guests.iter().map(file)).collect();
                let tree = self.tree.as_ref();
                let tree =
                    tree.map(|tree| (TREE, natives().chain(tree.iter().map(file)).collect()));
                let roots: Vec<(&str, Vec<File<'_>>)> =
                    core::iter::once(("", more)).chain(tree).collect();
                files.push((LINUX_ROOT, busybox.roots(&roots)?));
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
        let mut system = self.system.clone();
        given::tell(&mut system);
        package(&read(&init)?, &system.encode(), &archive)
            .map_err(|error| Failure::new(format!("{}: {error:?}", init.display())))
    }
}

/// Builds the package of a manifest, with what its Linux programs have besides, into a run's folder; gives its path.
pub fn write(manifest: &Path, guests: &Guests<'_>, folder: &Folder) -> Result<PathBuf, Failure> {
    let find: Find<'_> = &images::native;
    let mut plan = Plan::read(manifest, find)?;
    plan.add(guests)?;
    put(&plan.build(find, &Busybox::of_system())?, folder)
}

/// Writes a package's bytes into a run's folder; gives its path.
pub fn put(bytes: &[u8], folder: &Folder) -> Result<PathBuf, Failure> {
    let path = folder.file(PACKAGE);
    fs::write(&path, bytes)
        .map_err(|error| Failure::system(format!("cannot write {}", path.display()), error))?;
    Ok(path)
}

/// Removes what [`put`] wrote, if it is still there.
pub fn remove(folder: &Folder) {
    drop(fs::remove_file(folder.file(PACKAGE)));
}

/// `sundog image MANIFEST FILE [--script NAME] [PROGRAM]...`: writes the package that `run` or a test would start.
pub fn main(
    arguments: &[std::ffi::OsString],
    find: Find<'_>,
) -> Result<std::process::ExitCode, Failure> {
    let usage = || Failure::new("usage: sundog image MANIFEST FILE [--script NAME] [PROGRAM]...");
    let [manifest, out, rest @ ..] = arguments else {
        return Err(usage());
    };
    let rest: Option<Vec<&str>> = rest.iter().map(|word| word.to_str()).collect();
    let rest = rest.ok_or_else(usage)?;
    let guests = match &*rest {
        ["--script", _, ..] => Guests {
            programs: &rest[2..],
            scripts: &rest[1..2],
        },
        _ => Guests {
            programs: &rest,
            scripts: &[],
        },
    };
    let mut plan = Plan::read(Path::new(manifest), find)?;
    plan.add(&guests)?;
    let bytes = plan.build(find, &Busybox::of_system())?;
    fs::write(out, bytes)
        .map_err(|error| Failure::system(format!("cannot write {}", out.display()), error))?;
    Ok(std::process::ExitCode::SUCCESS)
}

/// Scripts of `tests/linux`, by their names without `.sh`.
fn scripts(names: &[&str]) -> Result<Vec<Guest>, Failure> {
    let scripts = names.iter().map(|name| {
        Ok(Guest {
            name: format!("{SCRIPTS}/{name}.sh"),
            mode: 0o644,
            bytes: read(&images::script(name))?,
        })
    });
    scripts.collect()
}

fn file(guest: &Guest) -> File<'_> {
    File {
        name: &guest.name,
        mode: guest.mode,
        bytes: &guest.bytes,
    }
}

/// A native program's file, as far as it is loaded.
fn program(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path).map(trim::trimmed)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::system(format!("cannot read {}", path.display()), error))
}

#[cfg(test)]
mod tests;
