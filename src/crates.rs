//! Which packages of the tree are made for the bare machine (the kernel, the native programs, the libraries that they use), and which for
//! Linux inside it.

use crate::tree::Tree;
use std::fs;
use std::path::{Path, PathBuf};

/// A package that is compiled for the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// The name of a program's file.
    pub file: String,
    /// Whether it is a program; else it is a library.
    pub program: bool,
    /// Whether it can be compiled for the host too, so that its tests run there.
    pub on_host: bool,
}

/// All packages for the bare machine, in the order of their folders.
///
/// They are known by the attributes at the top of their first source file: programs by `no_main`, libraries by `no_std`. One that
/// stands in a `cfg_attr` holds for the bare machine only.
///
/// # Errors
/// A text that names the manifest whose package name cannot be read.
pub fn bare(tree: &Tree) -> Result<Vec<Package>, String> {
    let mut packages = Vec::new();
    for (folder, manifest) in manifests(tree) {
        let source =
            |name: &str| fs::read_to_string(folder.join("src").join(name)).unwrap_or_default();
        if let Some((program, on_host)) = kind(&source("main.rs"), &source("lib.rs")) {
            packages.push(package(&folder, &manifest, program, on_host)?);
        }
    }
    Ok(packages)
}

/// All packages that are programs for Linux inside a sandbox, in the order of their folders: `linux = true` stands in their manifests'
/// table `[package.metadata.sundog]`.
///
/// # Errors
/// As [`bare`].
pub fn linux(tree: &Tree) -> Result<Vec<Package>, String> {
    let found = manifests(tree).into_iter();
    found
        .filter(|(_, manifest)| is_for_linux(manifest))
        .map(|(folder, manifest)| package(&folder, &manifest, true, true))
        .collect()
}

fn package(folder: &Path, manifest: &str, program: bool, on_host: bool) -> Result<Package, String> {
    let place = || folder.join("Cargo.toml");
    let name = name_in(manifest, "[package]")
        .ok_or_else(|| format!("sundog: no package name in {}", place().display()))?;
    Ok(Package {
        name: name.to_owned(),
        file: name_in(manifest, "[[bin]]").unwrap_or(name).to_owned(),
        program,
        on_host,
    })
}

/// The folders and manifests of all packages, in the order of their folders.
fn manifests(tree: &Tree) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    search(&tree.root, tree, &mut found);
    found
}

/// Looks through `folder`'s subfolders; a package can contain others.
fn search(folder: &Path, tree: &Tree, found: &mut Vec<(PathBuf, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
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
        if let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) {
            found.push((folder.clone(), manifest));
        }
        search(&folder, tree, found);
    }
}

/// Whether a package with these sources is a program, and whether it is for the host too; `None` if it is not for the bare machine.
fn kind(main: &str, lib: &str) -> Option<(bool, bool)> {
    if let Some(attribute) = attribute(main, "no_main") {
        return Some((true, attribute.starts_with("#![cfg_attr(")));
    }
    attribute(lib, "no_std").map(|_| (false, true))
}

/// The attribute of a source file's own that contains a word.
fn attribute<'a>(source: &'a str, word: &str) -> Option<&'a str> {
    source
        .lines()
        .find(|line| line.starts_with("#![") && line.contains(word))
}

/// The name in the first table of a manifest that has this head.
fn name_in<'a>(manifest: &'a str, head: &str) -> Option<&'a str> {
    value_in(manifest, head, "name")?
        .strip_prefix('"')?
        .strip_suffix('"')
}

fn is_for_linux(manifest: &str) -> bool {
    value_in(manifest, "[package.metadata.sundog]", "linux") == Some("true")
}

/// The value of a key in the first table of a manifest that has this head.
fn value_in<'a>(manifest: &'a str, head: &str, key: &str) -> Option<&'a str> {
    let table = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != head)
        .skip(1);
    let mut table = table.take_while(|line| !line.starts_with('['));
    let (_, value) = table.find(|line| line.starts_with(key))?.split_once('=')?;
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_and_its_file_have_names() {
        let manifest = "[[bin]]\nname = \"other\"\n\n[package]\nversion = \"1\"\nname = \"mine\"\n";
        assert_eq!(name_in(manifest, "[package]"), Some("mine"));
        assert_eq!(name_in(manifest, "[[bin]]"), Some("other"));
        let nameless = "[package]\n[lib]\nname = \"x\"\n";
        assert_eq!(name_in(nameless, "[package]"), None);
    }

    #[test]
    fn programs_for_linux_say_so() {
        let manifest = "[package]\nname = \"x\"\n\n[package.metadata.sundog]\nlinux = true\n";
        assert!(is_for_linux(manifest));
        assert!(!is_for_linux("[package]\nlinux = true\n"));
        assert!(!is_for_linux(&manifest.replace("true", "false")));
    }

    #[test]
    fn kinds_are_told_by_attributes() {
        let both = "//! A kernel.\n#![cfg_attr(target_os = \"none\", no_std, no_main)]\n";
        assert_eq!(kind(both, ""), Some((true, true)));
        assert_eq!(kind("#![no_std]\n#![no_main]\n", ""), Some((true, false)));
        assert_eq!(kind("", "//! Words.\n#![no_std]\n"), Some((false, true)));
        assert_eq!(
            kind("// no_main\nfn main() {}\n", "//! With std, not no_std.\n"),
            None
        );
    }
}
