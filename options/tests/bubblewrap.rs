//! Differential test: bad command lines give the message and exit code of the bubblewrap that is installed.
//!
//! Each line ends in an unknown option, or names no program, so that the real one never gets as far as making a sandbox.
//! Where it is absent, or not 0.8.0, the test says so and passes.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use sundog_options::{Error, Front, OPTIONS, parse};

const PROGRAM: &str = "/usr/bin/bwrap";

/// Differences on purpose: bubblewrap 0.8.0 names the wrong option here.
const OTHER_TEXT: [&str; 1] = ["--ro-bind-fd"];

fn installed() -> bool {
    match Command::new(PROGRAM).arg("--version").output() {
        Ok(output) if output.stdout == b"bubblewrap 0.8.0\n" => true,
        Ok(output) => {
            let version = String::from_utf8_lossy(&output.stdout).into_owned();
            println!("skipped: {PROGRAM} is {version:?}, not bubblewrap 0.8.0");
            false
        }
        Err(error) => {
            println!("skipped: {PROGRAM} cannot be run: {error}");
            false
        }
    }
}

/// Standard error (of a help text only its first line) and exit code of the real one.
fn theirs(line: &[String]) -> (String, Option<i32>) {
    let output = Command::new(PROGRAM)
        .arg0("bwrap")
        .args(line)
        .stdin(Stdio::null())
        .output()
        .expect("it ran before");
    (
        shorten(&String::from_utf8_lossy(&output.stderr)),
        output.status.code(),
    )
}

fn shorten(text: &str) -> String {
    match text.find("usage: ") {
        Some(at) => {
            let usage = text[at..].lines().next().unwrap_or_default();
            format!("{}{usage}\n", &text[..at])
        }
        None => text.into(),
    }
}

/// The same of ours; none where it is an option that bubblewrap knows and we do not yet.
fn ours(line: &[String]) -> Option<(String, Option<i32>)> {
    let parsed = parse(Front::Bwrap, line);
    let mut text: String = parsed
        .warnings
        .iter()
        .map(|warning| format!("{warning}\n"))
        .collect();
    match parsed.request {
        Ok(_) => Some((text, Some(0))),
        Err(Error::NotYet(_) | Error::Never(..)) => None,
        Err(error) => {
            text.push_str(&String::from_utf8_lossy(&error.message(Front::Bwrap)));
            Some((shorten(&text), Some(error.exit_code().into())))
        }
    }
}

fn compare(line: &[String]) -> bool {
    let Some(ours) = ours(line) else { return false };
    assert_eq!(ours, theirs(line), "{line:?}");
    true
}

fn words(line: &str) -> Vec<String> {
    line.split(' ')
        .map(|word| {
            word.replace("<empty>", "")
                .replace("<space>", " ")
                .replace("<tab>", "\t")
        })
        .collect()
}

