//! Builds the host command, the kernel and the native programs with cargo.

use crate::progress::Progress;
use crate::tree::{BARE_TARGET, HOST_TARGET, Tree};
use crate::{crates, environment};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The package of the host command and the name of its binary.
const HOST_PACKAGE: &str = "sundog";

/// The host command is waited for by a person and does no heavy work: it is compiled fast rather than to the last instruction.
const HOST_PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
];

/// Where the host command lies once it is built.
pub fn command_path(tree: &Tree) -> PathBuf {
    tree.host_target()
        .join(HOST_TARGET)
        .join("release")
        .join(HOST_PACKAGE)
}

/// Builds everything that is not up to date; the answer is what was built.
///
/// # Errors
/// Cargo's own error output, when it fails.
pub fn all(tree: &Tree, progress: &mut Progress) -> Result<Vec<PathBuf>, String> {
    let mut built = vec![command_path(tree)];
    progress.step("building the command sundog");
    let mut host = cargo(tree, "build", HOST_TARGET, &tree.host_target());
    host.args(["--release", "--package", HOST_PACKAGE])
        .envs(HOST_PROFILE);
    run(host)?;
    built.extend(programs(tree, progress)?);
    Ok(built)
}

/// Builds the kernel and the native programs; the answer is their paths. The same sources give the same bytes, wherever they lie.
///
/// # Errors
/// Cargo's own error output, when it fails.
pub fn programs(tree: &Tree, progress: &mut Progress) -> Result<Vec<PathBuf>, String> {
    let packages = crates::bare(tree)?;
    let programs: Vec<_> = packages.iter().filter(|package| package.program).collect();
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    progress.step("building the kernel and the system's programs");
    let mut bare = cargo(tree, "build", BARE_TARGET, &tree.bare_target());
    bare.arg("--release")
        .env("CARGO_ENCODED_RUSTFLAGS", without_places(tree));
    let folder = tree.bare_target().join(BARE_TARGET).join("release");
    let mut built = Vec::new();
    for program in programs {
        bare.args(["--package", &program.name]);
        built.push(folder.join(&program.name));
    }
    run(bare)?;
    Ok(built)
}

/// Compiler flags that replace, in what is built, the places of the tree and of cargo's packages by names.
fn without_places(tree: &Tree) -> OsString {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let packages = home.map(|home| home.join("registry/src"));
    let mut flags = OsString::new();
    for (place, name) in [
        (Some(&tree.root), "/sundog"),
        (packages.as_ref(), "/packages"),
    ] {
        let Some(place) = place else { continue };
        if !flags.is_empty() {
            // What separates flags in this variable: a place can contain spaces.
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// A cargo with a clean environment and its own folder of built files, so that it never waits for the cargo that runs the launcher.
pub fn cargo(tree: &Tree, subcommand: &str, target: &str, target_folder: &Path) -> Command {
    let mut cargo = Command::new(&tree.cargo);
    environment::clean_for_build(&mut cargo);
    cargo
        .current_dir(&tree.root)
        .args([subcommand, "--locked", "--target", target, "--target-dir"])
        .arg(target_folder);
    cargo
}

/// Runs a silent cargo; its output is shown only if it failed.
fn run(mut cargo: Command) -> Result<(), String> {
    let output = cargo.arg("--quiet").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("sundog: cannot start cargo: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{}\nsundog: the build failed; what cargo said is above",
        said.trim_end()
    ))
}
