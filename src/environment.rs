//! What of cargo's and rustup's environment is kept from the programs that the launcher starts.

use crate::tree::Tree;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

/// Variables of the compiler and of rustup's proxies that change or reveal how something is built.
const BUILD_VARIABLES: [&str; 9] = [
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "RUST_RECURSION_COUNT",
];

/// Cargo's variables that say where packages come from; the builds that the launcher starts keep them.
const KEPT_FOR_BUILDS: [&str; 6] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
];

/// Takes cargo's and rustup's own variables out of what `command` inherits.
pub fn clean(command: &mut Command, tree: &Tree) {
    for (name, _) in env::vars_os() {
        if is_of_cargo(&name) && name != "CARGO_HOME" {
            command.env_remove(&name);
        }
    }
    // Rustup always sets these two; where they say more than the default, the caller did.
    for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(usual).into_os_string());
        if env::var_os(name) == home {
            command.env_remove(name);
        }
    }
    if let Some(folders) = env::var_os("LD_LIBRARY_PATH") {
        match library_folders(&folders, tree) {
            Some(kept) => command.env("LD_LIBRARY_PATH", kept),
            None => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}

/// Takes what would change a build out of what `cargo`, a cargo that the launcher starts, inherits.
pub fn clean_for_build(cargo: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let kept = KEPT_FOR_BUILDS
            .iter()
            .any(|prefix| text.starts_with(prefix))
            || text == "RUSTUP_TOOLCHAIN";
        if is_of_cargo(&name) && !kept {
            cargo.env_remove(&name);
        }
    }
}

/// True for a variable that only cargo, the compiler or rustup's proxies read or set.
fn is_of_cargo(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"CARGO")
        || BUILD_VARIABLES.iter().any(|variable| name == *variable)
}

/// The caller's library folders: those without the ones that cargo put in front; `None` if no other is left.
fn library_folders(folders: &OsStr, tree: &Tree) -> Option<OsString> {
    let kept: Vec<PathBuf> = env::split_paths(folders)
        .filter(|folder| !folder.starts_with(&tree.target))
        .filter(|folder| {
            !tree
                .toolchain()
                .is_some_and(|toolchain| folder.starts_with(toolchain))
        })
        .filter(|folder| !folder.to_string_lossy().contains("/toolchains/"))
        .collect();
    if kept.is_empty() {
        None
    } else {
        env::join_paths(kept).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_variables_are_recognised() {
        for name in ["CARGO", "CARGO_PKG_NAME", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"] {
            assert!(is_of_cargo(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "RUST_BACKTRACE", "RUSTFLAGS_OF_MINE", "MY_CARGO"] {
            assert!(!is_of_cargo(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_the_callers_library_folders_stay() {
        let tree = Tree {
            root: "/t".into(),
            target: "/t/target".into(),
            cargo: "/r/bin/cargo".into(),
        };
        let mixed = OsStr::new("/t/target/debug/deps:/r/lib:/opt/lib");
        assert_eq!(
            library_folders(mixed, &tree),
            Some(OsString::from("/opt/lib"))
        );
        assert_eq!(library_folders(OsStr::new("/t/target/debug"), &tree), None);
    }
}
