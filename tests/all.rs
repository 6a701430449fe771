//! Runs every test of the tree: sets up like the launcher, then the host's tests, then the tests that run in a machine.
//!
//! `cargo test WORD` runs the tests with WORD in their name; options after `--` go to the host's tests.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, ExitCode, Stdio};
use sundog_launcher::tree::{HOST_TARGET, Tree};
use sundog_launcher::{build, crates, environment, set_up};

/// The package of the launcher: `cargo test` has run its tests before it comes here.
const LAUNCHER: &str = env!("CARGO_PKG_NAME");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--quiet")
        .collect();
    match run(&arguments) {
        Ok(total) => {
            println!("\ntotal: {} passed, {} failed", total.passed, total.failed);
            if total.good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<Total, String> {
    let tree = Tree::find();
    let sundog = set_up(&tree)?;
    let mut total = Total {
        passed: 0,
        failed: 0,
        good: true,
    };

    let mut host = build::cargo(&tree, "test", HOST_TARGET, &tree.host_target());
    host.args([
        "--workspace",
        "--no-fail-fast",
        "--quiet",
        "--exclude",
        LAUNCHER,
    ]);
    for program in crates::bare(&tree)? {
        host.args(["--exclude", &program]);
    }
    host.arg("--").args(arguments);
    total.add_run(host)?;

    let mut target = Command::new(sundog);
    target
        .arg("test")
        .args(arguments.iter().filter(|word| !word.starts_with('-')));
    environment::clean(&mut target, &tree);
    total.add_run(target)?;
    Ok(total)
}

/// The sum of all test runs.
struct Total {
    passed: u64,
    failed: u64,
    /// True while every run ended with success; a run that could not even be compiled counts no failed test.
    good: bool,
}

impl Total {
    /// Runs a test command, shows what it says as it comes and adds up its `test result:` lines.
    fn add_run(&mut self, mut command: Command) -> Result<(), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let fail = |error| format!("sundog: cannot run {name}: {error}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).map_err(fail)? > 0 {
                self.add_line(&String::from_utf8_lossy(&line));
                stdout()
                    .write_all(&line)
                    .and_then(|()| stdout().flush())
                    .map_err(fail)?;
                line.clear();
            }
        }
        self.good &= child.wait().map_err(fail)?.success();
        Ok(())
    }

    /// Adds a line such as `test result: ok. 3 passed; 1 failed; ...`; other lines count nothing.
    fn add_line(&mut self, line: &str) {
        let Some(counts) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.1.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}
