//! What the machine lacks, and how it gets it: parts of the Rust toolchain and Debian packages.

use crate::packages::{self, install_command, on_path};
use crate::progress::Progress;
use crate::toolchain::{self, Part};
use crate::tree::Tree;
use std::fs;

/// What is not there.
pub struct Missing {
    /// Targets and components of the Rust toolchain.
    pub parts: Vec<Part>,
    /// Debian packages.
    pub packages: Vec<&'static str>,
}

impl Missing {
    /// True if the machine has all it needs.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.packages.is_empty()
    }
}

/// Finds out what is not there; looks at files only and starts nothing.
pub fn missing(tree: &Tree) -> Missing {
    Missing {
        parts: toolchain::missing(tree),
        packages: packages::missing(),
    }
}

/// One line that lists what is not there.
pub fn list(missing: &Missing) -> String {
    if missing.is_empty() {
        return "sundog: nothing is missing".to_owned();
    }
    let names: Vec<_> = missing
        .parts
        .iter()
        .map(|part| part.name())
        .chain(missing.packages.iter().copied())
        .collect();
    format!("sundog: missing: {}", names.join(" "))
}

/// Installs what is not there: parts of the toolchain always, packages if the caller is root.
///
/// # Errors
/// What failed and what to do; for packages without root, the exact command to type.
pub fn provide(missing: &Missing, tree: &Tree, progress: &mut Progress) -> Result<(), String> {
    if !missing.packages.is_empty() {
        provide_packages(&missing.packages, progress)?;
    }
    if missing.parts.is_empty() {
        Ok(())
    } else {
        toolchain::add(&missing.parts, tree, progress)
    }
}

fn provide_packages(names: &[&'static str], progress: &mut Progress) -> Result<(), String> {
    let list = names.join(" ");
    if !on_path("apt-get") {
        return Err(format!(
            "sundog: missing: {list} (names of Debian packages)\nsundog: install them with this system's package manager"
        ));
    }
    if is_root() {
        return packages::install(names, progress);
    }
    Err(format!(
        "sundog: missing: {list}\nsundog: type: {}",
        install_command(names, true)
    ))
}

/// True if this process has the effective user id 0.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_everything() {
        let nothing = Missing {
            parts: vec![],
            packages: vec![],
        };
        assert_eq!(list(&nothing), "sundog: nothing is missing");
        let some = Missing {
            parts: vec![Part::Target("x86_64-unknown-none")],
            packages: vec!["gcc"],
        };
        assert_eq!(list(&some), "sundog: missing: x86_64-unknown-none gcc");
    }
}
