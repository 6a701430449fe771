//! `sundog fresh`: repeats the first start on a Debian that has rustup and nothing else, in a folder of its own, and writes down how it went.

mod report;
mod room;
mod steps;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::images;
use crate::say;
pub use report::today;
use report::{Report, Row};
use room::Room;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use sundog_launcher::packages;
use sundog_launcher::progress::Progress;

/// The page that the result goes to, in the source tree.
const PAGE: &str = "docs/results/fresh.md";
/// Programs of this computer that are used; a Debian has all but the first two.
const TOOLS: [&str; 6] = ["git", "rustup", "unshare", "setpriv", "chroot", "mount"];
/// What makes the Debian.
const DEBOOTSTRAP: &str = "debootstrap";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    tests: bool,
    keep: bool,
}

/// Makes the Debian, starts there for the first time, and writes the page.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let options = parse(arguments)?;
    if let Some(text) = refusal(geteuid().is_root(), &packages::on_path) {
        return Err(Failure::new(text));
    }
    if !packages::on_path(DEBOOTSTRAP) {
        packages::install(&[DEBOOTSTRAP], &mut Progress::new()).map_err(Failure::new)?;
    }
    let folder = Folder::new()?;
    let report = run(&options, &folder)?;
    say::print(report.table())?;
    let page = images::source_root().join(PAGE);
    report.write(&page)?;
    say::line(format_args!("written: {}", page.display()))?;
    if options.keep || !report.good() {
        say::line(format_args!(
            "the Debian and the logs: {}",
            folder.keep().display()
        ))?;
    }
    Ok(if report.good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(arguments: &[OsString]) -> Result<Options, Failure> {
    let mut options = Options::default();
    for word in arguments {
        match word.to_str() {
            Some("--tests") => options.tests = true,
            Some("--keep") => options.keep = true,
            _ => {
                return Err(Failure::new(format!(
                    "fresh: unknown argument {word:?}; it takes --tests (run all tests there too) and --keep (leave the Debian there)"
                )));
            }
        }
    }
    Ok(options)
}

/// Why it cannot even begin, if so.
fn refusal(root: bool, there: &dyn Fn(&str) -> bool) -> Option<String> {
    if !root {
        return Some(
            "fresh: making a Debian needs root (devices, mounts, chroot)\ntype: sudo -E env PATH=\"$PATH\" cargo run -- fresh"
                .to_owned(),
        );
    }
    let missing: Vec<_> = TOOLS.into_iter().filter(|tool| !there(tool)).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "fresh: this computer lacks {}; they come from Debian's packages git, util-linux, mount and coreutils, and from https://rustup.rs",
            missing.join(", ")
        )
    })
}

/// Makes the room and takes all steps in it, the first that fails being the last.
fn run(options: &Options, folder: &Folder) -> Result<Report, Failure> {
    let source = images::source_root();
    let mut report = Report::new(version_of(source)?);
    let begin = Instant::now();
    say::warn(Failure::new("making a Debian with debootstrap"));
    let room = Room::new(folder, source)?;
    report.add(Row {
        what: "`debootstrap bookworm`, minimal, with certificates; rustup and a clone put in"
            .to_owned(),
        seconds: begin.elapsed().as_secs_f64(),
        found: "made".to_owned(),
        good: true,
    });
    for step in steps::all(options.tests) {
        say::warn(Failure::new(step.what));
        let row = room.take(step)?;
        let good = row.good;
        report.add(row);
        if !good {
            break;
        }
    }
    report.versions = room.versions();
    Ok(report)
}

/// The tree's version: what is committed is what is cloned.
fn version_of(source: &Path) -> Result<String, Failure> {
    let git = |arguments: &[&str]| -> Result<String, Failure> {
        let output = Command::new("git")
            .arg("-C")
            .arg(source)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::system("cannot start git", error))?;
        if !output.status.success() {
            return Err(Failure::new(format!(
                "fresh: {} is no git tree that can be cloned: {}",
                source.display(),
                String::from_utf8_lossy(&output.stderr).trim_end()
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    };
    let version = git(&["rev-parse", "--short=12", "HEAD"])?;
    if !git(&["status", "--porcelain"])?.is_empty() {
        say::warn(Failure::new("fresh: what is not committed is left out"));
    }
    Ok(version)
}

/// The file of a program in a folder of PATH.
fn program(name: &str) -> Result<PathBuf, Failure> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .and_then(|file| fs::canonicalize(file).ok())
        .ok_or_else(|| Failure::new(format!("there is no {name} in PATH")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_the_two() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(parse(&[]).unwrap(), Options::default());
        let both = parse(&words(&["--tests", "--keep"])).unwrap();
        assert!(both.tests && both.keep);
        let failure = parse(&words(&["--test"])).unwrap_err();
        assert!(failure.text().contains("--test\"") && failure.text().contains("--tests "));
    }

    #[test]
    fn a_caller_who_cannot_is_told_what_lacks() {
        assert_eq!(refusal(true, &|_| true), None);
        let text = refusal(false, &|_| true).unwrap();
        assert!(text.contains("needs root") && text.contains("sudo"));
        let text = refusal(true, &|tool| tool != "git").unwrap();
        assert!(text.contains("lacks git;"), "{text}");
    }
}
