//! The kernel's operations, measured by `tests/programs/bench` inside the machine.

use super::anchors;
use super::figure::{Figure, read};
use super::machine;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::image::{self, Guests};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::Port;
use std::fs;
use std::time::Duration;

/// The limit of the run, ten times what it takes.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the machine and reads what it printed.
pub fn count() -> Result<Vec<Figure>, Failure> {
    let folder = Folder::new()?;
    let mut machine = machine()?;
    machine.command_line = "exit-with=bench".to_owned();
    machine.archive = Some(image::write(
        &images::manifest("bench"),
        &Guests::default(),
        &folder,
    )?);
    let outcome = Process::start(&machine, &folder)?.wait(Some(LIMIT))?;
    let text = Outcome::text(&Port::KernelText.log(&folder));
    if !matches!(outcome, Outcome::Passed) {
        return Err(Failure::new(format!("bench: {outcome}\n{text}")));
    }
    let mut figures = read(&text, "bench: ");
    if figures.is_empty() {
        return Err(Failure::new(format!(
            "bench: the machine printed no figure\n{text}"
        )));
    }
    let bytes = fs::read(&machine.kernel);
    let bytes = bytes.map_err(|error| Failure::system("cannot read the kernel", error))?;
    figures.push(Figure::bytes("kernel_text", anchors::kernel_text(&bytes)?));
    Ok(figures)
}
