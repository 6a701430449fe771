//! A short line on standard error about the step that is going on.

use std::io::{IsTerminal, Write, stderr};

/// The progress line: rewritten in place on a terminal, one line for each step elsewhere; gone at the end.
pub struct Progress {
    terminal: bool,
    shown: bool,
}

impl Progress {
    /// A line that says nothing yet.
    pub fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            shown: false,
        }
    }

    /// Says which step begins now.
    pub fn step(&mut self, text: &str) {
        let line = if self.terminal {
            format!("\r\x1b[Ksundog: {text} ...")
        } else {
            format!("sundog: {text}\n")
        };
        write(&line);
        self.shown = true;
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.shown {
            write("\r\x1b[K");
        }
    }
}

/// Writes to standard error; a closed one is no reason to stop setting up.
fn write(text: &str) {
    let mut stderr = stderr().lock();
    if stderr.write_all(text.as_bytes()).is_ok() {
        drop(stderr.flush());
    }
}
