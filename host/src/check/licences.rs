//! Every dependency, of whatever depth, may be used under a licence that asks for no more than attribution.

use crate::failure::Failure;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The licences that are allowed.
const ALLOWED: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// The packages that cargo knows in the tree and that have no allowed licence.
pub fn breaches(root: &Path) -> Result<Vec<String>, Failure> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root);
    let output = cargo
        .output()
        .map_err(|error| Failure::system("cannot start cargo", error))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    let metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::system("cargo metadata", error))?;
    Ok(in_metadata(&metadata))
}

fn in_metadata(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let bad = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed));
    let describe = |package: &Value| {
        format!(
            "{}: licence {} is not allowed",
            package["name"], package["license"]
        )
    };
    let mut found: Vec<_> = bad.map(describe).collect();
    if packages.is_empty() {
        found.push("cargo metadata names no package".to_owned());
    }
    found
}

/// True if an SPDX expression can be met with allowed licences only.
pub fn is_allowed(expression: &str) -> bool {
    // `A/B` is how crates said `A OR B` before SPDX.
    let expression = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = expression.split_whitespace().peekable();
    any(&mut words) == Some(true) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// `a OR b`: one is enough. `OR` binds weaker than `AND`. `None` if this is no expression.
fn any(words: &mut Words) -> Option<bool> {
    let mut met = all(words)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words)?;
    }
    Some(met)
}

/// `a AND b`: both must be met.
fn all(words: &mut Words) -> Option<bool> {
    let mut met = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words)?;
    }
    Some(met)
}

/// One licence, or an expression in parentheses.
fn one(words: &mut Words) -> Option<bool> {
    let word = words.next()?;
    if word == "(" {
        let met = any(words)?;
        return (words.next()? == ")").then_some(met);
    }
    if words.next_if_eq(&"WITH").is_some() {
        let exception = words.next()?;
        return Some(ALLOWED.contains(&format!("{word} WITH {exception}").as_str()));
    }
    Some(ALLOWED.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for good in [
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0",
            "Zlib OR Apache-2.0 OR MIT",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT WITH Surprise",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn packages_without_a_licence_are_found() {
        let metadata = serde_json::json!({"packages": [{"name": "a", "license": "MIT"}, {"name": "b", "license": null}]});
        assert_eq!(
            in_metadata(&metadata),
            ["\"b\": licence null is not allowed"]
        );
        assert_eq!(in_metadata(&serde_json::json!({})).len(), 1);
    }
}
