//! Builds the host command, the kernel, the native programs and the programs for Linux with cargo.

use crate::progress::Progress;
use crate::tree::{BARE_TARGET, HOST_TARGET, LINUX_TARGET, Tree};
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

/// Programs for Linux carry nothing for a debugger: they are copied when they are started.
const LINUX_PROFILE: [(&str, &str); 2] = [
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
];

/// Builds the kernel, the native programs and those for Linux; the answer is their paths. The same sources give the same bytes,
/// wherever they lie.
///
/// # Errors
/// Cargo's own error output, when it fails.
pub fn programs(tree: &Tree, progress: &mut Progress) -> Result<Vec<PathBuf>, String> {
    progress.step("building the kernel and the system's programs");
    let mut bare = crates::bare(tree)?;
    bare.retain(|package| package.program);
    let mut built = release(tree, &bare, BARE_TARGET, &tree.bare_target(), &[])?;
    let linux = crates::linux(tree)?;
    let folder = tree.linux_target();
    built.extend(release(
        tree,
        &linux,
        LINUX_TARGET,
        &folder,
        &LINUX_PROFILE,
    )?);
    Ok(built)
}

/// Builds programs for a target; the answer is their paths.
fn release(
    tree: &Tree,
    programs: &[crates::Package],
    target: &str,
    folder: &Path,
    profile: &[(&str, &str)],
) -> Result<Vec<PathBuf>, String> {
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let mut build = cargo(tree, "build", target, folder);
    build
        .arg("--release")
        .env("CARGO_ENCODED_RUSTFLAGS", without_places(tree))
        .envs(profile.iter().copied());
    for program in programs {
        build.args(["--package", &program.name]);
    }
    run(build)?;
    let folder = folder.join(target).join("release");
    let files = programs.iter().map(|program| folder.join(&program.file));
    Ok(files.collect())
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
        // The tree's own configuration is for the person's cargo: tests are to be told by their names.
        .env("CARGO_TERM_QUIET", "false")
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
