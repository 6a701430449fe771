//! What no finished source file contains, and how long one may be.

use super::code::code_only;
use super::source_files;
use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// The most code lines of a file: neither blank nor comment.
const MOST_LINES: usize = 500;

/// Words that stand for work left undone, or for a test that does not run.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "#[ignore]", "#[ignore ="];

/// What only the code of one processor may ask for, and where that is.
const PROCESSOR: (&str, &str) = ("target_arch", "kernel/arch");

/// The breaches in all source files.
pub fn breaches(root: &Path, files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
    {
        let text = source_files::read(root, file)?;
        found.extend(
            in_file(file, &text)
                .into_iter()
                .map(|breach| format!("{}{breach}", file.display())),
        );
    }
    Ok(found)
}

/// What is wrong with one file, each behind the place in it.
fn in_file(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code = code_only(text);
    for (line, number) in code.lines().zip(1..) {
        let words = UNFINISHED.iter().filter(|word| line.contains(**word));
        found
            .extend(words.map(|word| format!(":{number}: {word} has no place in a finished tree")));
        if line.contains(PROCESSOR.0) && !file.starts_with(PROCESSOR.1) {
            found.push(format!(
                ":{number}: {} belongs to {}",
                PROCESSOR.0, PROCESSOR.1
            ));
        }
    }
    let length = code.lines().filter(|line| !line.trim().is_empty()).count();
    if length > MOST_LINES {
        found.push(format!(
            ": {length} code lines; more than {MOST_LINES} are too many"
        ));
    }
    if !text.lines().next().unwrap_or_default().starts_with("//!") {
        found.push(":1: the first line does not say what the file is (`//! ...`)".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        in_file(Path::new("user/sys/src/lib.rs"), text).len()
    }

    #[test]
    fn unfinished_work_is_found_in_code_only() {
        assert_eq!(count("//! A file.\n// todo!\nfn f() { \"todo!\"; }\n"), 0);
        assert_eq!(count("//! A file.\nfn f() { todo!() }\n#[ignore]\n"), 2);
        assert_eq!(count("fn f() {}\n"), 1);
    }

    #[test]
    fn processors_have_their_own_folder() {
        let text = "//! A file.\n#[cfg(target_arch = \"x86_64\")]\nfn f() {}\n";
        assert_eq!(count(text), 1);
        assert!(in_file(Path::new("kernel/arch/x86_64/src/lib.rs"), text).is_empty());
    }

    #[test]
    fn long_files_are_found_by_their_code() {
        let blank = format!("//! A file.\n{}", "\n// words\n".repeat(MOST_LINES));
        assert_eq!(count(&blank), 0);
        assert_eq!(
            count(&format!("{blank}{}", "f();\n".repeat(MOST_LINES + 1))),
            1
        );
    }
}
