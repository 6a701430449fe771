//! Where things are: the source tree, the folder of built files and the Rust toolchain.

use std::env;
use std::path::{Path, PathBuf};

/// The target of the host command, which is linked by the machine's C compiler.
pub const HOST_TARGET: &str = "x86_64-unknown-linux-gnu";
/// The target of the kernel and of all native programs.
pub const BARE_TARGET: &str = "x86_64-unknown-none";
/// The target of the launcher itself.
pub const LAUNCHER_TARGET: &str = "x86_64-unknown-linux-musl";
/// The target of programs for Linux inside a sandbox: static, and linked without a C compiler.
pub const LINUX_TARGET: &str = LAUNCHER_TARGET;

/// The folders that the launcher works with.
pub struct Tree {
    /// The root of the source tree.
    pub root: PathBuf,
    /// The folder of built files, `target` unless the caller chose another.
    pub target: PathBuf,
    /// The cargo that builds everything, by its full path where cargo itself started the launcher.
    pub cargo: PathBuf,
}

impl Tree {
    /// Finds the folders from cargo's environment, or from what was true when the launcher was compiled.
    pub fn find() -> Self {
        let root = path("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let target = path("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        let cargo = path("CARGO").or_else(|| Some(PathBuf::from(option_env!("CARGO")?)));
        let cargo = cargo
            .filter(|cargo| cargo.is_file())
            .unwrap_or_else(|| "cargo".into());
        Self {
            root,
            target,
            cargo,
        }
    }

    /// The toolchain's folder (the one that contains `bin/cargo`), if cargo's full path is known.
    pub fn toolchain(&self) -> Option<&Path> {
        self.cargo.parent()?.parent()
    }

    /// Where the host command and the host's tests are built.
    pub fn host_target(&self) -> PathBuf {
        self.target.join("host")
    }

    /// Where the kernel and native programs are built.
    pub fn bare_target(&self) -> PathBuf {
        self.target.join("bare")
    }

    /// Where programs for Linux inside a sandbox are built.
    pub fn linux_target(&self) -> PathBuf {
        self.target.join("linux")
    }
}

/// A path from an environment variable that is set and not empty.
fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
