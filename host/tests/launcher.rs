//! The launcher against a pretended tree and a pretended cargo: what it builds, when, and what it says if something is missing.
//!
//! It is the one that `cargo run` and `cargo test` build. Cargo is a script that notes its calls and "builds" a script as the command.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The user and the group nobody.
const NOBODY: u32 = 65_534;

/// A folder with a tree, a folder of programs that PATH names, and the launcher.
struct Place(
    PathBuf,
    #[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>,
);

/// One test at a time: what one still writes, another one's child could hold open, and a program that is open cannot be started.
static ONE: Mutex<()> = Mutex::new(());

impl Place {
    fn new(name: &str) -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let path = std::env::temp_dir().join(format!("sundog-{name}-{}", std::process::id()));
        let place = Self(path, one);
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
            "cargo",
            &format!(
                "echo \"$@\" >>'{calls}'\n/bin/mkdir -p '{folder}'\nprintf '#!/bin/sh\\necho \"sundog $*\"\\n' >'{command}'\n/bin/chmod 755 '{command}'"
            ),
        );
        place
    }

    fn script(&self, name: &str, lines: &str) {
        let file = self.0.join("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn launcher(&self) -> Command {
        let mut launcher = Command::new(self.0.join("launcher"));
        launcher
            .env_clear()
            .env("PATH", self.0.join("bin"))
            .env("CARGO", self.0.join("bin/cargo"))
            .env("CARGO_MANIFEST_DIR", self.0.join("tree"))
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .args(["words", "for it"]);
        launcher
    }

    /// How often cargo was called so far.
    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
        calls.lines().count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
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
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn a_warm_start_builds_nothing_and_calls_no_cargo() {
    let place = Place::new("warm");
    for program in ["qemu-system-x86_64", "cc"] {
        place.script(program, "exit 9");
    }
    let first = place.launcher().output().unwrap();
    assert!(first.status.success(), "{}", said(&first));
    assert!(
        said(&first).contains("sundog: building"),
        "{}",
        said(&first)
    );
    let calls = place.calls();
    assert!(calls > 0);
    let warm = place.launcher().output().unwrap();
    assert_eq!(said(&warm), "sundog words for it\n");
    assert_eq!(place.calls(), calls);
    // What was changed is built again, and so is what was removed.
    fs::write(place.0.join("tree/source.rs"), "//! Another source.").unwrap();
    place.launcher().output().unwrap();
    assert!(place.calls() > calls);
    let calls = place.calls();
    fs::remove_dir_all(place.0.join("target/host")).unwrap();
    let again = place.launcher().output().unwrap();
    assert_eq!(again.stdout, b"sundog words for it\n");
    assert!(place.calls() > calls);
}

#[test]
fn who_is_not_root_is_told_what_is_missing_and_what_to_type() {
    let place = Place::new("missing");
    // It would say so if it were called.
    place.script("apt-get", "echo called >&2; exit 1");
    place.script("sudo", "echo called >&2; exit 1");
    let mut launcher = place.launcher();
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if is_root {
        chown(place.0.join("target"), Some(NOBODY), Some(NOBODY)).unwrap();
        launcher.uid(NOBODY).gid(NOBODY);
    }
    let output = launcher.output().unwrap();
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
    assert_eq!(place.calls(), 0, "nothing is built before all is there");
}

#[test]
fn without_apt_the_packages_are_named() {
    let place = Place::new("no-apt");
    let output = place.launcher().output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("gcc") && said.contains("package manager"),
        "{said}"
    );
}
