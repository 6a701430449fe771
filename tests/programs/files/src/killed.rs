//! Clients and servers that are killed: what they held is given back, and what they knew is gone.

use crate::client::{BOTH, PIECE, Trial, Wrong, bad, good, is};
use sundog_files::Files;
use sundog_protocols::file::{FileError, OpenFlags};
use sundog_rt::cap::Cap;
use sundog_rt::cap::object::{Notification, Thread};
use sundog_rt::{Environment, debug, fail, sys};

/// Pages of the file that the holder holds.
const HELD: usize = 50;
/// How often the holder lives: init starts it again five times.
const LIVES: u32 = 6;
/// How long its last end may take to be told, in microseconds.
const MOST: u64 = 1_000_000;
/// How long a server stands still before it is killed, in microseconds.
const STANDS: u64 = 10_000_000;
/// Where nothing is ever mapped.
const NOWHERE: u64 = 0x10;
/// How long to wait between two looks.
const PAUSE: u64 = 1000;

/// Makes a file, takes its name away, and keeps it open until it dies: only its handle still holds the memory.
///
/// # Errors
/// What was wrong.
pub fn hold(mut trial: Trial) -> Result<(), Wrong> {
    let file = good("create", trial.files.create("/tmp/held", BOTH, 0o644))?;
    for page in 0..HELD as u64 {
        good("write", trial.files.write(&file, page * 4096, &[1; 4096]))?;
    }
    good("remove", trial.files.remove("/tmp/held", false))?;
    trial.ask()?;
    fail("the holder dies with its file open")
}

/// Counts the server's free pages while the holder lives, dies, lives again, and at last does not come back.
///
/// # Errors
/// What was wrong.
pub fn mourn(mut trial: Trial) -> Result<(), Wrong> {
    let free = trial.free("/tmp")?;
    trial.listen()?;
    let held = trial.free("/tmp")?;
    is(free == held + HELD as u64, "the holder holds nothing")?;
    for _ in 1..LIVES {
        // The next one holds its own file by now; the last one's is free.
        trial.ask()?;
        is(
            trial.free("/tmp")? == held,
            "a dead client's memory is still held",
        )?;
    }
    trial.tell()?;
    let ticks = trial.environment.start.ticks_per_microsecond.max(1);
    let end = sys::ticks() + MOST * ticks;
    while trial.free("/tmp")? != free {
        is(
            sys::ticks() < end,
            "what the dead client held is never given back",
        )?;
        // It does not come again, so nobody signals.
        let _ = trial.events.wait(Some(sys::ticks() + PAUSE * ticks));
    }
    debug!(
        "files: {LIVES} lives of a client held {HELD} pages each, never more at once, and none in the end"
    );
    Ok(())
}

/// Reads from the archive, whose server is killed under an open file.
///
/// # Errors
/// What was wrong.
pub fn rebind(mut trial: Trial) -> Result<(), Wrong> {
    let (go, killed): (Cap<Notification>, _) = (trial.environment.require("go"), trial.events);
    let path = "/files-trial";
    let before = good(path, trial.hash(path))?;
    let file = good(path, trial.files.open(path, OpenFlags::READ))?;
    let mut found = [0; PIECE];
    good(path, trial.files.read(&file, 0, &mut found))?;
    go.signal()?;
    killed.wait(None)?;
    bad(
        "the old file",
        trial.files.read(&file, 0, &mut found),
        FileError::ESTALE,
    )?;
    bad(
        "the old file",
        trial.files.read(&file, 0, &mut found),
        FileError::ESTALE,
    )?;
    let again = good(path, trial.hash(path))?;
    is(again == before, "the archive is another one")?;
    bad(
        "the old file",
        trial.files.read(&file, 0, &mut found),
        FileError::ESTALE,
    )?;
    // The other server was not touched.
    trial.make("/tmp/a", 3 * PIECE)?;
    trial.check("/tmp/a", 3 * PIECE)
}

/// Kills the server of `/srv` when it is told to by a file there: first it stands still, later it is gone.
///
/// # Errors
/// What was wrong.
pub fn reap(mut environment: Environment) -> Result<(), Wrong> {
    let victim: Cap<Thread> = environment.require("victim");
    let events: Cap<Notification> = environment.require("events");
    let ticks = environment.start.ticks_per_microsecond.max(1);
    // Nobody signals: it is the time that counts.
    let wait = |microseconds: u64| events.wait(Some(sys::ticks() + microseconds * ticks));
    let mut files = Files::given(&mut environment, None)?;
    while files.stat("/srv/stop").is_err() {
        let _ = wait(PAUSE);
    }
    victim.suspend()?;
    let _ = wait(STANDS);
    victim.start_at(NOWHERE, NOWHERE, 0)?;
    Ok(victim.resume()?)
}
