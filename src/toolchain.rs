//! Parts of the Rust toolchain: which targets and components are missing, and how rustup adds them.

use crate::packages::on_path;
use crate::progress::Progress;
use crate::tree::{BARE_TARGET, HOST_TARGET, LAUNCHER_TARGET, Tree};
use std::process::{Command, Stdio};

/// A target or component of the toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The standard library of a target.
    Target(&'static str),
    /// A tool, with the name of its program.
    Component(&'static str, &'static str),
}

/// Everything that builds, tests and checks of the tree use.
const PARTS: [Part; 5] = [
    Part::Target(LAUNCHER_TARGET),
    Part::Target(HOST_TARGET),
    Part::Target(BARE_TARGET),
    Part::Component("rustfmt", "cargo-fmt"),
    Part::Component("clippy", "cargo-clippy"),
];

impl Part {
    /// What rustup calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target(name) | Self::Component(name, _) => name,
        }
    }

    fn is_in(self, tree: &Tree) -> bool {
        // Without the toolchain's folder nothing can be seen; a build then says what it lacks.
        let Some(toolchain) = tree
            .toolchain()
            .filter(|folder| folder.join("lib/rustlib").is_dir())
        else {
            return true;
        };
        match self {
            Self::Target(name) => toolchain
                .join("lib/rustlib")
                .join(name)
                .join("lib")
                .is_dir(),
            Self::Component(_, program) => toolchain.join("bin").join(program).is_file(),
        }
    }
}

/// The parts that are not installed.
pub fn missing(tree: &Tree) -> Vec<Part> {
    PARTS.into_iter().filter(|part| !part.is_in(tree)).collect()
}

/// Adds parts to the toolchain that runs the launcher.
///
/// # Errors
/// What rustup said, and what to do.
pub fn add(parts: &[Part], tree: &Tree, progress: &mut Progress) -> Result<(), String> {
    let names: Vec<_> = parts.iter().map(|part| part.name()).collect();
    let names = names.join(" ");
    if !on_path("rustup") {
        return Err(format!(
            "sundog: the Rust toolchain lacks: {names}\nsundog: install rustup, or these parts with what installed cargo"
        ));
    }
    progress.step(&format!("adding to the Rust toolchain: {names}"));
    for part in parts {
        let kind = if matches!(part, Part::Target(_)) {
            "target"
        } else {
            "component"
        };
        let mut rustup = Command::new("rustup");
        rustup
            .args([kind, "add", part.name()])
            .current_dir(&tree.root)
            .env_remove("RUST_RECURSION_COUNT");
        let output = rustup.stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("sundog: cannot start rustup: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "{}\nsundog: `rustup {kind} add {}` failed; what it said is above",
                said.trim_end(),
                part.name()
            ));
        }
    }
    Ok(())
}
