//! The command `sundog`: starts machines, runs the tests that need one, and says what is wrong with this computer or this tree.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod attack;
mod bench;
mod check;
mod doctor;
mod failure;
mod folder;
mod fresh;
mod guarded;
mod image;
mod images;
mod outcome;
mod process;
mod qemu;
mod run;
mod say;
mod session;
mod streams;
mod target_tests;
mod tour;

use failure::Failure;
use std::ffi::OsString;
use std::process::ExitCode;

/// What `sundog --version` prints.
const VERSION: &str = concat!("sundog ", env!("CARGO_PKG_VERSION"));
/// What `sundog help` prints.
const HELP: &str = "\
usage: sundog [COMMAND] [ARGUMENT...]

  run [OPTION...] PROGRAM [ARGUMENT...]    run a program in a machine of its own; `run --help` lists the options
                                           (without any command: a shell)
  tour [WORD...]                           show what the system does
  test [WORD...]                           run the tests that need a machine, those with a WORD in their name
  bench [--json FILE] [--baseline FILE]    count the instructions of the kernel's operations
  attack native|linux|model [--runs N] [--seed S]
                                           attack the kernel, and append what came of it to docs/results/attack.md
  image MANIFEST FILE [--script NAME] [PROGRAM...]
                                           write the boot package of a system, with a script and programs for Linux
  doctor                                   say what this computer has and lacks
  check                                    check the rules of the source tree
  fresh [--tests] [--keep]                 repeat the first start in a new Debian (needs root), and write docs/results/fresh.md
  help                                     this text
  --version                                the version";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_else(|| "run".into());
    let rest: Vec<OsString> = arguments.collect();
    match dispatch(&command.to_string_lossy(), &rest) {
        Ok(code) => code,
        Err(failure) => failure.told(),
    }
}

fn dispatch(command: &str, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    match command {
        "run" => run::main(arguments),
        "test" => target_tests::main(arguments),
        "tour" => tour::main(arguments),
        "attack" => attack::main(arguments),
        "bench" => bench::main(arguments),
        "doctor" | "check" | "help" if !arguments.is_empty() => Err(Failure::new(format!(
            "{command}: unknown argument {:?}; it takes none",
            arguments[0]
        ))),
        "doctor" => doctor::main(),
        "image" => image::main(arguments, &images::native),
        "check" => check::main(),
        "fresh" => fresh::main(arguments),
        "--version" => {
            say::line(VERSION)?;
            Ok(ExitCode::SUCCESS)
        }
        "help" | "--help" | "-h" => {
            say::line(HELP)?;
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Failure::new(format!(
            "unknown command {other:?}; `sundog help` lists the commands"
        ))),
    }
}
