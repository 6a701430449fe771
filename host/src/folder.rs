//! The private folder of one run: sockets and logs, gone at the end unless it is kept for a person to read.

use crate::failure::Failure;
use rustix::process::geteuid;
use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How the name of a run's folder begins; then come the number of the process, a dash and something random.
const PREFIX: &str = "sundog-run-";
/// How the name of a folder begins that was kept.
const KEPT_PREFIX: &str = "sundog-logs-";

/// A folder that only this user can enter, removed when it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Makes an empty folder under the system's folder for temporary files; removes those of this user's runs that were killed.
    pub fn new() -> Result<Self, Failure> {
        let parent = std::env::temp_dir();
        remove_left_over(&parent);
        // Keys of the standard library's hash tables come from the system's random numbers.
        let number = RandomState::new().build_hasher().finish();
        let path = parent.join(format!("{PREFIX}{}-{number:016x}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Failure::system(format!("cannot make the folder {}", path.display()), error)
        })?;
        Ok(Self { path, kept: false })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Leaves the folder behind, under a name that no later run removes, and gives its path.
    pub fn keep(mut self) -> PathBuf {
        self.kept = true;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let kept = self
            .path
            .with_file_name(name.replacen(PREFIX, KEPT_PREFIX, 1));
        if fs::rename(&self.path, &kept).is_ok() {
            kept
        } else {
            self.path.clone()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed by a later run.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// Removes the folders of runs whose process is gone; leaves what is not this user's, or what it cannot remove.
fn remove_left_over(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let gone = process_of(&entry.file_name().to_string_lossy())
            .is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists());
        // A link's own owner is asked for, not that of what it points to.
        let own = || {
            entry
                .metadata()
                .is_ok_and(|entry| entry.is_dir() && entry.uid() == geteuid().as_raw())
        };
        if gone && own() {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// The number of the process that made the folder with this name.
fn process_of(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_goes_away() {
        let folder = Folder::new().unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        fs::write(folder.file("log"), "text").unwrap();
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_kept_one_stays() {
        let folder = Folder::new().unwrap();
        fs::write(folder.file("log"), "text").unwrap();
        let path = folder.keep();
        drop(Folder::new().unwrap());
        assert_eq!(fs::read_to_string(path.join("log")).unwrap(), "text");
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn only_those_of_killed_runs_are_removed() {
        let own = Folder::new().unwrap();
        // No process has this number: it is above the largest that Linux gives.
        let [dead, other] = [
            format!("{PREFIX}4294967295-0"),
            "sundog-mine-4294967295-0".to_owned(),
        ];
        let living = format!("{PREFIX}{}-0", std::process::id());
        for name in [&dead, &other, &living] {
            fs::create_dir(own.file(name)).unwrap();
        }
        remove_left_over(own.path());
        assert!(
            !own.file(&dead).exists() && own.file(&other).exists() && own.file(&living).exists()
        );
    }
}
