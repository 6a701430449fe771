//! What the README says of the tour: the table of scenes, and the output of some of them.

use super::scene::Scene;
use crate::images;

/// The README's text; nothing where the command runs without its sources.
fn text() -> String {
    std::fs::read_to_string(images::source_root().join("README.md")).unwrap_or_default()
}

/// Compares the README's output of a scene, if it shows that, with what came out.
pub fn compare(scene: &Scene, picked: &[String]) -> Result<(), String> {
    let readme = text();
    let Some(example) = example(&readme, scene) else {
        return Ok(());
    };
    let (expected, found) = (shape(&example), shape(picked));
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "the scene {}: README.md shows another output; this one came out:\n{}",
        scene.name,
        picked.join("\n")
    ))
}

/// The lines of a scene's output in the README: between its command and the word ok.
pub fn example(readme: &str, scene: &Scene) -> Option<Vec<String>> {
    let command = format!("$ {}", scene.command());
    let mut lines = readme.lines().skip_while(|line| *line != command);
    lines.next()?;
    let output = lines.take_while(|line| *line != "ok");
    Some(output.map(str::to_owned).collect())
}

/// Output without what differs from run to run or from image to image: numbers, hashes, the order in which lines of different sources reached the host, and into how
/// many pieces a device's bytes fell.
pub fn shape(lines: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = lines.iter().map(|line| without_numbers(line)).collect();
    lines.sort_by_key(|line| line.split_once('|').map(|(source, _)| source.to_owned()));
    lines.dedup();
    lines
}

/// The text with `0` in the place of each whole number, also one with a point.
fn without_numbers(line: &str) -> String {
    let line = without_hashes(line);
    let mut out = String::new();
    let mut before = ' ';
    for character in line.chars() {
        let number = character.is_ascii_digit();
        if !(number && before.is_ascii_digit()) {
            out.push(if number { '0' } else { character });
        }
        before = character;
    }
    out
}

/// The text with `0` in the place of each hash as scenes show it, `"01234567..."`: it changes with what is given.
fn without_hashes(line: &str) -> String {
    let mut pieces = line.split("...\"").peekable();
    let mut out = String::new();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return out + piece;
        }
        let kept = piece.trim_end_matches(|character: char| character.is_ascii_hexdigit());
        let shown = if kept.ends_with('"') { kept } else { piece };
        out += &format!("{shown}0...\"");
    }
    out
}

/// The rows of the README's table of scenes: name, claim, test.
#[cfg(test)]
pub fn table(readme: &str) -> Vec<[String; 3]> {
    let lines = readme.lines().skip_while(|line| *line != "## Tour");
    let rows = lines
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        let mut cells = cells.map(|cell| cell.trim().trim_matches('`').to_owned());
        [(); 3].map(|()| cells.next().unwrap_or_default())
    };
    rows.map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::super::scenes::SCENES;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_the_list_of_scenes() {
        let scenes = SCENES
            .iter()
            .map(|scene| [scene.name, scene.claim, scene.row].map(str::to_owned));
        assert_eq!(table(&text()), scenes.collect::<Vec<_>>());
    }

    #[test]
    fn the_diagram_is_shown() {
        let asked = SCENES.iter().find(|scene| scene.name == "asked").unwrap();
        let shown = example(&text(), asked).unwrap();
        let steps = [
            "program -> consent: open",
            "consent -> person: ask",
            "person -> consent: answer",
            "consent -> program: endpoint(record)",
            "program -> handler: record",
        ];
        let mut lines = shown.iter();
        for step in steps {
            assert!(lines.any(|line| line.contains(step)), "{step}");
        }
    }

    #[test]
    fn every_example_belongs_to_a_scene() {
        let readme = text();
        let commands: BTreeSet<_> = SCENES.iter().map(Scene::command).collect();
        let shown = readme.lines().filter_map(|line| line.strip_prefix("$ "));
        let shown: Vec<_> = shown.filter(|line| line.contains(" tour ")).collect();
        assert!(!shown.is_empty());
        for command in shown {
            assert!(commands.contains(command), "{command}");
        }
    }

    #[test]
    fn numbers_and_the_order_of_sources_do_not_count() {
        let lines = |all: &[&str]| {
            all.iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        };
        let one = lines(&["  log | at 123", "  terminal | a", "  terminal | b"]);
        let other = lines(&["  terminal | a", "  log | at 7", "  terminal | b"]);
        assert_eq!(shape(&one), shape(&other));
        let turned = lines(&["  terminal | b", "  log | at 7", "  terminal | a"]);
        let hashes = ["0a1b2c3d", "ffffffff"];
        let [first, second] =
            hashes.map(|hash| lines(&[&format!("  log | \"h\":\"{hash}...\",\"x\"")]));
        assert_eq!(shape(&first), shape(&second));
        assert_ne!(
            shape(&first),
            shape(&lines(&["  log | \"h\":\"none\",\"x\""]))
        );
        assert_ne!(shape(&one), shape(&turned));
        assert_ne!(shape(&one), shape(&one[1..]));
        let pieces = lines(&[
            "  log | at 1",
            "  log | at 2",
            "  terminal | a",
            "  terminal | b",
        ]);
        assert_eq!(shape(&one), shape(&pieces));
    }
}
