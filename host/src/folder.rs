//! The private folder of one run: sockets and logs, gone at the end unless it is kept for a person to read.

use crate::failure::Failure;
use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder that only this user can enter, removed when it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Makes an empty folder with a name that cannot be guessed, under the system's folder for temporary files.
    pub fn new() -> Result<Self, Failure> {
        // Keys of the standard library's hash tables come from the system's random numbers.
        let number = RandomState::new().build_hasher().finish();
        let path = std::env::temp_dir().join(format!("sundog-{number:016x}"));
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

    /// Leaves the folder behind and gives its path.
    pub fn keep(mut self) -> PathBuf {
        self.kept = true;
        self.path.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed with the system's other temporary files.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

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
        let path = Folder::new().unwrap().keep();
        assert!(path.exists());
        fs::remove_dir(path).unwrap();
    }
}
