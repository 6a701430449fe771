//! Runs every test of the tree: sets up like the launcher, then the host's tests, then the tests that run in a machine.
//!
//! `cargo test WORD` runs the tests with WORD in their name; options after `--` go to the host's tests.

use std::io::stdout;
use std::process::{Command, ExitCode};
use sundog_launcher::total::Total;
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
    let mut total = Total::new();

    let mut host = build::cargo(&tree, "test", HOST_TARGET, &tree.host_target());
    host.args(["--workspace", "--no-fail-fast", "--exclude", LAUNCHER]);
    for package in crates::bare(&tree)?
        .iter()
        .filter(|package| !package.on_host)
    {
        host.args(["--exclude", &package.name]);
    }
    host.arg("--").args(arguments);
    total.add_run(host, &mut stdout())?;

    let mut target = Command::new(sundog);
    target
        .args(["test", "--if-any"])
        .args(arguments.iter().filter(|word| !word.starts_with('-')));
    environment::clean(&mut target, &tree);
    total.add_run(target, &mut stdout())?;
    Ok(total)
}
