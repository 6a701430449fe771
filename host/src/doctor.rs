//! `sundog doctor`: says what this computer has and lacks.

use crate::failure::Failure;
use crate::image::{Busybox, Plan};
use crate::images;
use crate::qemu::PROGRAM;
use crate::say;
use crate::session::Terminals;
use crate::session::terminal::size;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};
use sundog_consent_core::prompt::{MIN_COLUMNS, MIN_ROWS};

/// The oldest QEMU whose microvm has PCI Express and starts kernels by PVH as this one needs it.
const OLDEST: (u32, u32) = (7, 2);

/// Prints one line for each thing looked at; the exit status tells if all of them are well.
pub fn main() -> Result<ExitCode, Failure> {
    let mut well = true;
    for (name, finding) in [
        ("QEMU", qemu()),
        ("kernel", kernel()),
        ("system", system()),
        ("Linux programs", busybox()),
        ("terminal", terminal()),
    ] {
        let (mark, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("PROBLEM", text),
        };
        well &= mark == "ok";
        say::line(format_args!("{name}: {mark}: {text}"))?;
    }
    say::line(
        "emulation: TCG, which every computer can do; /dev/kvm is not used, whether it is there or not",
    )?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// QEMU's version line, if it is new enough.
fn qemu() -> Result<String, String> {
    let output = Command::new(PROGRAM).arg("--version").output();
    let output = output
        .map_err(|error| format!("cannot start {PROGRAM}: {error}; `cargo run` installs it"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text
        .lines()
        .next()
        .ok_or_else(|| format!("{PROGRAM} --version says nothing"))?;
    match version(line) {
        Some(version) if version >= OLDEST => Ok(line.to_owned()),
        Some(_) => Err(format!(
            "{line} is too old: {}.{} is needed",
            OLDEST.0, OLDEST.1
        )),
        None => Err(format!("{PROGRAM} --version says no number: {line}")),
    }
}

/// The first two numbers of QEMU's version line.
fn version(line: &str) -> Option<(u32, u32)> {
    let (_, rest) = line.split_once("version ")?;
    let mut numbers = rest.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The kernel's path.
fn kernel() -> Result<String, String> {
    images::program(images::KERNEL)
        .map(|path| path.display().to_string())
        .map_err(|failure| failure.text().to_owned())
}

/// The programs of the system that `run` starts.
fn system() -> Result<String, String> {
    let manifest = images::manifest(images::SYSTEM);
    let plan = Plan::read(&manifest, &images::native);
    let mut plan = plan.map_err(|failure| failure.text().to_owned())?;
    let linux = if plan.personality().is_some() {
        ""
    } else {
        "; it runs no Linux programs yet"
    };
    Ok(format!(
        "{}: {}{linux}",
        images::SYSTEM,
        plan.programs().join(", ")
    ))
}

/// The first Linux program of an image.
fn busybox() -> Result<String, String> {
    let busybox = Busybox::of_system();
    let described = busybox.program().and_then(|_| {
        let applets = busybox.applets()?.len();
        Ok(format!(
            "{}, static, {applets} applets",
            busybox.path().display()
        ))
    });
    described.map_err(|failure| failure.text().to_owned())
}

/// Whether a person can be asked.
fn terminal() -> Result<String, String> {
    let terminals = Terminals {
        input: stdin().is_terminal(),
        output: stdout().is_terminal(),
        error: stderr().is_terminal(),
    };
    if !terminals.person() {
        return Ok(
            "none here, so questions are answered by --policy and --allow, or denied".to_owned(),
        );
    }
    let (rows, columns) = size(stdin().as_fd());
    if rows < MIN_ROWS || columns < MIN_COLUMNS {
        return Err(format!(
            "{rows} lines of {columns} columns are too few for a question: {MIN_ROWS} of {MIN_COLUMNS} are needed"
        ));
    }
    Ok(format!(
        "{rows} lines of {columns} columns; questions are asked here"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let debian = "QEMU emulator version 7.2.17 (Debian 1:7.2+dfsg-7)";
        assert_eq!(version(debian), Some((7, 2)));
        assert!(version("QEMU emulator version 10.0.0") >= Some(OLDEST));
        assert!(version("QEMU emulator version 6.1.0") < Some(OLDEST));
        assert_eq!(version("something else"), None);
    }
}
