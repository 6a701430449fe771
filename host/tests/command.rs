//! The command as its caller meets it: bad input, and computers that lack something or whose emulator lies.

mod shared;

use shared::{Place, text};
use std::fs;
use std::process::{Command, Stdio};

/// A manifest that names Linux programs.
const FIRST_LIGHT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../system/first-light.toml");

/// A program that is found as QEMU: a shell's lines. What it was given is in the file `arguments`.
fn emulator(place: &Place, lines: &str) {
    let arguments = place.0.join("arguments");
    let note = format!("echo \"$@\" >>'{}'", arguments.display());
    place.script("qemu-system-x86_64", &format!("{note}\n{lines}"));
}

/// Runs the command where nothing but the place's programs is found: its status and what it said.
fn run(place: &Place, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundog"));
    let command = command
        .args(words)
        .env("PATH", &place.0)
        .stdin(Stdio::null())
        // Logs of what failed go with the folder.
        .env("TMPDIR", &place.0);
    let output = command.output().unwrap();
    let status = output.status.code().unwrap();
    (status, text(&output.stdout), text(&output.stderr))
}

#[test]
fn unknown_words_are_named() {
    let place = Place::new("words");
    for (words, named) in [
        (&["no-such"][..], "no-such"),
        (&["bench", "--jsn", "x"], "--jsn"),
        (&["bench", "--json"], "--json needs a file"),
        (&["image", "one"], "usage: sundog image"),
        (&["image", FIRST_LIGHT, "x", "/bin/true"], "\"/bin/true\""),
        (&["image", FIRST_LIGHT, "x", "..", "x"], "\"..\""),
        (&["image", FIRST_LIGHT, "x", "--scrip", "x"], "--scrip"),
        (&["image", FIRST_LIGHT, "x", "--script", "../x"], "../x"),
        (&["run", "--no-such-option", "true"], "--no-such-option"),
        (&["fresh", "now"], "now"),
        (&["test", "no-such"], "there are boot_microvm, "),
        (&["tour", "no-such"], "there are "),
        (&["bench", "no-such"], "no-such"),
        (&["check", "no-such"], "no-such"),
        (&["doctor", "no-such"], "no-such"),
    ] {
        let (status, output, error) = run(&place, words);
        assert_ne!(status, 0, "{words:?}");
        assert!(error.contains(named), "{words:?}: {error}");
        assert!(output.is_empty(), "{words:?}: {output}");
    }
    let (status, output, _) = run(&place, &["test", "--if-any", "no-such"]);
    assert_eq!(status, 0);
    assert!(output.contains("ok. 0 passed"), "{output}");
}

#[test]
fn streams_that_take_nothing_abort_nothing() {
    let place = Place::new("streams");
    let run = |words: &[&str], output: Stdio, error: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundog"));
        let command = command.args(words).env("PATH", &place.0);
        let command = command.stdin(Stdio::null()).stdout(output).stderr(error);
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let unread = || Stdio::from(std::io::pipe().unwrap().1);
    for words in [
        &["help"][..],
        &["doctor"],
        &["run", "--help"],
        &["--version"],
    ] {
        let (status, error) = run(words, full(), Stdio::piped());
        assert_eq!(status, Some(1), "{words:?}");
        assert!(
            error.contains("cannot write to standard output: No space"),
            "{words:?}: {error}"
        );
        let gone = run(words, unread(), Stdio::piped());
        assert_eq!(gone, (Some(141), String::new()), "{words:?}");
    }
    for words in [
        &["no-such"][..],
        &["run", "--no-such"],
        &["tour", "no-such"],
    ] {
        for error in [full(), unread()] {
            assert_eq!(run(words, Stdio::null(), error).0, Some(1), "{words:?}");
        }
    }
}

#[test]
fn a_baseline_that_cannot_be_read_is_told_before_anything_is_counted() {
    let place = Place::new("baseline");
    emulator(&place, "exit 33");
    let (status, _, error) = run(&place, &["bench", "--baseline", "no-such-file"]);
    assert_eq!(status, 1);
    assert!(error.contains("no-such-file"), "{error}");
    assert!(
        !place.0.join("arguments").exists(),
        "no machine was started"
    );
}

#[test]
fn a_manifest_with_a_fault_is_refused_by_line_and_nothing_starts() {
    let place = Place::new("manifest");
    emulator(&place, "exit 33");
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
    let (status, _, error) = run(&place, &words);
    assert_eq!(status, 1);
    let named = format!("bad.toml: line {line}: ");
    assert!(error.contains(&named), "{error}");
    assert!(!package.exists() && !place.0.join("arguments").exists());
}

#[test]
fn without_an_emulator_every_start_says_so() {
    let place = Place::new("no-qemu");
    for words in [&["run", "true"][..], &["bench"], &["test", "boot_microvm"]] {
        let (status, output, error) = run(&place, words);
        assert_ne!(status, 0, "{words:?}");
        let said = output + &error;
        assert!(said.contains("cannot start qemu-system-x86_64"), "{said}");
    }
    let (status, output, _) = run(&place, &["doctor"]);
    assert_eq!(status, 1);
    assert!(output.contains("QEMU: PROBLEM: cannot start"), "{output}");
}

#[test]
fn an_emulator_that_ends_with_0_never_passes() {
    let place = Place::new("ends-with-0");
    emulator(&place, "exit 0");
    for words in [&["run", "true"][..], &["bench"], &["test", "boot_microvm"]] {
        let (status, output, error) = run(&place, words);
        assert_ne!(status, 0, "{words:?}");
        let said = output + &error;
        assert!(said.contains("reset itself"), "{words:?}: {said}");
    }
}

#[test]
fn a_good_status_without_the_kernels_words_does_not_pass() {
    let place = Place::new("silent");
    emulator(&place, "exit 33");
    let (status, output, _) = run(&place, &["test", "boot_microvm"]);
    assert_eq!(status, 1);
    assert!(output.contains("lacks the line"), "{output}");
    let (status, _, error) = run(&place, &["bench"]);
    assert_eq!(status, 1);
    assert!(error.contains("printed no figure"), "{error}");
}

#[test]
fn no_start_asks_for_kvm() {
    let place = Place::new("accelerator");
    emulator(&place, "exit 0");
    run(&place, &["run", "true"]);
    run(&place, &["test", "boot"]);
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
    emulator(&place, "exit 0");
    let (status, output, error) = run(&place, &[]);
    let last = output.lines().last().unwrap();
    assert_eq!(
        last,
        format!("{status} scenes: 0 ok, {status} FAIL"),
        "{error}"
    );
    assert!(status > 5, "{output}");
    let fails = output.lines().filter(|line| line.starts_with("FAIL: "));
    assert_eq!(fails.count(), usize::try_from(status).unwrap());
    let (status, output, _) = run(&place, &["tour", "hostile"]);
    assert_eq!(status, 1);
    assert!(output.contains("1 scenes: 0 ok, 1 FAIL"), "{output}");
}
