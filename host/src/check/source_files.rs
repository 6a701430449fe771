//! The files of the source tree: all but hidden and built ones.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// The paths of all files under `root`, relative to it, sorted.
pub fn list(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort();
    Ok(files)
}

/// The text of one of the files.
pub fn read(root: &Path, file: &Path) -> Result<String, Failure> {
    fs::read_to_string(root.join(file))
        .map_err(|error| Failure::system(format!("cannot read {}", file.display()), error))
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let fail = |error| {
        Failure::system(
            format!("cannot read the folder {}", folder.display()),
            error,
        )
    };
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let (name, path) = (entry.file_name(), entry.path());
        if name.as_encoded_bytes().starts_with(b".") || path == root.join("target") {
            continue;
        }
        if entry.file_type().map_err(fail)?.is_dir() {
            walk(root, &path, files)?;
        } else if let Ok(relative) = path.strip_prefix(root) {
            files.push(relative.to_owned());
        }
    }
    Ok(())
}
