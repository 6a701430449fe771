//! Unsafe code stands only in the folders that exist for it.

use super::source_files;
use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// The folders whose purpose is to turn unsafe operations into safe ones.
const ALLOWED: [&str; 7] = [
    "host/sys",
    "kernel/arch",
    "kernel/machine",
    "linux/memory",
    "user/ring",
    "user/rt",
    "user/sys",
];

/// A driver's register layer: this file or folder in one of its crates.
const REGISTERS: [&str; 2] = ["registers.rs", "registers"];

/// The lines outside of these folders where the word `unsafe` is code.
pub fn breaches(root: &Path, files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs") && !is_allowed(file))
    {
        let text = source_files::read(root, file)?;
        let lines = lines_with_unsafe(&text);
        found.extend(lines.into_iter().map(|line| {
            format!(
                "{}:{line}: unsafe code outside of its folders",
                file.display()
            )
        }));
    }
    Ok(found)
}

fn is_allowed(file: &Path) -> bool {
    let in_driver = file.starts_with("drivers")
        && file
            .iter()
            .any(|part| REGISTERS.iter().any(|name| part == *name));
    in_driver || ALLOWED.iter().any(|folder| file.starts_with(folder))
}

/// The numbers of the lines that contain the keyword, from 1.
fn lines_with_unsafe(source: &str) -> Vec<usize> {
    let code = code_only(source);
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let numbered = code.lines().zip(1..);
    numbered
        .filter(|(line, _)| {
            line.split(|letter| !is_name(letter))
                .any(|word| word == "unsafe")
        })
        .map(|(_, number)| number)
        .collect()
}

/// The source with comments and the contents of strings blanked; lines keep their numbers.
fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let skipped = skipped_length(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(rest[..skipped].chars().filter(|letter| *letter == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length in bytes of the comment or literal at the start of `rest`; 0 if there is none.
fn skipped_length(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    let after_name =
        before.is_some_and(|letter| letter.is_alphanumeric() && letter != 'b' && letter != 'c');
    if rest.starts_with('r') && !after_name {
        let marks = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
        if rest[1 + marks..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(marks)), marks + 2);
        }
    }
    if rest.starts_with('"') {
        return quoted_length(rest, b'"');
    }
    // A character, not a lifetime: one letter or one escape, then the closing quote.
    let mut letters = rest.chars();
    if letters.next() == Some('\'')
        && (letters.next() == Some('\\') || letters.next() == Some('\''))
    {
        return quoted_length(rest, b'\'');
    }
    0
}

/// The length of a comment that may contain others.
fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal between two equal marks, with escapes by a backslash.
fn quoted_length(rest: &str, mark: u8) -> usize {
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            byte if byte == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keyword_in_code_counts() {
        let harmless = "// unsafe\n/* unsafe /* */ unsafe */ let unsafe_code = \"unsafe \\\" unsafe\";\nr#\"unsafe \" unsafe\"#; '\"'; fn f<'a>() {} b\"unsafe\"";
        assert_eq!(lines_with_unsafe(harmless), [0; 0]);
        assert_eq!(
            lines_with_unsafe("a\n/* \n */ unsafe { }\n'\"'; unsafe"),
            [3, 4]
        );
        assert_eq!(
            lines_with_unsafe("#[unsafe(no_mangle)]\nfor r in 'a'..'\\'' { unsafe {} }"),
            [1, 2]
        );
        assert_eq!(lines_with_unsafe("\"open ended unsafe"), [0; 0]);
    }

    #[test]
    fn drivers_have_it_in_their_register_layer_only() {
        assert!(is_allowed(Path::new(
            "drivers/serial/server/src/registers.rs"
        )));
        assert!(is_allowed(Path::new("kernel/arch/x86_64/src/lib.rs")));
        assert!(!is_allowed(Path::new("drivers/serial/server/src/main.rs")));
        assert!(!is_allowed(Path::new("services/registers/src/main.rs")));
    }
}