#[test]
fn chosen_lines() {
    if !installed() {
        return;
    }
    assert!(compare(&[]));
    let lines = [
        "--",
        "-",
        "-x",
        "--frob",
        "--frob x",
        "--helpx",
        "-h",
        "--help=1",
        "--bind=/ /",
        "--frob --help",
        "--bind a --help",
        "--bind / /",
        "--ro-bind / / --",
        "--hostname a",
        "--hostname a --hostname b",
        "--chdir a --chdir b --frob",
        "--hostname foo true",
        "--unshare-net --hostname <empty> true",
        "--setenv A=B C --frob",
        "--setenv <empty> C --frob",
        "--unsetenv A=B --frob",
        "--unsetenv <empty> --frob",
        "--setenv A=B C --hostname x true",
        "--perms 8",
        "--perms 999 --dir x",
        "--perms <empty> --dir x",
        "--perms 10000 --dir x",
        "--perms 07777 --dir x",
        "--perms 755",
        "--perms 7 --perms 7",
        "--perms 7 --perms 9",
        "--perms 9 --perms 9",
        "--perms 7 --perms",
        "--perms 0x1 --dir x",
        "--perms -1 --dir x",
        "--perms <space>7 --dir x",
        "--perms <tab>+07 --dir x",
        "--perms +-7 --dir x",
        "--perms <space> --dir x",
        "--perms +7 --dir x",
        "--perms 7z --dir x",
        "--perms 777777777777777777777777777 --dir x",
        "--perms -1777777777777777777777 --dir x",
        "--perms -0 --dir x",
        "--perms 7 --frob",
        "--perms 7 --bind / /",
        "--perms 7 --bind /",
        "--perms 7 --setenv A=B C",
        "--perms 7 --size 10 --bind a b",
        "--perms 7 --size 10 --tmpfs x",
        "--size 10 --perms 7 --tmpfs x",
        "--size 10 --perms 7 --dir x",
        "--size 10 --dir x",
        "--size 5 --perms 7 --tmpfs",
        "--size 0 --tmpfs x",
        "--size -1 --tmpfs x",
        "--size 1K --tmpfs x",
        "--size <empty> --tmpfs x",
        "--size 9223372036854775807 --tmpfs x",
        "--size 010 --tmpfs x",
        "--size 9223372036854775808 --tmpfs x",
        "--size 18446744073709551615 --tmpfs x",
        "--size 18446744073709551616 --tmpfs x",
        "--size 0x10 --tmpfs x",
        "--size 0X1f --tmpfs x",
        "--size 0x --tmpfs x",
        "--size 08 --tmpfs x",
        "--size <space>10 --tmpfs x",
        "--size +10 --tmpfs x",
        "--size 10",
        "--size 10 --size 10",
        "--size 5 --size 0",
        "--size 0 --size 0",
        "--size 7 --unshare-user",
        "--size 10 --frob",
    ];
    for line in lines {
        assert!(compare(&words(line)), "{line}: not compared");
    }
    for count in [8999, 9000] {
        let mut line = vec![String::from("--clearenv"); count];
        assert!(compare(&line));
        line.push("--frob".into());
        assert!(compare(&line), "{count} and one more");
    }
}

#[test]
fn help_and_version() {
    if !installed() {
        return;
    }
    for line in [
        "--version",
        "--version --frob",
        "--perms 7 --help",
        "--help --frob",
    ] {
        assert!(compare(&words(line)), "{line}");
    }
}

#[test]
fn missing_arguments_of_every_option() {
    if !installed() {
        return;
    }
    let mut compared = 0;
    for spec in OPTIONS {
        if !spec.fronts.contains(Front::Bwrap) || OTHER_TEXT.contains(&spec.name) {
            continue;
        }
        for given in 0..spec.arguments.len() {
            let mut line = vec![spec.name.to_string()];
            line.extend(vec![String::from("1"); given]);
            let (text, code) = theirs(&line);
            if text.starts_with("bwrap: Unknown option") {
                println!("skipped: {} is newer than 0.8.0", spec.name);
                continue;
            }
            assert_eq!(ours(&line), Some((text, code)), "{line:?}");
            compared += 1;
        }
    }
    assert!(compared > 50, "only {compared} lines compared");
}

#[test]
fn random_lines() {
    if !installed() {
        return;
    }
    let fragments = [
        "--bind a b",
        "--ro-bind / /",
        "--dev-bind a b",
        "--tmpfs x",
        "--proc x",
        "--dev x",
        "--dir x",
        "--symlink a b",
        "--chdir x",
        "--setenv A B",
        "--unsetenv A",
        "--clearenv",
        "--hostname h",
        "--unshare-all",
        "--unshare-user",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--perms 755",
        "--size 10",
        "--perms 755 --tmpfs x",
        "--size 99 --tmpfs y",
        "--perms 17 --dir x",
        "--perms 755",
        "--size 0x7",
        "--bind a",
        "--setenv =",
        "--perms 8",
        "--chdir",
        "-- --frob",
        "x",
    ];
    // xorshift64, so that every run compares the same lines.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).expect("below a usize")
    };
    let mut compared = 0;
    for _ in 0..400 {
        let mut line = Vec::new();
        for _ in 0..=below(6) {
            line.extend(words(fragments[below(fragments.len())]));
        }
        line.push("--frob".into());
        let refused = parse(Front::Bwrap, &line).request.is_err();
        compared += usize::from(refused && compare(&line));
    }
    assert!(compared > 200, "only {compared} lines compared");
}
