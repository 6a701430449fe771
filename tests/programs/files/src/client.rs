//! What the trials share: the files, the other client, and what can be wrong.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use hmac_sha256::Hash;
use sundog_files::{Files, Remote};
use sundog_protocols::file::{FileError, OpenFlags, Result};
use sundog_rt::Environment;
use sundog_rt::cap::object::Notification;
use sundog_rt::cap::{Cap, Error};
use sundog_rt::ring::Mapped;

/// Bytes of a piece that is written or read: they do not divide a ring, so that pieces lie across its end at ever other places.
pub const PIECE: usize = 1000;
/// Reading and writing.
pub const BOTH: OpenFlags = OpenFlags::READ.with(OpenFlags::WRITE);

/// What was wrong.
#[derive(Debug)]
#[allow(dead_code, reason = "what is inside is for whoever reads the text")]
pub enum Wrong {
    /// The kernel refused something.
    Kernel(Error),
    /// A file operation failed.
    File(&'static str, FileError),
    /// Something else.
    Text(&'static str),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Wrong {
        Wrong::Kernel(error)
    }
}

/// A client at work.
pub struct Trial {
    /// Its files.
    pub files: Files<Remote, Mapped>,
    /// Its notification.
    pub events: Cap<Notification>,
    /// The other client's.
    pub wake: Cap<Notification>,
    /// What it was given.
    pub environment: Environment,
}

impl Trial {
    /// Maps the rings.
    pub fn new(mut environment: Environment) -> core::result::Result<Trial, Wrong> {
        Ok(Trial {
            files: Files::given(&mut environment, None)?,
            events: environment.require("events"),
            wake: environment.require("wake"),
            environment,
        })
    }

    /// The slot of the server behind a path.
    pub fn slot(&mut self, path: &str) -> core::result::Result<u32, Wrong> {
        let found = self.files.names().resolve(path);
        let found = found.map_err(|_| Wrong::Text("no name covers the path"))?;
        let first = found.binding.members().first();
        first
            .map(|member| member.slot)
            .ok_or(Wrong::Text("a name without a server"))
    }

    /// Lets the other client go on.
    pub fn tell(&self) -> core::result::Result<(), Wrong> {
        Ok(self.wake.signal()?)
    }

    /// Waits until the other client says so.
    pub fn listen(&self) -> core::result::Result<(), Wrong> {
        self.events.wait(None)?;
        Ok(())
    }

    /// Tells and waits.
    pub fn ask(&self) -> core::result::Result<(), Wrong> {
        self.tell()?;
        self.listen()
    }

    /// Makes a file of so many bytes, piece by piece.
    pub fn make(&mut self, path: &'static str, bytes: usize) -> core::result::Result<(), Wrong> {
        let file = good(path, self.files.create(path, BOTH, 0o644))?;
        for at in (0..bytes).step_by(PIECE) {
            let piece = &pattern(at)[..PIECE.min(bytes - at)];
            let written = good(path, self.files.write(&file, at as u64, piece))?;
            is(
                written == piece.len(),
                "less was written than there is room for",
            )?;
        }
        self.files.close(file);
        Ok(())
    }

    /// Reads a file piece by piece, which must be what [`Trial::make`] wrote.
    pub fn check(&mut self, path: &'static str, bytes: usize) -> core::result::Result<(), Wrong> {
        let file = good(path, self.files.open(path, OpenFlags::READ))?;
        for at in (0..bytes).step_by(PIECE) {
            let mut found = [0; PIECE];
            let count = good(path, self.files.read(&file, at as u64, &mut found))?;
            is(count == PIECE.min(bytes - at), "a file has another length")?;
            is(
                found[..count] == pattern(at)[..count],
                "a file has other bytes",
            )?;
        }
        self.files.close(file);
        Ok(())
    }

    /// Free pages of the tree that a path lies in.
    pub fn free(&mut self, path: &'static str) -> core::result::Result<u64, Wrong> {
        good(path, self.files.room(path)).map(|room| room.free)
    }

    /// Reads a whole file; how long it is, and its hash in hexadecimal digits.
    pub fn hash(&mut self, path: &str) -> Result<(usize, String)> {
        let file = self.files.open(path, OpenFlags::READ)?;
        let (mut hash, mut buffer, mut length) = (Hash::new(), vec![0; 60_000], 0);
        loop {
            match self.files.read(&file, length as u64, &mut buffer)? {
                0 => break,
                count => {
                    hash.update(&buffer[..count]);
                    length += count;
                }
            }
        }
        self.files.close(file);
        let digits = hash
            .finalize()
            .iter()
            .map(|byte| alloc::format!("{byte:02x}"))
            .collect();
        Ok((length, digits))
    }
}

/// The bytes of a piece that begins at a place of its file; no two next to each other are alike, in one piece or from one to the next.
pub fn pattern(at: usize) -> Vec<u8> {
    (0..PIECE)
        .map(|index| (at / PIECE * 7 + index * 3) as u8)
        .collect()
}

/// Something must be so.
pub fn is(right: bool, text: &'static str) -> core::result::Result<(), Wrong> {
    if right {
        Ok(())
    } else {
        Err(Wrong::Text(text))
    }
}

/// An operation must succeed.
pub fn good<T>(what: &'static str, result: Result<T>) -> core::result::Result<T, Wrong> {
    result.map_err(|error| Wrong::File(what, error))
}

/// An operation must fail in this way.
pub fn bad<T>(
    what: &'static str,
    result: Result<T>,
    wanted: FileError,
) -> core::result::Result<(), Wrong> {
    match result {
        Err(error) if error == wanted => Ok(()),
        Err(error) => Err(Wrong::File(what, error)),
        Ok(_) => Err(Wrong::Text(what)),
    }
}
