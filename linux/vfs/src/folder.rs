//! Listing folders in the layout of `getdents64`.

use crate::constants::PATH_MAX;
use crate::context::{Context, FileId};
use crate::dentry::Body;
use crate::errno::Errno;
use crate::file::Object;
use crate::mounts::Place;
use crate::vfs::Vfs;
use alloc::vec::Vec;
use sundog_protocols::file::Kind;

/// Offsets from here on count entries that the server does not know (mount points that exist only here).
const PHANTOMS: u64 = 1 << 62;
/// `.` and `..` come first; the server's cookies are moved up by them.
const DOTS: u64 = 2;

/// Writes entries into a buffer.
struct Writer<'a> {
    buffer: &'a mut [u8],
    used: usize,
    /// Offset behind the last entry that was written.
    offset: u64,
}

impl Writer<'_> {
    /// Adds an entry; false if there is no room.
    fn put(&mut self, id: u64, next: u64, kind: Kind, name: &[u8]) -> bool {
        const HEADER: usize = 19;
        let length = (HEADER + name.len() + 1).next_multiple_of(8);
        let Some(entry) = self.buffer.get_mut(self.used..self.used + length) else {
            return false;
        };
        entry.fill(0);
        entry[..8].copy_from_slice(&id.to_le_bytes());
        entry[8..16].copy_from_slice(&next.to_le_bytes());
        entry[16..18].copy_from_slice(&(length as u16).to_le_bytes());
        entry[18] = kind as u8;
        entry[HEADER..HEADER + name.len()].copy_from_slice(name);
        self.used += length;
        self.offset = next;
        true
    }
}

/// Where listing goes on behind an entry of /proc. Numbers (processes, descriptors) keep their place when others come and go:
/// programs close all descriptors while they list them.
fn proc_position(index: usize, name: &[u8]) -> u64 {
    const NUMBERS: u64 = 1 << 20;
    let number = core::str::from_utf8(name)
        .ok()
        .and_then(|name| name.parse::<u32>().ok());
    number.map_or(index as u64, |number| NUMBERS + u64::from(number)) + 1
}

impl Vfs {
    /// Fills `buffer` with entries; 0 at the end. `ENOTDIR`, `EINVAL` if not even one fits, `ENOENT` for a removed folder.
    pub fn getdents64(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let id = self.data_descriptor(cx, fd)?;
        let file = self.file(id)?;
        let (Object::Directory { server }, Some(place)) = (&file.object, file.place) else {
            return Err(Errno::ENOTDIR);
        };
        let (server, offset) = (*server, file.offset);
        if self
            .dentries
            .get(place.dentry)
            .is_none_or(|dentry| dentry.deleted)
        {
            return Err(Errno::ENOENT);
        }
        let length = buffer.len();
        let mut writer = Writer {
            buffer,
            used: 0,
            offset,
        };
        let complete = self.list(cx, id, place, server, &mut writer)?;
        let (used, offset) = (writer.used, writer.offset);
        self.file_mut(id)?.offset = offset;
        if used == 0 && !complete && length < PATH_MAX {
            return Err(Errno::EINVAL);
        }
        Ok(used)
    }

    /// Writes what fits; whether that was all.
    fn list(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        place: Place,
        server: Option<(u32, sundog_protocols::file::Handle)>,
        writer: &mut Writer<'_>,
    ) -> Result<bool, Errno> {
        if writer.offset < 1 {
            let own = self.attr(cx, place)?.id;
            if !writer.put(own, 1, Kind::Directory, b".") {
                return Ok(false);
            }
        }
        if writer.offset < DOTS {
            let above = self.up(cx, place)?;
            let above = self.attr(cx, above)?.id;
            if !writer.put(above, DOTS, Kind::Directory, b"..") {
                return Ok(false);
            }
        }
        let phantoms = self.phantoms(place);
        let mut complete = true;
        if writer.offset < PHANTOMS {
            let cookie = writer.offset - DOTS;
            if let Some((server, handle)) = server {
                let names: Vec<&[u8]> = phantoms.iter().map(|(name, _)| &name[..]).collect();
                self.server(server)?.readdir(handle, cookie, &mut |entry| {
                    // A phantom stands in for the server's entry of the same name.
                    if names.contains(&entry.name) {
                        return true;
                    }
                    // A server whose offsets are out of range is listed no further.
                    complete = entry.next < PHANTOMS - DOTS
                        && writer.put(entry.id, entry.next + DOTS, entry.kind, entry.name);
                    complete
                })?;
            } else if let Body::Proc(node) = self.dentries.body(place.dentry) {
                let list = self.proc_list(cx, node).into_iter().enumerate();
                for (index, (child, name)) in list {
                    let position = proc_position(index, &name);
                    if position <= cookie {
                        continue;
                    }
                    complete = writer.put(child.inode(), position + DOTS, child.kind(), &name);
                    if !complete {
                        break;
                    }
                }
            }
            if complete {
                writer.offset = PHANTOMS;
                self.file_mut(id)?.offset = PHANTOMS;
            }
        }
        if complete {
            let from = (writer.offset - PHANTOMS) as usize;
            for (index, (name, dentry)) in phantoms.iter().enumerate().skip(from) {
                let kind = self.kind(self.mounts.top(Place {
                    mount: place.mount,
                    dentry: *dentry,
                }));
                if !writer.put(
                    u64::from(*dentry) + (1 << 32),
                    PHANTOMS + index as u64 + 1,
                    kind,
                    name,
                ) {
                    return Ok(false);
                }
            }
        }
        Ok(complete)
    }

    fn phantoms(&self, place: Place) -> Vec<(Vec<u8>, u32)> {
        let Some(dentry) = self.dentries.get(place.dentry) else {
            return Vec::new();
        };
        let children = dentry
            .children
            .iter()
            .filter(|(_, id)| self.dentries.body(**id) == Body::Phantom);
        children.map(|(name, id)| (name.to_vec(), *id)).collect()
    }
}
