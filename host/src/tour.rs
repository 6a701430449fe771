//! `sundog tour`: scenes that show what the system does. Each is a look at the machine of a target test, so none can promise more
//! than a test checks.

mod readme;
mod scene;
mod scenes;

use crate::failure::Failure;
use crate::target_tests::evidence::Line;
use crate::target_tests::{Report, run_named};
use scene::Scene;
use scenes::SCENES;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Plays the scenes whose names contain one of the words, or all; the status is the number of those that failed.
pub fn main(words: &[OsString]) -> Result<ExitCode, Failure> {
    let words: Vec<_> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let chosen: Vec<&Scene> = SCENES
        .iter()
        .filter(|scene| words.is_empty() || words.iter().any(|word| scene.name.contains(&**word)))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = SCENES.iter().map(|scene| scene.name).collect();
        return Err(Failure::new(format!(
            "no scene has that in its name; there are {}",
            names.join(", ")
        )));
    }
    let mut out = std::io::stdout();
    let failed = play(&chosen, &mut |names, done| run_named(names, done), &mut out);
    let failed = failed.map_err(|error| Failure::output(&error))?;
    Ok(ExitCode::from(u8::try_from(failed).unwrap_or(u8::MAX)))
}

/// Runs the tests of these names and hands over each report.
type Run<'a> = &'a mut dyn FnMut(&[&str], &mut dyn FnMut(&str, Report));

/// Plays scenes, in their order, each as soon as it and all before it are there; the answer is the number of those that failed.
fn play(scenes: &[&Scene], run: Run<'_>, out: &mut dyn Write) -> std::io::Result<usize> {
    let mut rows: Vec<&str> = Vec::new();
    for scene in scenes {
        if !rows.contains(&scene.row) {
            rows.push(scene.row);
        }
    }
    let mut reports = BTreeMap::new();
    let mut left = scenes.iter();
    let (mut next, mut failed, mut written) = (left.next(), 0, Ok(()));
    let mut show = |scene: &Scene, report: &Report| {
        let (text, good) = scene.play(report);
        failed += usize::from(!good);
        if written.is_ok() {
            written = writeln!(out, "{text}").and_then(|()| out.flush());
        }
    };
    run(&rows, &mut |name, report| {
        reports.insert(name.to_owned(), report);
        while let Some((scene, report)) =
            next.and_then(|scene| Some((scene, reports.get(scene.row)?)))
        {
            show(scene, report);
            next = left.next();
        }
    });
    written?;
    let played = scenes.len() - left.len() - usize::from(next.is_some());
    failed += scenes.len() - played;
    writeln!(
        out,
        "{} scenes: {} ok, {failed} FAIL",
        scenes.len(),
        scenes.len() - failed
    )?;
    Ok(failed)
}

/// Whether a test has a scene whose test name, `tour_NAME`, has one of the words in it.
pub fn shows(row: &str, words: &[String]) -> bool {
    let fits = |scene: &Scene| {
        let name = format!("tour_{}", scene.name);
        words.iter().any(|word| name.contains(&**word))
    };
    SCENES.iter().any(|scene| scene.row == row && fits(scene))
}

/// Checks the scenes of a test: each line that they show is there, and what the README shows of them has the shape of what came out.
pub fn check(row: &str, lines: &[Line]) -> Result<(), String> {
    for scene in SCENES.iter().filter(|scene| scene.row == row) {
        let picked = scene.pick(lines)?;
        readme::compare(scene, &picked)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target_tests::is_a_test;

    fn scene(name: &'static str, row: &'static str) -> Scene {
        Scene {
            name,
            claim: "it works",
            row,
            shows: &[],
        }
    }

    /// Plays scenes whose tests end in this order; the numbers of the scenes that failed and the order of those shown.
    fn played(scenes: &[Scene], ends: &[(&str, bool)]) -> (usize, Vec<String>) {
        let scenes: Vec<_> = scenes.iter().collect();
        let mut out = Vec::new();
        let mut run = |names: &[&str], done: &mut dyn FnMut(&str, Report)| {
            assert_eq!(names, ["first", "second"], "each test runs once");
            for (name, good) in ends {
                let verdict = good.then_some(()).ok_or("it broke".to_owned());
                let lines = Vec::new();
                done(name, Report { lines, verdict });
            }
        };
        let failed = play(&scenes, &mut run, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let shown = text.lines().filter(|line| line.ends_with("works"));
        (failed, shown.map(str::to_owned).collect())
    }

    #[test]
    fn scenes_come_in_their_order_and_fails_are_counted() {
        let scenes = [
            scene("a", "first"),
            scene("b", "second"),
            scene("c", "first"),
        ];
        let all = ["a: it works", "b: it works", "c: it works"].map(str::to_owned);
        let ends = [("second", true), ("first", true)];
        assert_eq!(played(&scenes, &ends), (0, all.to_vec()));
        let ends = [("second", true), ("first", false)];
        assert_eq!(played(&scenes, &ends), (2, all.to_vec()));
        // A test that never ended is no success of its scenes.
        assert_eq!(played(&scenes, &[("first", true)]), (2, all[..1].to_vec()));
    }

    #[test]
    fn each_scene_has_a_test_and_a_name_of_its_own() {
        for (index, scene) in SCENES.iter().enumerate() {
            assert!(is_a_test(scene.row), "{}: {}", scene.name, scene.row);
            assert!(!scene.shows.is_empty(), "{} shows nothing", scene.name);
            let other = SCENES[..index].iter().any(|other| other.name == scene.name);
            assert!(!other, "{} twice", scene.name);
        }
    }

    #[test]
    fn a_test_is_chosen_by_its_scenes_too() {
        let words = |word: &str| [word.to_owned()];
        let scene = &SCENES[0];
        assert!(shows(scene.row, &words("tour")));
        assert!(shows(scene.row, &words(&format!("tour_{}", scene.name))));
        assert!(!shows(scene.row, &words("tour_none")));
        assert!(!shows("boot_q35", &words("tour")));
        assert!(!shows(scene.row, &[]));
    }

    #[test]
    fn a_line_that_a_scene_shows_is_a_part_of_its_test() {
        let row = SCENES[0].row;
        assert!(check(row, &[]).unwrap_err().contains(SCENES[0].name));
        assert_eq!(check("boot_q35", &[]), Ok(()));
    }
}
