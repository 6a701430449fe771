//! The command as its caller meets it: bad input, and computers that lack something or whose emulator lies.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A folder of its own for one test, with a stand-in for QEMU if there is one.
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
        fs::create_dir_all(&path).unwrap();
        Self(path, one)
    }

    /// A program that is found as QEMU: a shell's lines. What it was given is in the file `arguments`.
    fn emulator(&self, lines: &str) {
        let file = self.0.join("qemu-system-x86_64");
        let arguments = self.0.join("arguments");
        let script = format!(
            "#!/bin/sh\necho \"$@\" >>'{}'\n{lines}\n",
            arguments.display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundog"));
        let command = command
            .args(words)
            .env("PATH", &self.0)
            .stdin(Stdio::null())
            // Logs of what failed go with the folder.
            .env("TMPDIR", &self.0);
        result(command.output().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn result(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn unknown_words_are_named() {
    let place = Place::new("words");
    for (words, named) in [
        (&["no-such"][..], "no-such"),
        (&["bench", "--jsn", "x"], "--jsn"),
        (&["bench", "--json"], "--json needs a file"),
        (&["image", "one"], "usage: sundog image"),
        (&["run", "--no-such-option", "true"], "--no-such-option"),
        (&["fresh", "now"], "now"),
        (&["test", "no-such"], "there are boot_microvm, "),
        (&["tour", "no-such"], "there are "),
        (&["bench", "no-such"], "no-such"),
        (&["check", "no-such"], "no-such"),
        (&["doctor", "no-such"], "no-such"),
    ] {
        let (status, output, error) = place.run(words);
        assert_ne!(status, 0, "{words:?}");
        assert!(error.contains(named), "{words:?}: {error}");
        assert!(output.is_empty(), "{words:?}: {output}");
    }
    let (status, output, _) = place.run(&["test", "--if-any", "no-such"]);
    assert_eq!(status, 0);
    assert!(output.contains("ok. 0 passed"), "{output}");
}

#[test]
fn a_manifest_with_a_fault_is_refused_by_line_and_nothing_starts() {
    let place = Place::new("manifest");
    place.emulator("exit 33");
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/../system/serial-lines.toml");
    let text = fs::read_to_string(good).unwrap();
    let faulty = text.replacen("slots = 64", "slots = 4", 1);
    assert_ne!(faulty, text);
    let line = faulty.lines().position(|line| line == "slots = 4").unwrap() + 1;
    let (manifest, package) = (place.0.join("bad.toml"), place.0.join("package"));
    fs::write(&manifest, faulty).unwrap();
    let words = [
        "image",
        manifest.to_str().unwrap(),
        package.to_str().unwrap(),
    ];
    let (status, _, error) = place.run(&words);
    assert_eq!(status, 1);
    let named = format!("bad.toml: line {line}: ");
    assert!(error.contains(&named), "{error}");
    assert!(!package.exists() && !place.0.join("arguments").exists());
}

#[test]
fn without_an_emulator_every_start_says_so() {
    let place = Place::new("no-qemu");
    for words in [&["run", "true"][..], &["bench"], &["test", "boot_microvm"]] {
        let (status, output, error) = place.run(words);
        assert_ne!(status, 0, "{words:?}");
        let said = output + &error;
        assert!(said.contains("cannot start qemu-system-x86_64"), "{said}");
    }
    let (status, output, _) = place.run(&["doctor"]);
    assert_eq!(status, 1);
    assert!(output.contains("QEMU: PROBLEM: cannot start"), "{output}");
}

#[test]
fn an_emulator_that_ends_with_0_never_passes() {
    let place = Place::new("ends-with-0");
    place.emulator("exit 0");
    for words in [&["run", "true"][..], &["bench"], &["test", "boot_microvm"]] {
        let (status, output, error) = place.run(words);
        assert_ne!(status, 0, "{words:?}");
        let said = output + &error;
        assert!(said.contains("reset itself"), "{words:?}: {said}");
    }
}

#[test]
fn a_good_status_without_the_kernels_words_does_not_pass() {
    let place = Place::new("silent");
    place.emulator("exit 33");
    let (status, output, _) = place.run(&["test", "boot_microvm"]);
    assert_eq!(status, 1);
    assert!(output.contains("lacks the line"), "{output}");
    let (status, _, error) = place.run(&["bench"]);
    assert_eq!(status, 1);
    assert!(error.contains("printed no figure"), "{error}");
}

#[test]
fn no_start_asks_for_kvm() {
    let place = Place::new("accelerator");
    place.emulator("exit 0");
    place.run(&["run", "true"]);
    place.run(&["test", "boot"]);
    let given = fs::read_to_string(place.0.join("arguments")).unwrap();
    assert!(given.lines().count() >= 3, "{given}");
    for line in given.lines() {
        assert!(
            line.contains("-accel tcg") && !line.contains("kvm"),
            "{line}"
        );
    }
}

#[test]
fn an_empty_standard_input_is_a_tour_whose_status_is_the_number_of_fails() {
    let place = Place::new("tour");
    place.emulator("exit 0");
    let (status, output, error) = place.run(&[]);
    let last = output.lines().last().unwrap();
    assert_eq!(
        last,
        format!("{status} scenes: 0 ok, {status} FAIL"),
        "{error}"
    );
    assert!(status > 5, "{output}");
    let fails = output.lines().filter(|line| line.starts_with("FAIL: "));
    assert_eq!(fails.count(), usize::try_from(status).unwrap());
    let (status, output, _) = place.run(&["tour", "hostile"]);
    assert_eq!(status, 1);
    assert!(output.contains("1 scenes: 0 ok, 1 FAIL"), "{output}");
}
