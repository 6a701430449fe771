//! Unsafe code stands only in the folders that exist for it.

use super::code::code_only;
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
