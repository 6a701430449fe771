//! `sundog doctor`: says what this computer has and lacks.

use crate::failure::Failure;
use crate::images;
use crate::qemu::PROGRAM;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Prints one line for each thing looked at; the exit status tells if all of them are well.
pub fn main() -> Result<ExitCode, Failure> {
    let mut well = true;
    for (name, finding) in [
        ("QEMU", qemu()),
        ("kernel", kernel()),
        ("Linux programs", linux_programs()),
    ] {
        let (mark, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("PROBLEM", text),
        };
        well &= mark == "ok";
        println!("{name}: {mark}: {text}");
    }
    println!("emulation: TCG, which every computer can do");
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// QEMU's version line.
fn qemu() -> Result<String, String> {
    let output = Command::new(PROGRAM).arg("--version").output();
    let output = output
        .map_err(|error| format!("cannot start {PROGRAM}: {error}; `cargo run` installs it"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .next()
        .map(str::to_owned)
        .ok_or_else(|| format!("{PROGRAM} --version says nothing"))
}

/// The kernel's path.
fn kernel() -> Result<String, String> {
    images::program(images::KERNEL)
        .map(|path| path.display().to_string())
        .map_err(|failure| failure.text().to_owned())
}

/// The first Linux program of an image.
fn linux_programs() -> Result<String, String> {
    let busybox = Path::new("/bin/busybox");
    if busybox.is_file() {
        Ok(busybox.display().to_string())
    } else {
        Err("there is no /bin/busybox; `cargo run` installs it".to_owned())
    }
}
