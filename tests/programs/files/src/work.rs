//! Everything that files are for, with one other client beside.

use crate::client::{BOTH, PIECE, Trial, Wrong, bad, good, is, pattern};
use alloc::vec::Vec;
use sundog_protocols::file::{FileError, FileServer, Handle, Kind, OpenFlags, Transport};
use sundog_rt::debug;

/// Bytes of the file that is written and read back.
const BYTES: usize = 200 * PIECE;
/// The image of this program, which is the largest file that there is.
const LARGE: &str = "/files-trial";

/// Works; what it did stands in the kernel's text.
///
/// # Errors
/// What was wrong.
pub fn run(mut trial: Trial) -> Result<(), Wrong> {
    let (length, hash) = good(LARGE, trial.hash(LARGE))?;
    debug!("files: {LARGE} has {length} bytes with the hash {hash}");
    names(&mut trial)?;
    read_only(&mut trial)?;
    across(&mut trial)?;
    changes(&mut trial)?;
    full(&mut trial)?;
    strangers(&mut trial)
}

/// A path that no name covers, one below a name that has no such file, and the folder in which a name lies.
fn names(trial: &mut Trial) -> Result<(), Wrong> {
    let files = &mut trial.files;
    bad(
        "/srv/x",
        files.open("/srv/x", OpenFlags::READ),
        FileError::ENOENT,
    )?;
    bad(
        "/tmp/x",
        files.open("/tmp/x", OpenFlags::READ),
        FileError::ENOENT,
    )?;
    bad(
        "no path",
        files.open("tmp", OpenFlags::READ),
        FileError::EINVAL,
    )?;
    let root = good("/", files.list("/"))?;
    let has = |name: &[u8], kind| {
        let mut found = root.iter().filter(|entry| entry.name == name);
        found.next().is_some_and(|entry| entry.kind == kind) && found.next().is_none()
    };
    is(
        has(b"tmp", Kind::Directory),
        "the folder does not show a name below it",
    )?;
    is(
        has(b"files-trial", Kind::Regular),
        "the folder does not show its file",
    )?;
    let above = good("..", files.stat("/tmp/../files-trial"))?;
    is(above.kind == Kind::Regular, ".. is another folder")
}

/// The archive can be read and nothing else.
fn read_only(trial: &mut Trial) -> Result<(), Wrong> {
    let files = &mut trial.files;
    let refused = FileError::EROFS;
    bad("create", files.create("/new", BOTH, 0o644), refused)?;
    bad("open for writing", files.open(LARGE, BOTH), refused)?;
    bad("remove", files.remove(LARGE, false), refused)?;
    bad(
        "make a folder",
        files.make_folder("/folder", 0o755),
        refused,
    )?;
    bad("rename", files.rename(LARGE, "/new"), refused)?;
    bad(
        "two trees",
        files.rename(LARGE, "/tmp/new"),
        FileError::EXDEV,
    )
}

/// What is written across the end of the ring comes out whole.
fn across(trial: &mut Trial) -> Result<(), Wrong> {
    let slot = trial.slot("/tmp")?;
    let lain = |trial: &mut Trial| {
        let client = trial.files.connection(slot);
        client.map_or((0, 0), |client| {
            let connection = client.transport();
            (connection.across(), connection.room())
        })
    };
    let (before, room) = lain(trial);
    trial.make("/tmp/a", BYTES)?;
    trial.check("/tmp/a", BYTES)?;
    let across = lain(trial).0 - before;
    is(
        across as usize >= 2 * BYTES / room as usize - 1,
        "too few pieces lay across the end",
    )?;
    debug!("files: {BYTES} bytes came back whole, some of them from across the end of the ring");
    Ok(())
}

