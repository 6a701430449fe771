//! What a Linux program pays, measured by itself (`tests/programs/linux-bench`).

use super::figure::{Figure, read};
use super::machine;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::image::{self, Guests};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::Port;
use std::time::Duration;

/// The limit of the run, ten times what it takes.
const LIMIT: Duration = Duration::from_secs(120);
/// The program, and the script that starts it.
const GUESTS: Guests<'static> = Guests {
    programs: &["linux-bench"],
    scripts: &["bench"],
};

/// Runs the machine and reads what the program wrote to its terminal.
pub fn count() -> Result<Vec<Figure>, Failure> {
    let folder = Folder::new()?;
    let mut machine = machine()?;
    machine.command_line = "exit-with=linux".to_owned();
    let manifest = images::manifest("linux-script");
    machine.archive = Some(image::write(&manifest, &GUESTS, &folder)?);
    let outcome = Process::start(&machine, &folder)?.wait(Some(LIMIT))?;
    let text = Outcome::text(&Port::Console.log(&folder));
    let figures = read(&text, "linux-bench: ");
    if !matches!(outcome, Outcome::Passed) || figures.is_empty() {
        let kernel = Outcome::text(&Port::KernelText.log(&folder));
        return Err(Failure::new(format!("bench: {outcome}\n{kernel}\n{text}")));
    }
    Ok(figures)
}
