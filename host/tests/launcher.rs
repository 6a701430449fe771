//! The launcher against a pretended tree and a pretended cargo: what it builds, when, and what it says if something is missing.
//!
//! It is the one that `cargo run` and `cargo test` build. Cargo is a script that notes its calls and "builds" a script as the command.

mod shared;

use shared::{Place, text};
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The user and the group nobody.
const NOBODY: u32 = 65_534;

/// A folder with a tree, a folder of programs that PATH names, and the launcher.
fn place(name: &str) -> Place {
    let place = Place::new(name);
    for folder in ["tree/.cargo", "target", "bin"] {
        fs::create_dir_all(place.0.join(folder)).unwrap();
    }
    fs::write(place.0.join("tree/source.rs"), "//! A source.").unwrap();
    fs::copy(built(), place.0.join("launcher")).unwrap();
    let command = "target/host/x86_64-unknown-linux-gnu/release/sundog";
    let command = place.0.join(command).display().to_string();
    let folder = Path::new(&command).parent().unwrap().display().to_string();
    let calls = place.0.join("calls").display().to_string();
    place.script(
        "bin/cargo",
        &format!(
            "echo \"$@\" quiet: $CARGO_TERM_QUIET >>'{calls}'\n/bin/mkdir -p '{folder}'\nprintf '#!/bin/sh\\necho \"sundog $*\"\\n' >'{command}'\n/bin/chmod 755 '{command}'"
        ),
    );
    place
}

fn launcher(place: &Place) -> Command {
    let mut launcher = Command::new(place.0.join("launcher"));
    launcher
        .env_clear()
        .env("PATH", place.0.join("bin"))
        .env("CARGO", place.0.join("bin/cargo"))
        .env("CARGO_MANIFEST_DIR", place.0.join("tree"))
        .env("CARGO_TARGET_DIR", place.0.join("target"))
        .args(["words", "for it"]);
    launcher
}

/// How often cargo was called so far.
fn calls(place: &Place) -> usize {
    let calls = fs::read_to_string(place.0.join("calls")).unwrap_or_default();
    calls.lines().count()
}

/// The launcher, in the folder of built files that this test lies in.
fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(5).unwrap();
    let launcher = target.join("x86_64-unknown-linux-musl/debug/launcher");
    assert!(
        launcher.is_file(),
        "there is no {}; `cargo run` builds it",
        launcher.display()
    );
    launcher
}

fn said(output: &Output) -> String {
    text(&[&output.stdout[..], &output.stderr].concat())
}

#[test]
fn a_warm_start_builds_nothing_and_calls_no_cargo() {
    let place = place("warm");
    for program in ["qemu-system-x86_64", "cc"] {
        place.script(&format!("bin/{program}"), "exit 9");
    }
    let first = launcher(&place).output().unwrap();
    assert!(first.status.success(), "{}", said(&first));
    assert!(
        said(&first).contains("sundog: building"),
        "{}",
        said(&first)
    );
    let before = calls(&place);
    assert!(before > 0);
    // What the tree's configuration keeps from the person is not kept from the launcher and from those who read tests.
    let noted = fs::read_to_string(place.0.join("calls")).unwrap();
    assert!(
        noted.lines().all(|call| call.ends_with("quiet: false")),
        "{noted}"
    );
    let warm = launcher(&place).output().unwrap();
    assert_eq!(said(&warm), "sundog words for it\n");
    assert_eq!(calls(&place), before);
    // What was changed is built again, and so is what was removed.
    fs::write(place.0.join("tree/source.rs"), "//! Another source.").unwrap();
    launcher(&place).output().unwrap();
    assert!(calls(&place) > before);
    let before = calls(&place);
    fs::remove_dir_all(place.0.join("target/host")).unwrap();
    let again = launcher(&place).output().unwrap();
    assert_eq!(again.stdout, b"sundog words for it\n");
    assert!(calls(&place) > before);
}

#[test]
fn who_is_not_root_is_told_what_is_missing_and_what_to_type() {
    let place = place("missing");
    // It would say so if it were called.
    place.script("bin/apt-get", "echo called >&2; exit 1");
    place.script("bin/sudo", "echo called >&2; exit 1");
    let mut command = launcher(&place);
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if is_root {
        chown(place.0.join("target"), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<_> = said.lines().collect();
    let [missing, command] = lines[..] else {
        panic!("{said}");
    };
    assert!(missing.starts_with("sundog: missing: "), "{said}");
    assert!(command.starts_with("sundog: type: sudo apt-get "), "{said}");
    for package in ["qemu-system-x86", "gcc"] {
        assert!(
            missing.contains(package) && command.contains(package),
            "{said}"
        );
    }
    assert_eq!(calls(&place), 0, "nothing is built before all is there");
}

#[test]
fn without_apt_the_packages_are_named() {
    let place = place("no-apt");
    let output = launcher(&place).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("gcc") && said.contains("package manager"),
        "{said}"
    );
}
