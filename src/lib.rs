//! The launcher's parts: finds out what the machine lacks, sets it up, builds Sundog and becomes the command `sundog`.
//!
//! It has no dependencies and needs no C compiler, so that `cargo run` and `cargo test` work on a machine with rustup and nothing else.
#![forbid(unsafe_code)]

pub mod build;
pub mod crates;
pub mod environment;
pub mod needs;
pub mod packages;
pub mod progress;
pub mod stamp;
pub mod toolchain;
pub mod total;
pub mod tree;

use progress::Progress;
use std::fs::File;
use std::path::PathBuf;
use tree::Tree;

/// The environment variable for continuous integration that makes the launcher print something and end.
///
/// `missing`: what the machine lacks; nothing is installed. `bare`: the packages that are for the bare machine. `bare-only`: those of
/// them that are not for the host. `programs`: the paths of the kernel and the native programs, after they were built.
pub const ONLY_PRINT: &str = "SUNDOG_ONLY_PRINT";

/// Sets up the machine and builds what is not up to date; the answer is the path of the command `sundog`.
///
/// # Errors
/// A text for a person, of one or more lines, that says what failed and what to do.
pub fn set_up(tree: &Tree) -> Result<PathBuf, String> {
    let stamp = stamp::of_sources(tree)?;
    if needs::missing(tree).is_empty() && stamp::is_current(tree, &stamp) {
        return Ok(build::command_path(tree));
    }
    let mut progress = Progress::new();
    let _lock = lock(tree, &mut progress)?;
    // Another start may have done it all in the meantime.
    let missing = needs::missing(tree);
    if !missing.is_empty() {
        needs::provide(&missing, tree, &mut progress)?;
    }
    let stamp = stamp::of_sources(tree)?;
    if !stamp::is_current(tree, &stamp) {
        let built = build::all(tree, &mut progress)?;
        stamp::write(tree, &stamp, &built)?;
    }
    Ok(build::command_path(tree))
}

/// Waits until no other start of this tree sets up; until the file is closed no other will.
fn lock(tree: &Tree, progress: &mut Progress) -> Result<File, String> {
    let path = tree.target.join("setup.lock");
    let fail = |error| format!("sundog: cannot lock {}: {error}", path.display());
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(fail)?;
    if file.try_lock().is_err() {
        progress.step("waiting for another start that sets up");
        file.lock().map_err(fail)?;
    }
    Ok(file)
}
