//! `sundog bench`: counts instructions and bytes, beside the figures of other systems.
//!
//! The machine counts instructions instead of time, so every run gives the same numbers. What each figure means and what is in it is
//! in docs/performance.md.

mod anchors;
mod boot;
mod figure;
mod operations;
mod programs;
mod starts;

use crate::failure::Failure;
use crate::images;
use crate::qemu::{Board, Machine};
use crate::say;
use figure::{Figure, head, to_json};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// How much worse than the baseline a figure may be, in per cent.
const TOLERANCE: u64 = 2;

/// What the command line asks for.
#[derive(Default)]
struct Options {
    json: Option<OsString>,
    baseline: Option<OsString>,
}

/// Counts, prints, and compares.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let options = parse(arguments)?;
    // Before all the counting: a file that cannot be read is not worth it.
    let baseline = options.baseline.as_deref().map(Path::new);
    let baseline = match baseline {
        Some(file) => Some((file, read(file)?)),
        None => None,
    };
    let mut figures = operations::count()?;
    figures.extend(boot::count()?);
    figures.extend(programs::count()?);
    figures.extend(starts::time()?);
    say::line(head())?;
    for figure in &figures {
        say::line(figure.line())?;
    }
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", to_json(&figures));
        fs::write(file, text)
            .map_err(|error| Failure::system("cannot write the figures", error))?;
    }
    Ok(baseline.map_or(ExitCode::SUCCESS, |(file, baseline)| {
        compare(&figures, file, &baseline)
    }))
}

/// The machine in which everything is counted.
fn machine() -> Result<Machine, Failure> {
    let mut machine = Machine::new(Board::Microvm, images::program(images::KERNEL)?);
    machine.icount = true;
    Ok(machine)
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

/// A file that `--json` wrote.
fn read(file: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::system(
            format!("cannot read the baseline {}", file.display()),
            error,
        )
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

/// Fails if a figure is more than a little worse than in the baseline, or is missing there or here.
fn compare(figures: &[Figure], file: &Path, baseline: &Value) -> ExitCode {
    let worse = worse(figures, baseline);
    for line in &worse {
        say::warn(format_args!("bench: {line}"));
    }
    if worse.is_empty() {
        return ExitCode::SUCCESS;
    }
    say::warn(format_args!(
        "bench: if that is meant, write a new baseline with --json {} and say why in the commit",
        file.display()
    ));
    ExitCode::FAILURE
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
    let gated = figures.iter().filter(|figure| figure.gated);
    let mut lines: Vec<_> = gated.filter_map(line).collect();
    let names = baseline.as_array().into_iter().flatten();
    for name in names.filter_map(|entry| entry["name"].as_str()) {
        if !figures.iter().any(|figure| figure.name == name) {
            lines.push(format!("{name} is in the baseline and was not measured"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_clearly_worse_fails() {
        let baseline = json!([{ "name": "a", "value": 1000 }, { "name": "b", "value": 1000 }]);
        let figure = Figure::instructions;
        assert!(worse(&[figure("a", 1020), figure("b", 1)], &baseline).is_empty());
        assert_eq!(
            worse(&[figure("a", 1021), figure("c", 1)], &baseline),
            [
                "a is 1021 and was 1000",
                "c is not in the baseline",
                "b is in the baseline and was not measured"
            ]
        );
        let time = figure("a", 9000).recorded(figure::Unit::Trues);
        assert!(worse(&[time, figure("b", 1)], &baseline).is_empty());
    }
}
