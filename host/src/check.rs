//! `sundog check`: the rules of the source tree that no compiler checks.

mod code;
mod licences;
mod manifests;
mod source_files;
mod style;
mod unsafe_code;

use crate::failure::Failure;
use crate::images;
use crate::say;
use std::process::ExitCode;

/// Runs all checks; prints each breach, and the sum.
pub fn main() -> Result<ExitCode, Failure> {
    let root = images::source_root();
    let files = source_files::list(root)?;
    let mut breaches = manifests::breaches(root, &files)?;
    breaches.extend(unsafe_code::breaches(root, &files)?);
    breaches.extend(style::breaches(root, &files)?);
    breaches.extend(licences::breaches(root)?);
    for breach in &breaches {
        say::line(breach)?;
    }
    say::line(format_args!(
        "sundog check: {} files, {} breaches",
        files.len(),
        breaches.len()
    ))?;
    Ok(if breaches.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
