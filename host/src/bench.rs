//! `sundog bench`: counts the instructions of the kernel's operations, beside the figures of other systems.
//!
//! The machine counts instructions instead of time, so every run gives the same numbers. What is measured is in
//! `tests/programs/bench`; user space's own stubs are part of each figure.

mod anchors;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::image::{self, Guests};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Board, Machine, Port};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// The limit of the whole run, ten times what it takes.
const LIMIT: Duration = Duration::from_secs(120);
/// How much worse than the baseline a figure may be, in per cent.
const TOLERANCE: u64 = 2;

/// A figure that was counted.
struct Figure {
    name: String,
    value: u64,
}

/// What the command line asks for.
#[derive(Default)]
struct Options {
    json: Option<OsString>,
    baseline: Option<OsString>,
}

/// Counts, prints, and compares.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let options = parse(arguments)?;
    let figures = count()?;
    println!(
        "{:<24} {:>10} {:>10}  {:>6}  anchor",
        "figure", "count", "anchor", "ratio"
    );
    for figure in &figures {
        match anchors::of(&figure.name) {
            Some(anchor) => {
                let ratio = figure.value as f64 / anchor.value as f64;
                println!(
                    "{:<24} {:>10} {:>10}  {ratio:>6.2}  {}",
                    figure.name, figure.value, anchor.value, anchor.what
                );
            }
            None => println!("{:<24} {:>10}", figure.name, figure.value),
        }
    }
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", to_json(&figures));
        fs::write(file, text)
            .map_err(|error| Failure::system("cannot write the figures", error))?;
    }
    match &options.baseline {
        Some(file) => compare(&figures, Path::new(file)),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn parse(arguments: &[OsString]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let place = match word.to_str() {
            Some("--json") => &mut options.json,
            Some("--baseline") => &mut options.baseline,
            _ => {
                return Err(Failure::new(format!(
                    "bench: unknown argument {word:?}; it takes --json FILE and --baseline FILE"
                )));
            }
        };
        let file = words
            .next()
            .ok_or_else(|| Failure::new(format!("bench: {} needs a file", word.display())))?;
        *place = Some(file.clone());
    }
    Ok(options)
}

/// Runs the machine and reads what it printed.
fn count() -> Result<Vec<Figure>, Failure> {
    let kernel = images::program(images::KERNEL)?;
    let folder = Folder::new()?;
    let mut machine = Machine::new(Board::Microvm, kernel.clone());
    machine.icount = true;
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
    let mut figures = read(&text);
    if figures.is_empty() {
        return Err(Failure::new(format!(
            "bench: the machine printed no figure\n{text}"
        )));
    }
    let bytes =
        fs::read(&kernel).map_err(|error| Failure::system("cannot read the kernel", error))?;
    figures.push(Figure {
        name: "kernel_text".to_owned(),
        value: anchors::kernel_text(&bytes)?,
    });
    Ok(figures)
}

/// The figures in the kernel's text: lines `bench: NAME COUNT`.
fn read(text: &str) -> Vec<Figure> {
    let figure = |line: &str| {
        let (name, value) = line.strip_prefix("bench: ")?.split_once(' ')?;
        Some(Figure {
            name: name.to_owned(),
            value: value.trim_end().parse().ok()?,
        })
    };
    text.lines().filter_map(figure).collect()
}

fn to_json(figures: &[Figure]) -> Value {
    figures
        .iter()
        .map(|figure| {
            let anchor = anchors::of(&figure.name);
            json!({
                "name": figure.name,
                "unit": if figure.name == "kernel_text" { "bytes" } else { "instructions" },
                "value": figure.value,
                "anchor": anchor.as_ref().map(|anchor| anchor.what),
                "anchor_value": anchor.as_ref().map(|anchor| anchor.value),
                "ratio": anchor.as_ref().map(|anchor| figure.value as f64 / anchor.value as f64),
            })
        })
        .collect()
}

/// Fails if a figure is more than a little worse than in a file that `--json` wrote, or is missing there.
fn compare(figures: &[Figure], file: &Path) -> Result<ExitCode, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::system("cannot read the baseline", error))?;
    let baseline: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let worse = worse(figures, &baseline);
    for line in &worse {
        eprintln!("bench: {line}");
    }
    if worse.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "bench: if that is meant, write a new baseline with --json {} and say why in the commit",
        file.display()
    );
    Ok(ExitCode::FAILURE)
}

fn worse(figures: &[Figure], baseline: &Value) -> Vec<String> {
    let known = |name: &str| {
        let entries = baseline.as_array()?;
        entries.iter().find(|entry| entry["name"] == name)?["value"].as_u64()
    };
    let line = |figure: &Figure| match known(&figure.name) {
        None => Some(format!("{} is not in the baseline", figure.name)),
        Some(old) if figure.value * 100 > old * (100 + TOLERANCE) => {
            Some(format!("{} is {} and was {old}", figure.name, figure.value))
        }
        Some(_) => None,
    };
    figures.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_nothing_else() {
        let figures = read(
            "sundog: 2 CPUs\nbench: null_syscall 403\nbench: end\nbench: no guest: x\ninit: done\n",
        );
        assert_eq!(figures.len(), 1);
        assert_eq!(
            (figures[0].name.as_str(), figures[0].value),
            ("null_syscall", 403)
        );
    }

    #[test]
    fn only_what_is_clearly_worse_fails() {
        let baseline = json!([{ "name": "a", "value": 1000 }, { "name": "b", "value": 1000 }]);
        let figure = |name: &str, value| Figure {
            name: name.to_owned(),
            value,
        };
        assert!(worse(&[figure("a", 1020), figure("b", 1)], &baseline).is_empty());
        assert_eq!(
            worse(&[figure("a", 1021), figure("c", 1)], &baseline).len(),
            2
        );
    }
}
