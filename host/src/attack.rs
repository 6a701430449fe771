//! `sundog attack`: random or exhaustive attacks as long as wanted, with the number of attempts that were really made, appended to a page.

use crate::failure::Failure;
use crate::folder::Folder;
use crate::fresh::today;
use crate::image::{self, Busybox, Guests, Plan};
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Board, Machine, Port};
use crate::say;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The page that results are appended to, in the source tree.
const PAGE: &str = "docs/results/attack.md";
/// The page's first lines.
const HEAD: &str = "\
# Attacks

Written by `cargo run -- attack WHAT`, a row for each run. What is attacked and what counts as one attempt is in
[tests/README.md](../../tests/README.md).

| date | tree | attack | seed | asked | really made | seconds | verdict |
|---|---|---|---|---|---|---|---|
";
/// The system in which native programs attack, its attacker, and the program whose well-being is the verdict.
const SYSTEM: &str = "siege";
const ATTACKER: &str = "siege";
const WITNESS: &str = "witness";
/// What the witness writes, and how often in all.
const WITNESSED: (&str, usize) = (".", 600);
/// The system in which a Linux program attacks from a sandbox, the script that starts and judges it, and the program itself.
const LINUX_SYSTEM: &str = "linux-script";
const SCRIPT: &str = "hostile";
const LINUX_ATTACKER: &str = "linux-hostile";
/// Calls beyond those asked for that the last attackers may have made.
const OVERSHOT: u64 = 20_000;
/// What init says when the script has found all as it should be.
const LINUX_HELD: &str = "init: linux is done with status 0";
/// The limit of a run of native calls: so much for each thousand, about ten times what it takes, and a minute for the rest.
const REST: Duration = Duration::from_secs(60);
const THOUSAND: Duration = Duration::from_millis(600);
/// The same for Linux calls, which take longer by the processes that they end.
const LINUX_THOUSAND: Duration = Duration::from_millis(1200);

/// What can be attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The kernel, by random calls of native programs in a machine.
    Native,
    /// The Linux personality of a sandbox, by random calls of Linux programs in it.
    Linux,
    /// The kernel's core on the host, by all sequences of operations, breadth first.
    Model,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    what: What,
    runs: u64,
    seed: u64,
}

/// What came of an attack.
struct Result {
    /// How much was really done, in words.
    made: String,
    verdict: std::result::Result<(), String>,
}

/// Attacks, appends the result to the page, and fails if the attack did not.
pub fn main(arguments: &[OsString]) -> std::result::Result<ExitCode, Failure> {
    let options = parse(arguments)?;
    let begin = Instant::now();
    let result = match options.what {
        What::Native => native(&options)?,
        What::Linux => linux(&options)?,
        What::Model => model(&options)?,
    };
    let source = images::source_root();
    let row = row(&options, &result, begin.elapsed(), &tree(source));
    append(&source.join(PAGE), &row)?;
    say::print(row)?;
    match result.verdict {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(text) => Err(Failure::new(format!(
            "attack: seed {}: {text}",
            options.seed
        ))),
    }
}

fn parse(arguments: &[OsString]) -> std::result::Result<Options, Failure> {
    let usage = |word: &str| {
        Failure::new(format!(
            "attack: {word}; it takes native, linux or model, --runs N and (not model) --seed S"
        ))
    };
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    let what = match words.next().as_deref() {
        Some("native") => What::Native,
        Some("linux") => What::Linux,
        Some("model") => What::Model,
        Some(word) => return Err(usage(&format!("unknown {word:?}"))),
        None => return Err(usage("what is to be attacked is missing")),
    };
    let (runs, seed) = match what {
        What::Native | What::Linux => (1_000_000, 7),
        What::Model => (100_000, 0),
    };
    let mut options = Options { what, runs, seed };
    while let Some(word) = words.next() {
        let number = words.next().and_then(|text| text.parse().ok());
        match (&*word, number) {
            ("--runs", Some(number @ 1..)) => options.runs = number,
            ("--seed", Some(number)) if what != What::Model => options.seed = number,
            ("--runs" | "--seed", _) => {
                return Err(usage(&format!("{word} lacks its number, or has none here")));
            }
            _ => return Err(usage(&format!("unknown argument {word:?}"))),
        }
    }
    Ok(options)
}

