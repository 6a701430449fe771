//! Lists a folder from any place in it. The host's marks of places can be any number; a client's must be below 2^61.
use crate::{Budget, Taken};
use rustix::fs::{FileType, RawDir, SeekFrom, seek};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use sundog_protocols::file::{DirEntry, FileError, Kind, Result};

/// Marks below this are the host's own; those from here on are places in the table of an open folder.
const TABLE: u64 = 1 << 60;
/// Bytes of entries that are read at a time.
const BATCH: usize = 32 << 10;
/// Marks that are taken from the budget at a time.
const CHUNK: usize = 1024;

/// The places of one open folder that are too large to be passed on.
#[derive(Debug)]
pub struct Listing {
    marks: Vec<u64>,
    budget: Budget,
    taken: Vec<Taken>,
}

impl Listing {
    /// A folder that was not listed yet.
    pub fn new(budget: &Budget) -> Listing {
        Listing {
            marks: Vec::new(),
            budget: budget.clone(),
            taken: Vec::new(),
        }
    }

    /// Lists from a place on until `entry` returns false. What has no known kind is asked of `kind`; `None` leaves it out.
    ///
    /// # Errors
    /// `EINVAL` for a place that was never told, `ENOMEM` if there are too many, those of the host.
    pub fn list(
        &mut self,
        folder: &OwnedFd,
        from: u64,
        kind: &mut dyn FnMut(&std::ffi::CStr) -> Option<Kind>,
        mut entry: impl FnMut(DirEntry<'_>) -> bool,
    ) -> Result<()> {
        let (place, mut next) = match from.checked_sub(TABLE) {
            None => (from, 0),
            Some(index) => {
                let index = usize::try_from(index).map_err(|_| FileError::EINVAL)?;
                let mark = self.marks.get(index).ok_or(FileError::EINVAL)?;
                (*mark, index + 1)
            }
        };
        seek(folder, SeekFrom::Start(place)).map_err(crate::tree::host_error)?;
        let mut buffer = vec![MaybeUninit::uninit(); BATCH];
        let mut entries = RawDir::new(folder, &mut buffer);
        while let Some(found) = entries.next() {
            let found = found.map_err(crate::tree::host_error)?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let found_kind = match found.file_type() {
                FileType::Unknown => kind(name),
                known => Kind::from_mode(known.as_raw_mode()),
            };
            let Some(found_kind) = found_kind else {
                continue;
            };
            let told = DirEntry {
                id: found.ino(),
                next: self.mark(found.next_entry_cookie(), &mut next)?,
                kind: found_kind,
                name: name.to_bytes(),
            };
            if !entry(told) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the client is told for a mark of the host; `next` is where in the table it is if the folder is listed once more.
    fn mark(&mut self, mark: u64, next: &mut usize) -> Result<u64> {
        if (1..TABLE).contains(&mark) {
            return Ok(mark);
        }
        if self.marks.get(*next) != Some(&mark) {
            *next = self.marks.len();
            if self.marks.len() == self.taken.len() * CHUNK {
                let more = self.budget.take(CHUNK).ok_or(FileError::ENOMEM)?;
                let room = self.marks.try_reserve_exact(CHUNK);
                room.map_err(|_| FileError::ENOMEM)?;
                self.taken.push(more);
            }
            self.marks.push(mark);
        }
        let told = TABLE + *next as u64;
        *next += 1;
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_marks_are_kept_once_and_within_a_budget() {
        let mut listing = Listing::new(&Budget::new(CHUNK));
        let mut next = 0;
        assert_eq!(listing.mark(5, &mut next), Ok(5));
        for round in 0..3 {
            let mut next = 0;
            for mark in 0..CHUNK as u64 {
                let told = listing.mark(u64::MAX - mark, &mut next);
                assert_eq!(told, Ok(TABLE + mark), "{round}");
            }
        }
        assert_eq!(listing.mark(TABLE, &mut 7), Err(FileError::ENOMEM));
        let budget = listing.budget.clone();
        assert!(budget.take(1).is_none());
        drop(listing);
        assert!(budget.take(CHUNK).is_some());
    }
}
