//! Which program asks for a device: its name and hash, for the question and for what is remembered.

use crate::constants::AT_FDCWD;
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::process_info::ProcessFile;
use crate::vfs::Vfs;
use alloc::vec;
use alloc::vec::Vec;
use hmac_sha256::Hash;

/// Bytes of the image that are read at once.
const PIECE: usize = 16 * 1024;

/// A program that asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asker {
    /// Its path. A program that goes by another name of the same file (as the parts of busybox do) has that name's path.
    pub path: Vec<u8>,
    /// SHA-256 of its image; for one that goes by another name, SHA-256 of the image's and the path.
    pub hash: [u8; 32],
}

impl Vfs {
    /// Who makes a call. Everything is empty if nothing is known of its program.
    pub(crate) fn asker(&mut self, cx: &Context<'_>) -> Asker {
        let process = cx.info.process(cx.job.pid);
        let known = process.and_then(|process| process.exe);
        known
            .and_then(|exe| self.program(cx, exe).ok())
            .unwrap_or_default()
    }

    fn program(&mut self, cx: &Context<'_>, exe: FileId) -> Result<Asker, Errno> {
        let path = self.file_path(cx, exe)?;
        let hash = self.image_hash(exe)?;
        let Some(name) = self.other_name(cx, exe, &path) else {
            return Ok(Asker { path, hash });
        };
        let mut digest = Hash::new();
        digest.update(hash);
        digest.update(&name);
        Ok(Asker {
            path: name,
            hash: digest.finalize(),
        })
    }

    fn image_hash(&mut self, exe: FileId) -> Result<[u8; 32], Errno> {
        let (mut digest, mut piece, mut at) = (Hash::new(), vec![0; PIECE], 0);
        loop {
            match self.file_read_at(exe, at, &mut piece)? {
                0 => return Ok(digest.finalize()),
                count => {
                    digest.update(&piece[..count]);
                    at += count as u64;
                }
            }
        }
    }

    /// The name that a program calls itself by, if that leads to the same file and is not its path.
    fn other_name(&mut self, cx: &Context<'_>, exe: FileId, path: &[u8]) -> Option<Vec<u8>> {
        let line = cx.info.process_text(cx.job.pid, ProcessFile::Cmdline)?;
        let called = line.split(|byte| *byte == 0).next()?;
        let name = if called.contains(&b'/') {
            called.to_vec()
        } else {
            let folder = path.iter().rposition(|byte| *byte == b'/')?;
            [&path[..=folder], called].concat()
        };
        if name == path || !name.starts_with(b"/") {
            return None;
        }
        let found = self.find_place(cx, AT_FDCWD, &name, true).ok()?;
        let own = self.file(exe).ok()?.place?;
        (self.attr(cx, found).ok()?.id == self.attr(cx, own).ok()?.id && found.mount == own.mount)
            .then_some(name)
    }
}
