//! What these tests share: one at a time, a folder for each with programs in it, and the text of what a program said.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: they share two processors with others; and what one still writes, another one's child could hold open, while
/// a program that is open cannot be started.
static ONE: Mutex<()> = Mutex::new(());

/// Waits for the test's turn.
pub fn one() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder of its own for one test, whose turn it is.
pub struct Place(
    pub PathBuf,
    #[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>,
);

impl Place {
    pub fn new(name: &str) -> Self {
        let one = one();
        let path = std::env::temp_dir().join(format!("sundog-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path, one)
    }

    /// A program: a shell's lines.
    pub fn script(&self, name: &str, lines: &str) {
        let file = self.0.join(name);
        fs::write(&file, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
