//! `sundog test`: runs the tests that need a machine, two at a time, and prints their results like Rust's own tests.

mod conversation;
pub mod evidence;
mod holdings;
mod table;
mod typist;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::image;
use crate::images;
use crate::outcome::Outcome;
use crate::process::Process;
use crate::qemu::{Machine, Port};
use crate::say;
use crate::tour;
use conversation::Conversation;
use evidence::{Line, Source, lines};
use hmac_sha256::Hash;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;
use table::{Ending, TargetTest, tests as all_tests};

/// How many machines run at once.
const AT_ONCE: usize = 2;

/// What came of a test.
#[derive(Debug)]
pub struct Report {
    /// What its machine showed.
    pub lines: Vec<Line>,
    /// Whether all was as expected; otherwise what was not, and where the logs are.
    pub verdict: Result<(), String>,
}

/// Says that it is no error if no test has one of the words in its name: `cargo test WORD` may mean a test of the host.
const IF_ANY: &str = "--if-any";

/// Runs all tests whose names, or the names of whose scenes, contain one of the words, or all if there is none.
pub fn main(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let mut words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let if_any = words.iter().any(|word| word == IF_ANY);
    words.retain(|word| word != IF_ANY);
    let chosen: Vec<&TargetTest> = all_tests()
        .filter(|test| is_chosen(test.name, &words) || tour::shows(test.name, &words))
        .collect();
    if chosen.is_empty() && !if_any {
        let names: Vec<_> = all_tests().map(|test| test.name).collect();
        return Err(Failure::new(format!(
            "no target test has that in its name; there are {}",
            names.join(", ")
        )));
    }
    let begin = Instant::now();
    say::line(format_args!("\nrunning {} target tests", chosen.len()))?;
    let mut failures = Vec::new();
    // Tests that have begun go on, whoever reads of them.
    let mut written = Ok(());
    run_all(&chosen, |test, report| {
        let shown = report
            .verdict
            .and_then(|()| tour::check(test.name, &report.lines));
        let word = if shown.is_ok() { "ok" } else { "FAILED" };
        let line = format_args!("test {} ... {word}", test.name);
        if written.is_ok() {
            written = say::line(line);
        }
        failures.extend(shown.err().map(|text| (test.name, text)));
    });
    written?;
    if !failures.is_empty() {
        say::line("\nfailures:\n")?;
    }
    for (name, text) in &failures {
        say::line(format_args!("---- {name} ----\n{text}\n"))?;
    }
    let (verdict, failed) = (
        if failures.is_empty() { "ok" } else { "FAILED" },
        failures.len(),
    );
    let (passed, left) = (chosen.len() - failed, all_tests().count() - chosen.len());
    let seconds = begin.elapsed().as_secs_f64();
    say::line(format_args!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {left} filtered out; finished in {seconds:.2}s\n"
    ))?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the tests of these names, two at a time, and hands over each report as soon as it is there. A name without a test is left out.
pub fn run_named(names: &[&str], done: &mut dyn FnMut(&str, Report)) {
    let find = |name: &&str| all_tests().find(|test| test.name == *name);
    let tests: Vec<&TargetTest> = names.iter().filter_map(find).collect();
    run_all(&tests, |test, report| done(test.name, report));
}

/// Whether there is a test of this name.
#[cfg(test)]
pub fn is_a_test(name: &str) -> bool {
    all_tests().any(|test| test.name == name)
}

fn is_chosen(name: &str, words: &[String]) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
}

/// Runs the tests on a few threads, and hands over their reports in the order in which they end.
fn run_all(tests: &[&'static TargetTest], mut done: impl FnMut(&TargetTest, Report)) {
    let next = AtomicUsize::new(0);
    let (sender, reports) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
            if sender.send((*test, run(test))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        drop(sender);
        for (test, report) in reports {
            done(test, report);
        }
    });
}

/// Runs one test.
fn run(test: &TargetTest) -> Report {
    let mut lines = Vec::new();
    let verdict = start(test, &mut lines).and_then(|text| match test.console_as {
        Some(other) => start(other, &mut Vec::new()).and_then(|theirs| judge_same(&text, &theirs)),
        None => Ok(()),
    });
    Report { lines, verdict }
}