/// Has native programs make random calls in a driver's place, while a witness works.
fn native(options: &Options) -> std::result::Result<Result, Failure> {
    let Options { runs, seed, .. } = options;
    let folder = Folder::new()?;
    let mut plan = Plan::read(&images::manifest(SYSTEM), &images::native)?;
    let (calls, seeded) = (format!("calls={runs}"), format!("seed={seed}"));
    plan.set_arguments(ATTACKER, &["siege", &calls, &seeded])?;
    let bytes = plan.build(&images::native, &Busybox::of_system())?;
    let mut machine = Machine::new(Board::Microvm, images::program(images::KERNEL)?);
    machine.memory = plan.memory();
    machine.archive = Some(image::put(&bytes, &folder)?);
    machine.command_line = format!("exit-with={WITNESS}");
    let limit = limit(*runs, THOUSAND);
    let outcome = Process::start(&machine, &folder)?.wait(Some(limit))?;
    let text = Outcome::text(&Port::KernelText.log(&folder));
    let console = Outcome::text(&Port::Console.log(&folder));
    let said = told(&text, *runs, *seed);
    let verdict = if outcome != Outcome::Passed {
        Err(outcome.to_string())
    } else if console != WITNESSED.0.repeat(WITNESSED.1) {
        Err(format!("the witness wrote {} bytes", console.len()))
    } else if said.is_none() {
        Err("the attacker did not say that all calls were made".to_owned())
    } else {
        Ok(())
    };
    let verdict = verdict.map_err(|wrong| format!("{wrong}\nlogs: {}", folder.keep().display()));
    let made = said.unwrap_or_else(|| "not told".to_owned());
    Ok(Result { made, verdict })
}

/// Has Linux programs make random calls in a sandbox, beside a sibling and under a shell that look after themselves.
fn linux(options: &Options) -> std::result::Result<Result, Failure> {
    let Options { runs, seed, .. } = options;
    let folder = Folder::new()?;
    let mut plan = Plan::read(&images::manifest(LINUX_SYSTEM), &images::native)?;
    plan.add(&Guests {
        programs: &[LINUX_ATTACKER],
        scripts: &[SCRIPT],
    })?;
    let script = format!("/tests/{SCRIPT}.sh");
    let arguments = ["sh", "-ex", &script, &runs.to_string(), &seed.to_string()];
    plan.set_arguments(image::LINUX, &arguments)?;
    let bytes = plan.build(&images::native, &Busybox::of_system())?;
    let mut machine = Machine::new(Board::Microvm, images::program(images::KERNEL)?);
    machine.memory = plan.memory();
    machine.archive = Some(image::put(&bytes, &folder)?);
    machine.command_line = format!("exit-with={}", image::LINUX);
    let limit = limit(*runs, LINUX_THOUSAND);
    let outcome = Process::start(&machine, &folder)?.wait(Some(limit))?;
    let text = Outcome::text(&Port::KernelText.log(&folder));
    let said = linux_told(&Outcome::text(&Port::Console.log(&folder)), *runs, *seed);
    let verdict = if outcome != Outcome::Passed {
        Err(outcome.to_string())
    } else if !text.lines().any(|line| line.trim_end() == LINUX_HELD) {
        Err("the script did not end well".to_owned())
    } else if said.is_none() {
        Err("the script did not say that all calls were made".to_owned())
    } else {
        Ok(())
    };
    let verdict = verdict.map_err(|wrong| format!("{wrong}\nlogs: {}", folder.keep().display()));
    let made = said.unwrap_or_else(|| "not told".to_owned());
    Ok(Result { made, verdict })
}

/// The script's line `hostile: N calls with seed S by N attackers in N sandboxes`, if it is of this run and no call is missing; and the
/// signals by which attackers ended their own sandboxes, each a line `sandbox N: signal S after N calls`.
fn linux_told(console: &str, runs: u64, seed: u64) -> Option<String> {
    let with = format!(" calls with seed {seed} by ");
    let mut lines = console.lines().map(str::trim_end);
    let (made, attackers) =
        lines.find_map(|line| line.strip_prefix("hostile: ")?.split_once(&*with))?;
    let made: u64 = made.parse().ok()?;
    let signals: Vec<&str> = console
        .lines()
        .filter_map(|line| line.strip_prefix("sandbox ")?.split_once(": signal "))
        .filter_map(|(_, rest)| rest.split(' ').next())
        .collect();
    let ended = match &*signals {
        [] => String::new(),
        signals => format!(", ended by signals {}", signals.join(" ")),
    };
    // The last attackers overshoot by a little.
    (runs..=runs.saturating_add(OVERSHOT))
        .contains(&made)
        .then(|| format!("{made} calls, {attackers}{ended}"))
}

/// The time limit of a machine that makes so many calls.
fn limit(runs: u64, thousand: Duration) -> Duration {
    let thousands = u32::try_from(runs.div_ceil(1000)).unwrap_or(u32::MAX);
    REST + thousand.saturating_mul(thousands)
}

/// What the attacker says at its end: all calls were made, by so many lives.
fn told(text: &str, runs: u64, seed: u64) -> Option<String> {
    let all = format!("siege: {runs} calls with seed {seed}");
    let mut lines = text.lines().map(str::trim_end);
    lines.find(|line| *line == all)?;
    let attackers = lines.next()?.strip_prefix("siege: ")?;
    Some(format!("{runs} calls, {attackers}"))
}

