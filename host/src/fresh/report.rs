//! What came of a first start, as a page.

use crate::failure::Failure;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The page's first lines.
const HEAD: &str = "\
# A first start on a fresh Debian

Written by `cargo run -- fresh`, which makes a minimal Debian with `debootstrap`, puts rustup (without any toolchain) and a clone of this
tree into it, and starts there as a person would. The packages, the toolchain and the crates come over the network, so the seconds
say as much about the network as about this tree.

";

/// A step's result.
#[derive(Debug)]
pub struct Row {
    /// What was done.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
    /// What came out.
    pub found: String,
    /// Whether that is right.
    pub good: bool,
}

/// All results.
#[derive(Debug)]
pub struct Report {
    version: String,
    rows: Vec<Row>,
    /// The versions of what was used, one a line.
    pub versions: Vec<String>,
}

impl Report {
    /// A report without results about a version of the tree.
    pub fn new(version: String) -> Self {
        Self {
            version,
            rows: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// Adds a step's result.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether every step was right.
    pub fn good(&self) -> bool {
        self.rows.iter().all(|row| row.good)
    }

    /// The results as a table.
    pub fn table(&self) -> String {
        let mut text = "| step | seconds | result |\n|---|---|---|\n".to_owned();
        for row in &self.rows {
            let verdict = if row.good { "ok" } else { "FAILED" };
            // A bar would end the cell.
            let found = row.found.replace('|', "\\|");
            let (what, seconds) = (&row.what, row.seconds);
            // Writing to a text cannot fail.
            let _ = writeln!(text, "| {what} | {seconds:.1} | {verdict}: {found} |");
        }
        text
    }

    /// Writes the page.
    pub fn write(&self, page: &Path) -> Result<(), Failure> {
        let fail = |error| Failure::system(format!("cannot write {}", page.display()), error);
        if let Some(folder) = page.parent() {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        fs::write(page, self.page(&today())).map_err(fail)
    }

    fn page(&self, date: &str) -> String {
        let verdict = if self.good() { "all well" } else { "FAILED" };
        let mut text = format!(
            "{HEAD}{date}, tree at {}: **{verdict}**.\n\n{}",
            self.version,
            self.table()
        );
        if !self.versions.is_empty() {
            text.push_str("\nUsed: Debian ");
            text.push_str(&self.versions.join("; "));
            text.push_str(".\n");
        }
        text
    }
}

/// The date, as the computer's own `date` says it.
pub fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    let date = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    date.unwrap_or_else(|_| "unknown date".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(good: bool) -> Row {
        Row {
            what: "`cargo run`".to_owned(),
            seconds: 12.34,
            found: "a|b".to_owned(),
            good,
        }
    }

    #[test]
    fn the_page_says_when_what_and_how() {
        let mut report = Report::new("abc".to_owned());
        report.add(row(true));
        report.versions = vec!["12.1".to_owned(), "rustc 1".to_owned()];
        let page = report.page("2026-01-02");
        for words in [
            "2026-01-02, tree at abc: **all well**.",
            "| `cargo run` | 12.3 | ok: a\\|b |",
            "Used: Debian 12.1; rustc 1.",
        ] {
            assert!(page.contains(words), "{page}");
        }
    }

    #[test]
    fn one_failure_fails_all() {
        let mut report = Report::new("abc".to_owned());
        report.add(row(true));
        report.add(row(false));
        assert!(!report.good());
        assert!(report.page("x").contains("**FAILED**"));
    }
}