/// Starts a test's machine, collects what it shows and judges it; gives what COM1 got, the error says what was wrong and where the logs
/// are.
fn start(test: &TargetTest, shown: &mut Vec<Line>) -> Result<String, String> {
    let kernel = images::program(test.image).map_err(|failure| failure.text().to_owned())?;
    let mut machine = Machine::new(test.board, kernel);
    machine.icount = test.icount;
    machine.command_line = test.command_line.to_owned();
    let mut system = None;
    let folder = Folder::new().map_err(|failure| failure.text().to_owned())?;
    if let Some(name) = test.system {
        let manifest = images::manifest(name);
        let built = image::Plan::read(&manifest, &images::native).and_then(|mut plan| {
            plan.add(&test.guests)?;
            plan.add_tree(test.tree)?;
            for (name, arguments) in test.arguments {
                plan.set_arguments(name, arguments)?;
            }
            let bytes = plan.build(&images::native, &image::Busybox::of_system())?;
            machine.archive = Some(image::put(&bytes, &folder)?);
            machine.memory = machine.memory.max(plan.memory());
            Ok(plan.system)
        });
        system = Some(built.map_err(|failure| failure.text().to_owned())?);
        machine.command_line += " inspect";
    }
    let mut conversation = None;
    if !test.steps.is_empty() {
        let begun = Conversation::begin(test.steps, &folder);
        let begun = begun.map_err(|error| format!("cannot listen at the ports: {error}"))?;
        machine.connected.clone_from(&begun.ports);
        conversation = Some(begun);
    }
    if !test.typed.is_empty() {
        let begun = typist::begin(test.typed, &folder);
        begun.map_err(|error| format!("cannot listen at COM1: {error}"))?;
        machine.connected = vec![Port::Console];
    }
    let log = Port::KernelText.log(&folder);
    let is_over = || conversation.as_ref().is_none_or(Conversation::is_over);
    let there = || is_over() && has_lines(test, &Outcome::text(&log));
    let outcome = Process::start(&machine, &folder).and_then(|process| match test.ending {
        Ending::Runs => process.wait_unless(test.limit, &there),
        Ending::Pass | Ending::Fail | Ending::Panic(_) => process.wait(Some(test.limit)).map(Some),
    });
    let outcome = outcome.map_err(|failure| failure.text().to_owned())?;
    let text = Outcome::text(&log);
    let console = Outcome::text(&Port::Console.log(&folder));
    shown.extend(lines(Source::Kernel, &text));
    match &conversation {
        Some(conversation) => shown.extend(conversation.lines()),
        None => shown.extend(lines(Source::Terminal, &console)),
    }
    let said = conversation.as_ref().map_or(Ok(()), Conversation::result);
    let judged = said
        .and_then(|()| judge(test, outcome.as_ref(), &text))
        .and_then(|()| judge_console(test, &console))
        .and_then(|()| judge_hash(test, &text))
        .and_then(|()| system.map_or(Ok(()), |system| holdings::compare(&text, &system)));
    judged.map(|()| console).map_err(|wrong| {
        let logs = folder.keep();
        format!(
            "{wrong}\nthe kernel's text:\n{}\nlogs: {}",
            indent(&text),
            logs.display()
        )
    })
}

/// Compares what happened (`None`: the machine still ran when the test ended it) with what the test expects.
fn judge(test: &TargetTest, outcome: Option<&Outcome>, text: &str) -> Result<(), String> {
    match (test.ending, outcome) {
        (Ending::Pass, Some(Outcome::Passed))
        | (Ending::Fail, Some(Outcome::Ended))
        | (Ending::Runs, None) => {}
        (Ending::Panic(words), Some(Outcome::Panicked(Some(line)))) if line.contains(words) => {}
        (Ending::Panic(words), Some(outcome)) => {
            return Err(format!("expected a panic with {words:?}, but {outcome}"));
        }
        (_, Some(outcome)) => return Err(outcome.to_string()),
        (Ending::Pass | Ending::Fail | Ending::Panic(_), None) => {
            return Err("the machine went on".to_owned());
        }
    }
    match missing_line(test, text) {
        Some(line) => Err(format!("the kernel's text lacks the line {line:?}")),
        None => Ok(()),
    }
}

/// Compares what COM1 got with what the test expects there.
fn judge_console(test: &TargetTest, text: &str) -> Result<(), String> {
    match test.console {
        Some((part, times)) if text != part.repeat(times) => Err(format!(
            "COM1 got {} bytes that are not {times} times {part:?}",
            text.len()
        )),
        _ => Ok(()),
    }
}

/// Compares what COM1 of two machines got.
fn judge_same(text: &str, other: &str) -> Result<(), String> {
    /// Fewer bytes than this show that nothing was said that could be compared.
    const LITTLE: usize = 1000;
    if other.len() < LITTLE {
        return Err(format!("COM1 of the other machine got only {other:?}"));
    }
    let mut pairs = text.lines().zip(other.lines()).zip(1..);
    match pairs.find(|((line, other), _)| line != other) {
        _ if text == other => Ok(()),
        Some(((line, other), number)) => Err(format!(
            "COM1, line {number}: {line:?}, where the other machine has {other:?}"
        )),
        None => Err(format!(
            "COM1 got {} bytes, and {} in the other machine",
            text.len(),
            other.len()
        )),
    }
}

