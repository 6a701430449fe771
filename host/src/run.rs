//! `sundog run`: starts a machine and connects its console to the standard streams.

use crate::failure::Failure;
use crate::folder::Folder;
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Board, Machine, Port};
use crate::streams::Listener;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

/// What the arguments of `run` ask for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    board: Board,
    icount: bool,
    /// Shows the kernel's text on standard error.
    explain: bool,
}

/// Starts the machine that the arguments describe and waits for its end.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let options = parse(arguments)?;
    let mut machine = Machine::new(options.board, images::program(images::KERNEL)?);
    machine.icount = options.icount;
    let folder = Folder::new()?;
    machine.connected.push(Port::Console);
    let mut copiers = vec![Listener::new(Port::Console, &folder)?.connect(stdin(), stdout())];
    if options.explain || stderr().is_terminal() {
        machine.connected.push(Port::KernelText);
        copiers.push(Listener::new(Port::KernelText, &folder)?.copy_to(stderr()));
    }
    let outcome = Process::start(&machine, &folder)?.wait(None)?;
    if !matches!(outcome, Outcome::Failed(_)) {
        // What the machine wrote last may still be on its way; a QEMU that failed may never have connected.
        copiers.into_iter().for_each(|copier| drop(copier.join()));
    }
    if outcome == Outcome::Passed {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!(
        "{outcome}\nlogs: {}",
        folder.keep().display()
    )))
}

fn parse(arguments: &[OsString]) -> Result<Options, Failure> {
    let mut options = Options {
        board: Board::Microvm,
        icount: false,
        explain: false,
    };
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match &*word {
            "--icount" => options.icount = true,
            "--explain" => options.explain = true,
            "--machine" => options.board = board(words.next().as_deref())?,
            other => {
                return Err(Failure::new(format!(
                    "run: unknown argument {other:?}; see `sundog help`"
                )));
            }
        }
    }
    Ok(options)
}

fn board(name: Option<&str>) -> Result<Board, Failure> {
    let board = name.and_then(Board::from_name);
    board.ok_or_else(|| {
        Failure::new(format!(
            "run: --machine takes microvm or q35, not {:?}",
            name.unwrap_or_default()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options, String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        parse(&words).map_err(|failure| failure.text().to_owned())
    }

    #[test]
    fn arguments_choose_the_machine() {
        let chosen = options(&["--machine", "q35", "--icount"]).unwrap();
        assert_eq!(
            chosen,
            Options {
                board: Board::Q35,
                icount: true,
                explain: false
            }
        );
        assert_eq!(options(&[]).unwrap().board, Board::Microvm);
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert!(
            options(&["--machine", "pc"])
                .unwrap_err()
                .contains("\"pc\"")
        );
        assert!(options(&["--machine"]).is_err());
        assert!(options(&["--fast"]).unwrap_err().contains("\"--fast\""));
    }
}
