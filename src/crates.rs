//! Which packages of the tree are bare programs: the kernel and the native programs, built for no operating system.

use crate::tree::Tree;
use std::fs;
use std::path::Path;

/// The names of all bare programs, in the order of their folders: packages whose `src/main.rs` has no `main` (`no_main`).
///
/// # Errors
/// A text that names the manifest whose package name cannot be read.
pub fn bare(tree: &Tree) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    search(&tree.root, tree, &mut names)?;
    Ok(names)
}

/// Looks through `folder`'s subfolders; a package can contain others.
fn search(folder: &Path, tree: &Tree, names: &mut Vec<String>) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut folders: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        let hidden = folder
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || folder == tree.target || folder == tree.root.join("target") {
            continue;
        }
        let main = fs::read_to_string(folder.join("src/main.rs")).unwrap_or_default();
        if main
            .lines()
            .any(|line| line.starts_with("#![") && line.contains("no_main"))
        {
            let manifest = folder.join("Cargo.toml");
            let text = fs::read_to_string(&manifest).unwrap_or_default();
            let name = package_name(&text)
                .ok_or_else(|| format!("sundog: no package name in {}", manifest.display()))?;
            names.push(name.to_owned());
        }
        search(&folder, tree, names)?;
    }
    Ok(())
}

/// The name in a manifest's `[package]` table.
fn package_name(manifest: &str) -> Option<&str> {
    let table = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[package]")
        .skip(1);
    let mut table = table.take_while(|line| !line.starts_with('['));
    let (_, value) = table
        .find(|line| line.starts_with("name"))?
        .split_once('=')?;
    value.trim().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_name_is_not_a_binarys() {
        let manifest = "[[bin]]\nname = \"other\"\n\n[package]\nversion = \"1\"\nname = \"mine\"\n";
        assert_eq!(package_name(manifest), Some("mine"));
        assert_eq!(package_name("[package]\n[lib]\nname = \"x\"\n"), None);
    }
}
