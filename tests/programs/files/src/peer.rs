//! The client beside one that works: it holds handles that are nobody else's.

use crate::client::BOTH;
use crate::client::{PIECE, Trial, Wrong, bad, good, is, pattern};
use alloc::vec::Vec;
use sundog_files::File;
use sundog_protocols::file::{FileError, OpenFlags};

/// How many handles it holds.
const HANDLES: usize = 40;

/// Opens files, says which handles it has, and reads them after the other one tried them.
///
/// # Errors
/// What was wrong.
pub fn run(mut trial: Trial) -> Result<(), Wrong> {
    trial.listen()?;
    // The other one's `/` is no name here.
    let other = trial.files.open("/files-trial", OpenFlags::READ);
    bad("/files-trial", other, FileError::ENOENT)?;
    let mut open: Vec<File> = Vec::new();
    for _ in 0..HANDLES {
        open.push(good(
            "open",
            trial.files.open("/tmp/shared", OpenFlags::READ),
        )?);
    }
    // The first few numbers are such as the other one has too.
    let numbers = open.iter().skip(8).map(|file| file.handle().0);
    let (first, last) = (numbers.clone().min(), numbers.max());
    let file = good("create", trial.files.create("/tmp/handles", BOTH, 0o644))?;
    let text = [first, last].map(|number| number.unwrap_or_default().to_le_bytes());
    good("write", trial.files.write(&file, 0, text.as_flattened()))?;
    trial.files.close(file);
    trial.ask()?;
    for file in open {
        let mut found = [0; PIECE];
        let count = good("read", trial.files.read(&file, 0, &mut found))?;
        is(
            count == PIECE && found[..] == pattern(0)[..],
            "a handle was taken away",
        )?;
        trial.files.close(file);
    }
    trial.tell()
}
