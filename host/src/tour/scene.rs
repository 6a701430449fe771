//! A scene: what it claims, the test that proves it, and the lines of that test's machine that show it.

use crate::target_tests::Report;
use crate::target_tests::evidence::{Line, Source};

/// The most characters of a line that are shown.
const WIDTH: usize = 100;
/// Digits of a hash in the log, and how many of them are shown.
const HASH: usize = 64;
const SHOWN_OF_HASH: usize = 8;

/// From so many lines in a row that are shown for one reason only some are.
const MANY: usize = 40;
/// How many of these, before the last.
const FIRST: usize = 5;

/// A scene.
#[derive(Debug)]
pub struct Scene {
    /// Its name, a word.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub claim: &'static str,
    /// The name of the target test whose machine it shows.
    pub row: &'static str,
    /// The lines that are shown: of this source, with this in it. There must be one for each.
    pub shows: &'static [(Source, &'static str)],
}

impl Scene {
    /// What a person types to see it again.
    pub fn command(&self) -> String {
        format!("cargo run -- tour {}", self.name)
    }

    /// The lines of a machine that belong to the scene, as they are printed; the error names the first that is missing.
    pub fn pick(&self, lines: &[Line]) -> Result<Vec<String>, String> {
        let fits = |line: &Line, (source, part): &(Source, &str)| {
            line.source == *source && line.text.contains(part)
        };
        let lacks = |show: &&(Source, &str)| !lines.iter().any(|line| fits(line, show));
        if let Some((source, part)) = self.shows.iter().find(lacks) {
            let source = source.name();
            return Err(format!(
                "the scene {}: no line of the {source} has {part:?}",
                self.name
            ));
        }
        let place = |line: &Line| self.shows.iter().position(|show| fits(line, show));
        let picked: Vec<(usize, &Line)> = lines
            .iter()
            .filter_map(|line| Some((place(line)?, line)))
            .collect();
        let alike = picked.chunk_by(|(one, _), (other, _)| one == other);
        Ok(alike.flat_map(shortened).collect())
    }

    /// The scene as it is printed after its test, and whether it showed what it promises.
    pub fn play(&self, report: &Report) -> (String, bool) {
        let mut text = format!("{}: {}\n$ {}\n", self.name, self.claim, self.command());
        let picked = report
            .verdict
            .clone()
            .and_then(|()| self.pick(&report.lines));
        let good = picked.is_ok();
        for line in picked.iter().flatten() {
            text.push_str(line);
            text.push('\n');
        }
        match picked {
            Ok(_) => text.push_str("ok\n"),
            Err(wrong) => text.push_str(&format!("FAIL: {}: {wrong}\n", self.row)),
        }
        (text, good)
    }
}

/// Lines that the scene shows for the same reason; of very many their beginning, how many they are, and the last.
fn shortened(alike: &[(usize, &Line)]) -> Vec<String> {
    let all = |lines: &[(usize, &Line)]| lines.iter().map(|(_, line)| printed(line)).collect();
    match alike {
        [first @ .., last] if first.len() >= MANY => {
            let left = first.len() - FIRST;
            let mut lines: Vec<String> = all(&first[..FIRST]);
            lines.push(format!(
                "  {:8} | ({left} more like these)",
                last.1.source.name()
            ));
            lines.push(printed(last.1));
            lines
        }
        few => all(few),
    }
}

/// A line behind the name of its source, cut where it is long; a line of the log without what every line of it has.
fn printed(line: &Line) -> String {
    let (name, text) = (line.source.name(), without_hashes(&line.text));
    if line.source == Source::Log {
        return format!("  {name:8} | {text}");
    }
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => {
            let count = text.chars().count();
            format!("  {name:8} | {}... ({count} characters)", &text[..end])
        }
        None => format!("  {name:8} | {text}"),
    }
}

/// The text with the first digits of each hash in the hash's place.
fn without_hashes(text: &str) -> String {
    let pieces = text.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    let short = |piece: &str| {
        let digits = piece.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        if digits.len() == HASH {
            format!("{}...{}", &digits[..SHOWN_OF_HASH], &piece[HASH..])
        } else {
            piece.to_owned()
        }
    };
    pieces.map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: Scene = Scene {
        name: "dots",
        claim: "dots come out",
        row: "dots_row",
        shows: &[(Source::Terminal, "..."), (Source::Kernel, "init: ")],
    };

    fn report(lines: &[(Source, &str)], verdict: Result<(), String>) -> Report {
        let lines = lines.iter();
        let lines = lines.map(|(source, text)| Line::new(*source, text));
        Report {
            lines: lines.collect(),
            verdict,
        }
    }

    #[test]
    fn the_lines_of_a_scene_are_printed_and_no_others() {
        let lines = [
            (Source::Kernel, "sundog: 2 CPUs"),
            (Source::Kernel, "init: 3 programs"),
            (Source::Terminal, "....."),
            (Source::Log, "..."),
        ];
        let (text, good) = SCENE.play(&report(&lines, Ok(())));
        assert!(good);
        let expected = "dots: dots come out\n$ cargo run -- tour dots\n  kernel   | init: 3 programs\n  terminal | .....\nok\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn of_very_many_lines_some_are_shown() {
        let texts: Vec<String> = (0..200).map(|number| format!("...{number}")).collect();
        let mut lines: Vec<_> = texts
            .iter()
            .map(|text| (Source::Terminal, &**text))
            .collect();
        lines.push((Source::Kernel, "init: x"));
        let (text, good) = SCENE.play(&report(&lines, Ok(())));
        assert!(good);
        for there in [
            "terminal | ...4\n  terminal | (194 more like these)\n  terminal | ...199\n",
            "kernel   | init: x\n",
        ] {
            assert!(text.contains(there), "{text}");
        }
    }

    #[test]
    fn a_missing_line_or_a_failed_test_is_a_fail() {
        let lines = [(Source::Terminal, "...")];
        let (text, good) = SCENE.play(&report(&lines, Ok(())));
        assert!(!good && text.contains("FAIL: dots_row: the scene dots: no line of the kernel"));
        assert!(!text.contains("\nok"), "{text}");
        let all = [(Source::Terminal, "..."), (Source::Kernel, "init: x")];
        let (text, good) = SCENE.play(&report(&all, Err("it reset itself".into())));
        assert!(
            !good && text.contains("FAIL: dots_row: it reset itself"),
            "{text}"
        );
    }

    #[test]
    fn hashes_are_cut_and_other_numbers_are_not() {
        let hash = "0123456789abcdef".repeat(4);
        let text = format!("{{\"hash\":\"{hash}\",\"bytes\":12}}");
        let line = Line::new(Source::Log, &text);
        let expected = "  log      | {\"hash\":\"01234567...\",\"bytes\":12}";
        assert_eq!(printed(&line), expected);
    }

    #[test]
    fn long_lines_are_cut_and_say_so() {
        let line = Line::new(Source::Terminal, &".".repeat(300));
        let text = printed(&line);
        assert!(
            text.ends_with("... (300 characters)") && text.len() < 220,
            "{text}"
        );
    }
}