/// Runs the model checker until it has seen so many states.
fn model(options: &Options) -> std::result::Result<Result, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["test", "--quiet", "--release", "-p", "sundog-core"])
        .args(["--test", "model", "--", "--nocapture", "no_sequence"])
        .env("MODEL_STATES", options.runs.to_string())
        .current_dir(images::source_root())
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| Failure::system("cannot start cargo", error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let made = explored(&text);
    let verdict = match (output.status.success(), &made) {
        (true, Some(_)) => Ok(()),
        _ => Err(format!(
            "the model checker: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    };
    let made = made.unwrap_or_else(|| "not told".to_owned());
    Ok(Result { made, verdict })
}

/// The checker's line `N states, N steps, depth N`.
fn explored(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find(|line| line.contains(" states, ") && line.contains(" steps, depth "))?;
    Some(line.trim().to_owned())
}

/// The tree's version, and whether it had changes that are not committed.
fn tree(source: &Path) -> String {
    let mut git = Command::new("git");
    git.arg("-C")
        .arg(source)
        .args(["describe", "--always", "--dirty", "--abbrev=12"]);
    match git.output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn row(options: &Options, result: &Result, took: Duration, tree: &str) -> String {
    let Options { what, runs, seed } = options;
    let what = match what {
        What::Native => "native",
        What::Linux => "linux",
        What::Model => "model",
    };
    let seed = match options.what {
        What::Native | What::Linux => seed.to_string(),
        What::Model => "none".to_owned(),
    };
    let verdict = match &result.verdict {
        Ok(()) => "held",
        Err(_) => "**FAILED**",
    };
    let (date, seconds, made) = (today(), took.as_secs(), &result.made);
    format!("| {date} | {tree} | {what} | {seed} | {runs} | {made} | {seconds} | {verdict} |\n")
}

fn append(page: &Path, row: &str) -> std::result::Result<(), Failure> {
    let fail = |error| Failure::system(format!("cannot write {}", page.display()), error);
    if let Some(folder) = page.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    if !page.exists() {
        fs::write(page, HEAD).map_err(fail)?;
    }
    let file = fs::OpenOptions::new().append(true).open(page);
    file.and_then(|mut file| file.write_all(row.as_bytes()))
        .map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> std::result::Result<Options, Failure> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_asked_for_is_read_or_named() {
        let options = read(&["native", "--seed", "9", "--runs", "50"]).unwrap();
        let wanted = Options {
            what: What::Native,
            runs: 50,
            seed: 9,
        };
        assert_eq!(options, wanted);
        assert_eq!(read(&["model"]).unwrap().runs, 100_000);
        assert_eq!(read(&["linux", "--seed", "3"]).unwrap().seed, 3);
        for (words, named) in [
            (&[][..], "missing"),
            (&["tea"], "tea"),
            (&["model", "--seed", "1"], "--seed"),
            (&["native", "--runs", "0"], "--runs"),
            (&["native", "--runs"], "--runs"),
            (&["native", "now"], "now"),
        ] {
            let failure = read(words).unwrap_err();
            assert!(failure.text().contains(named), "{failure}");
        }
    }

    #[test]
    fn only_calls_that_were_made_count() {
        let text = "init: 3 programs\nsiege: 50 calls with seed 9\nsiege: 4 attackers\n";
        assert_eq!(told(text, 50, 9).unwrap(), "50 calls, 4 attackers");
        assert_eq!(told(text, 51, 9), None);
        assert_eq!(told("siege: 50 calls with seed 9\n", 50, 9), None);
        let text = "$ x\nhostile: 51 calls with seed 9 by 4 attackers in 1 sandboxes\r\n";
        let all = "51 calls, 4 attackers in 1 sandboxes";
        assert_eq!(linux_told(text, 50, 9).unwrap(), all);
        assert_eq!(linux_told(text, 52, 9), None);
        let text = "sandbox 1: signal 9 after 20 calls\r\nsandbox 2: signal 52 after 3 calls\r\n\
            hostile: 51 calls with seed 9 by 4 attackers in 3 sandboxes\r\n";
        let all = "51 calls, 4 attackers in 3 sandboxes, ended by signals 9 52";
        assert_eq!(linux_told(text, 50, 9).unwrap(), all);
        let text = "hostile: 2085481993631855301 calls with seed 9 by 4 attackers in 1 sandboxes\n";
        assert_eq!(linux_told(text, 50, 9), None, "no count at all");
        assert_eq!(linux_told(text, 51, 8), None);
        let text = "\nrunning 1 test\n12 states, 90 steps, depth 2\n.\n";
        assert_eq!(explored(text).unwrap(), "12 states, 90 steps, depth 2");
        assert_eq!(explored("running 1 test\n"), None);
    }

    #[test]
    fn rows_are_appended() {
        let folder = Folder::new().unwrap();
        let page = folder.file("results/attack.md");
        append(&page, "| one |\n").unwrap();
        append(&page, "| two |\n").unwrap();
        let text = fs::read_to_string(&page).unwrap();
        assert_eq!(text, format!("{HEAD}| one |\n| two |\n"));
    }
}