/// Compares what a program says of an image that it read through a file server with the image itself.
fn judge_hash(test: &TargetTest, text: &str) -> Result<(), String> {
    let Some(name) = test.hashed else {
        return Ok(());
    };
    let image = images::native(name).map_err(|failure| failure.text().to_owned())?;
    let bytes = fs::read(&image).map_err(|error| format!("{}: {error}", image.display()))?;
    let bytes = image::trimmed(bytes);
    let hash = Hash::hash(&bytes)
        .map(|byte| format!("{byte:02x}"))
        .concat();
    let wanted = format!(
        "files: /{name} has {} bytes with the hash {hash}",
        bytes.len()
    );
    match text.lines().any(|line| line.trim_end() == wanted) {
        true => Ok(()),
        false => Err(format!("the kernel's text lacks the line {wanted:?}")),
    }
}

/// The first line of the test's that the text lacks; a line counts as a whole.
fn missing_line(test: &TargetTest, text: &str) -> Option<&'static str> {
    let lacks = |line: &&&str| !text.lines().any(|found| found.trim_end() == **line);
    test.lines.iter().find(lacks).copied()
}

/// Whether all lines are there, and complete.
fn has_lines(test: &TargetTest, text: &str) -> bool {
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    missing_line(test, complete).is_none()
}

/// The last lines of a text, moved to the right.
fn indent(text: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<_> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default();
    last.iter()
        .map(|line| format!("  | {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_and_each_line_count() {
        let test = all_tests().next().unwrap();
        let good = test.lines.join("\n");
        let judge = |outcome, text| judge(test, Some(&outcome), text);
        assert_eq!(judge(Outcome::Passed, &good), Ok(()));
        let error = judge(Outcome::Passed, "").unwrap_err();
        assert!(error.contains("lacks"));
        let error = judge(Outcome::Reset, &good).unwrap_err();
        assert!(error.contains("triple fault"));
    }

    #[test]
    fn the_console_gets_no_more_and_no_less() {
        let test = all_tests().find(|test| test.console.is_some()).unwrap();
        assert_eq!(judge_console(test, &".".repeat(300)), Ok(()));
        for text in ["", &".".repeat(299), &".".repeat(301), &"x".repeat(300)] {
            assert!(judge_console(test, text).is_err(), "{text:?}");
        }
        assert_eq!(
            judge_console(all_tests().next().unwrap(), "anything"),
            Ok(())
        );
    }

    #[test]
    fn two_consoles_are_the_same_byte_for_byte() {
        let text = "a line\n".repeat(200);
        assert_eq!(judge_same(&text, &text), Ok(()));
        let other = text.replacen("a line", "another", 1);
        assert!(judge_same(&other, &text).unwrap_err().contains("line 1"));
        assert!(judge_same(&format!("{text}more\n"), &text).is_err());
        assert!(judge_same("", "").is_err(), "nothing was said");
    }

    #[test]
    fn a_line_counts_when_it_is_whole() {
        let mut tests = all_tests();
        let test = tests.find(|test| test.name == "system_microvm").unwrap();
        assert_eq!(test.lines, ["init: 2 programs"]);
        assert!(has_lines(test, "sundog: 2 CPUs\ninit: 2 programs\n"));
        for text in [
            "init: 2 programs",
            "init: 2 programs more\n",
            "init: 22 programs\n",
        ] {
            assert!(!has_lines(test, text), "{text:?}");
        }
        assert_eq!(judge(test, None, "init: 2 programs\n"), Ok(()));
        let outcome = Outcome::Panicked(None);
        assert!(judge(test, Some(&outcome), "init: 2 programs\n").is_err());
    }

    #[test]
    fn names_are_unique_and_chosen_by_words() {
        let mut names: Vec<_> = all_tests().map(|test| test.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all_tests().count());
        assert!(is_chosen("boot_q35", &[]) && is_chosen("boot_q35", &["q35".into()]));
        assert!(!is_chosen("boot_q35", &["microvm".into()]));
    }

    #[test]
    fn long_texts_are_cut_at_the_front() {
        let text: String = (0..100).map(|number| format!("{number}\n")).collect();
        let shown = indent(&text);
        assert!(
            shown.starts_with("  | 60\n") && shown.ends_with("  | 99"),
            "{shown}"
        );
    }
}
