//! Every package takes the workspace's lints and names its licence by an SPDX expression.

use super::source_files;
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The breaches in all manifests.
pub fn breaches(root: &Path, files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"))
    {
        let text = source_files::read(root, file)?;
        found.extend(
            in_manifest(&text)
                .into_iter()
                .map(|breach| format!("{}: {breach}", file.display())),
        );
    }
    Ok(found)
}

/// What is wrong with one manifest.
fn in_manifest(text: &str) -> Vec<String> {
    let manifest = match text.parse::<Table>() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("not TOML: {}", error.message())],
    };
    let Some(package) = manifest.get("package") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if !inherits(manifest.get("lints")) {
        found.push("lacks `[lints] workspace = true`".to_owned());
    }
    let licence = package.get("license");
    if !inherits(licence)
        && !licence
            .and_then(Value::as_str)
            .is_some_and(super::licences::is_allowed)
    {
        found.push("lacks an allowed SPDX licence (`license.workspace = true`)".to_owned());
    }
    found
}

fn inherits(value: Option<&Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_and_licence_are_wanted() {
        let good = "[package]\nname = \"a\"\nlicense.workspace = true\n[lints]\nworkspace = true\n";
        assert!(in_manifest(good).is_empty());
        assert!(in_manifest("[workspace]\nmembers = []\n").is_empty());
        assert_eq!(in_manifest("[package]\nname = \"a\"\n").len(), 2);
        assert_eq!(
            in_manifest("[package]\nlicense = \"GPL-3.0-only\"\n[lints]\nworkspace = true\n").len(),
            1
        );
        assert_eq!(in_manifest("[package\n").len(), 1);
    }
}