/// Names change, and what they name does not.
fn changes(trial: &mut Trial) -> Result<(), Wrong> {
    let files = &mut trial.files;
    good("mkdir", files.make_folder("/tmp/folder", 0o755))?;
    bad(
        "again",
        files.make_folder("/tmp/folder", 0o755),
        FileError::EEXIST,
    )?;
    good("rename", files.rename("/tmp/a", "/tmp/folder/b"))?;
    bad("old name", files.stat("/tmp/a"), FileError::ENOENT)?;
    trial.check("/tmp/folder/b", BYTES)?;
    let files = &mut trial.files;
    let names: Vec<_> = good("list", files.list("/tmp/folder"))?;
    is(
        names.len() == 1 && names[0].name == b"b",
        "the folder lists other names",
    )?;
    bad(
        "not empty",
        files.remove("/tmp/folder", true),
        FileError::ENOTEMPTY,
    )?;
    bad(
        "a folder",
        files.remove("/tmp/folder", false),
        FileError::EISDIR,
    )?;
    good("remove", files.remove("/tmp/folder/b", false))?;
    good("remove", files.remove("/tmp/folder", true))?;
    is(
        good("list", files.list("/tmp"))?.is_empty(),
        "something is left",
    )
}

/// The server's memory is full: an error, nothing lost, and all of it there again afterwards.
fn full(trial: &mut Trial) -> Result<(), Wrong> {
    let free = trial.free("/tmp")?;
    trial.make("/tmp/kept", 5 * PIECE)?;
    let before = trial.free("/tmp")?;
    let file = good("create", trial.files.create("/tmp/big", BOTH, 0o644))?;
    let mut at = 0;
    loop {
        match trial.files.write(&file, at as u64, &pattern(at)) {
            Ok(PIECE) => at += PIECE,
            // The last page took a part of it.
            Ok(part) => {
                at += part;
                break;
            }
            Err(_) => break,
        }
    }
    let more = trial.files.write(&file, at as u64, &[0]);
    bad("write", more, FileError::ENOSPC)?;
    is(trial.free("/tmp")? == 0, "the memory is not full")?;
    is(
        at as u64 == before * 4096,
        "the file is not as long as the memory",
    )?;
    trial.files.close(file);
    trial.check("/tmp/kept", 5 * PIECE)?;
    trial.check("/tmp/big", at)?;
    good("remove", trial.files.remove("/tmp/big", false))?;
    is(trial.free("/tmp")? == before, "memory is lost")?;
    trial.make("/tmp/after", 5 * PIECE)?;
    trial.check("/tmp/after", 5 * PIECE)?;
    good("remove", trial.files.remove("/tmp/after", false))?;
    good("remove", trial.files.remove("/tmp/kept", false))?;
    is(trial.free("/tmp")? == free, "memory is lost")?;
    debug!("files: ENOSPC after {before} pages, and all of them back");
    Ok(())
}

/// The numbers of another client's handles mean nothing here.
fn strangers(trial: &mut Trial) -> Result<(), Wrong> {
    trial.make("/tmp/shared", 5 * PIECE)?;
    trial.ask()?;
    let mut found = [0; 8];
    let file = good("handles", trial.files.open("/tmp/handles", OpenFlags::READ))?;
    good("handles", trial.files.read(&file, 0, &mut found))?;
    trial.files.close(file);
    let [first, last] =
        [0, 4].map(|at| u32::from_le_bytes(core::array::from_fn(|index| found[at + index])));
    is(last >= first + 30, "the peer has too few handles")?;
    let slot = trial.slot("/tmp")?;
    let client = trial
        .files
        .connection(slot)
        .ok_or(Wrong::Text("no server"))?;
    for number in first..=last {
        let handle = Handle(number);
        bad("getattr", client.getattr(handle), FileError::EBADF)?;
        bad(
            "read",
            client.read(handle, 0, &mut [0; 8]),
            FileError::EBADF,
        )?;
        bad("write", client.write(handle, 0, b"mine"), FileError::EBADF)?;
        client.clunk(handle);
    }
    // The peer still has all of them, with what is in them.
    trial.ask()?;
    debug!("files: the handles {first} to {last} are another client's");
    Ok(())
}
