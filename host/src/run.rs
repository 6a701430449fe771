//! `sundog run`: starts a machine and connects its console to the standard streams.

use crate::failure::Failure;
use crate::folder::Folder;
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Board, Machine, Port};
use std::ffi::OsString;
use std::io::{Read, Write, stdin, stdout};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::thread;

/// Starts the machine that the arguments describe and waits for its end.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let mut machine = parse(arguments)?;
    machine.connected.push(Port::Console);
    let folder = Folder::new()?;
    let socket = Port::Console.socket(&folder);
    let fail = |error| Failure::system("cannot connect the console", error);
    let listener = UnixListener::bind(&socket).map_err(fail)?;
    let process = Process::start(&machine, &folder)?;
    // The thread ends with the machine, or with this process if QEMU never connects.
    let console = thread::spawn(move || listener.accept().map(|(stream, _)| connect(&stream)));
    let outcome = process.wait(None)?;
    if !matches!(outcome, Outcome::Failed(_)) {
        drop(console.join());
    }
    if outcome == Outcome::Passed {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!(
        "{outcome}\nlogs: {}",
        folder.keep().display()
    )))
}

/// The machine that the arguments of `run` describe.
fn parse(arguments: &[OsString]) -> Result<Machine, Failure> {
    let mut machine = Machine::new(Board::Microvm, images::program(images::KERNEL)?);
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match &*word {
            "--icount" => machine.icount = true,
            "--machine" => machine.board = board(words.next().as_deref())?,
            other => return Err(Failure::new(format!("run: unknown argument {other:?}"))),
        }
    }
    Ok(machine)
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

/// Copies the console's bytes to standard output, and standard input to the console, until the machine ends.
fn connect(console: &UnixStream) {
    if let Ok(input) = console.try_clone() {
        // It may wait for input for ever, so nobody waits for it.
        thread::spawn(move || copy(stdin().lock(), input));
    }
    copy(console, stdout().lock());
}

/// Copies bytes as they come; ends with either side, and an end of input is no end of the machine.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to
            .write_all(&bytes[..length])
            .and_then(|()| to.flush())
            .is_err()
        {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_have_names() {
        assert_eq!(board(Some("q35")).unwrap(), Board::Q35);
        assert!(
            board(Some("pc"))
                .unwrap_err()
                .to_string()
                .contains("\"pc\"")
        );
        assert!(board(None).is_err());
    }

    #[test]
    fn copying_ends_with_the_input() {
        let mut copied = Vec::new();
        copy(&[7; 10_000][..], &mut copied);
        assert_eq!(copied, [7; 10_000]);
    }
}
