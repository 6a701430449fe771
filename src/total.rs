//! Runs test commands one after the other and adds up what they report.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// The sum of all test runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Total {
    /// How many tests passed.
    pub passed: u64,
    /// How many tests failed.
    pub failed: u64,
    /// True while every run ended with success; a run that could not even be compiled counts no failed test.
    pub good: bool,
}

impl Total {
    /// The sum of no runs.
    pub const fn new() -> Self {
        Self {
            passed: 0,
            failed: 0,
            good: true,
        }
    }

    /// Runs a test command, passes on what it says as it comes and adds up its `test result:` lines.
    ///
    /// # Errors
    /// A text that says why the command cannot be run; failing tests are no error.
    pub fn add_run(&mut self, mut command: Command, shown: &mut impl Write) -> Result<(), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let fail = |error| format!("sundog: cannot run {name}: {error}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).map_err(fail)? > 0 {
                self.add_line(&String::from_utf8_lossy(&line));
                shown
                    .write_all(&line)
                    .and_then(|()| shown.flush())
                    .map_err(fail)?;
                line.clear();
            }
        }
        self.good &= child.wait().map_err(fail)?.success();
        Ok(())
    }

    /// Adds a line such as `test result: ok. 3 passed; 1 failed; ...`; other lines count nothing.
    fn add_line(&mut self, line: &str) {
        let result = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "));
        let Some((_, counts)) = result else { return };
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

impl Default for Total {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn results_are_added_up_and_passed_on() {
        let (mut total, mut shown) = (Total::new(), Vec::new());
        let first = "echo 'test result: ok. 3 passed; 0 failed; 1 ignored'; echo 9 passed";
        total.add_run(shell(first), &mut shown).unwrap();
        assert_eq!(
            total,
            Total {
                passed: 3,
                failed: 0,
                good: true
            }
        );
        assert_eq!(
            shown,
            b"test result: ok. 3 passed; 0 failed; 1 ignored\n9 passed\n"
        );
        let second = "echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'; exit 101";
        total.add_run(shell(second), &mut shown).unwrap();
        assert_eq!(
            total,
            Total {
                passed: 4,
                failed: 2,
                good: false
            }
        );
    }

    #[test]
    fn a_run_that_fails_without_a_count_is_not_good() {
        let (mut total, mut shown) = (Total::new(), Vec::new());
        total.add_run(shell("exit 101"), &mut shown).unwrap();
        assert_eq!(
            total,
            Total {
                passed: 0,
                failed: 0,
                good: false
            }
        );
        let error = total
            .add_run(Command::new("/nowhere"), &mut shown)
            .unwrap_err();
        assert!(error.contains("/nowhere"));
    }
}
