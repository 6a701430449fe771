//! Decides without cargo whether what was built is up to date: a stamp over the sizes and times of all source files.

use crate::tree::Tree;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The stamp of all files of the tree that a build can read, and of the toolchain, as text.
///
/// # Errors
/// A text that names the file or folder that cannot be read.
pub fn of_sources(tree: &Tree) -> Result<String, String> {
    let mut sum = Sum::new();
    sum.add(tree.cargo.as_os_str().as_encoded_bytes());
    if let Ok(cargo) = fs::metadata(&tree.cargo) {
        sum.add_number(cargo.mtime().cast_unsigned());
        sum.add_number(cargo.size());
    }
    walk(&tree.root, tree, &mut sum)?;
    walk(&tree.root.join(".cargo"), tree, &mut sum)?;
    Ok(format!("{:016x}", sum.0))
}

/// True if the last complete build had the same stamp and all that it built is still there.
pub fn is_current(tree: &Tree, stamp: &str) -> bool {
    let Ok(text) = fs::read_to_string(file(tree)) else {
        return false;
    };
    let mut lines = text.lines();
    lines.next() == Some(stamp) && lines.all(|built| Path::new(built).is_file())
}

/// Remembers the stamp of a complete build, and the files that it built.
///
/// # Errors
/// A text that names the file that cannot be written.
pub fn write(tree: &Tree, stamp: &str, built: &[PathBuf]) -> Result<(), String> {
    let file = file(tree);
    let built: String = built
        .iter()
        .map(|path| format!("{}\n", path.display()))
        .collect();
    let written = fs::write(&file, format!("{stamp}\n{built}"));
    written.map_err(|error| format!("sundog: cannot write {}: {error}", file.display()))
}

fn file(tree: &Tree) -> PathBuf {
    tree.target.join("built.stamp")
}

/// Adds all files under `folder`, in the order of their names; hidden ones and built ones are left out.
fn walk(folder: &Path, tree: &Tree, sum: &mut Sum) -> Result<(), String> {
    let describe = |error| format!("sundog: cannot read {}: {error}", folder.display());
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(describe)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if hidden || path == tree.target || path == tree.root.join("target") {
            continue;
        }
        let kind = entry.file_type().map_err(describe)?;
        if kind.is_dir() {
            walk(&path, tree, sum)?;
        } else if let Ok(file) = fs::metadata(&path) {
            sum.add(path.as_os_str().as_encoded_bytes());
            sum.add_number(file.size());
            sum.add_number(file.mtime().cast_unsigned());
            sum.add_number(file.mtime_nsec().cast_unsigned());
        }
    }
    Ok(())
}

/// The 64-bit FNV-1a checksum: the standard library promises no hash that is the same in the next toolchain.
struct Sum(u64);

impl Sum {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn add_number(&mut self, number: u64) {
        self.add(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_the_stamp_and_a_built_one_does_not() {
        let root = std::env::temp_dir().join(format!("sundog-stamp-{}", std::process::id()));
        let tree = Tree {
            target: root.join("target"),
            cargo: "cargo".into(),
            root,
        };
        for folder in [".cargo", "source", "target"] {
            fs::create_dir_all(tree.root.join(folder)).unwrap();
        }
        fs::write(tree.root.join("source/a.rs"), "a").unwrap();
        let first = of_sources(&tree).unwrap();
        fs::write(tree.root.join("target/built"), "b").unwrap();
        assert_eq!(of_sources(&tree).unwrap(), first);
        fs::write(tree.root.join("source/a.rs"), "ab").unwrap();
        let second = of_sources(&tree).unwrap();
        assert_ne!(second, first);
        fs::rename(tree.root.join("source/a.rs"), tree.root.join("source/b.rs")).unwrap();
        assert_ne!(of_sources(&tree).unwrap(), second);
        assert!(!is_current(&tree, &second));
        let built = tree.target.join("built");
        write(&tree, &second, std::slice::from_ref(&built)).unwrap();
        assert!(is_current(&tree, &second) && !is_current(&tree, &first));
        fs::remove_file(built).unwrap();
        assert!(!is_current(&tree, &second));
        fs::remove_dir_all(&tree.root).unwrap();
    }
}
