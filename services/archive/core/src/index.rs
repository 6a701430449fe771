//! The index: all nodes of an archive and each folder's names, sorted.

use crate::entry::{self, ArchiveError, Entry, Problem};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
use sundog_protocols::file::{Attr, Kind, NAME_MAX, Time, device};

/// A name in a folder: where it stands in the archive, and its node.
pub type Name = (Range<usize>, u32);

/// A node.
pub struct Node {
    pub attr: Attr,
    /// A file's content or a link's text.
    pub data: Range<usize>,
    /// A folder's names, sorted.
    pub names: Vec<Name>,
}

/// Builds the index. Names are found by (folder, name) while it grows.
struct Builder<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    names: BTreeMap<(u32, &'a [u8]), Name>,
    /// Files with several names, by device and inode.
    links: BTreeMap<(u32, u32, u32), u32>,
}

fn folder(id: u64, mode: u32, time: u32) -> Node {
    let time = Time {
        seconds: i64::from(time),
        nanos: 0,
    };
    let attr = Attr {
        accessed: time,
        modified: time,
        changed: time,
        created: time,
        ..Attr::new(Kind::Directory, mode, id)
    };
    Node {
        attr,
        data: 0..0,
        names: Vec::new(),
    }
}

/// Reads a whole archive. The first node is the root.
pub fn build(bytes: &[u8]) -> Result<Vec<Node>, ArchiveError> {
    let mut builder = Builder {
        bytes,
        nodes: Vec::from([folder(1, 0o755, 0)]),
        names: BTreeMap::new(),
        links: BTreeMap::new(),
    };
    let mut offset = 0;
    loop {
        let at = |problem| ArchiveError { offset, problem };
        let entry = entry::read(bytes, offset).map_err(at)?;
        if &bytes[entry.name.clone()] == b"TRAILER!!!" {
            return Ok(builder.finish());
        }
        builder.add(&entry).map_err(at)?;
        offset = entry.next;
    }
}

impl<'a> Builder<'a> {
    fn components(&self, name: &Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = name.start;
        for part in self.bytes[name.clone()].split(|&byte| byte == b'/') {
            if !part.is_empty() && part != b"." {
                parts.push(start..start + part.len());
            }
            start += part.len() + 1;
        }
        parts
    }

    fn add(&mut self, entry: &Entry) -> Result<(), Problem> {
        let kind = Kind::from_mode(entry.mode).ok_or(Problem::Kind)?;
        let mut parts = self.components(&entry.name);
        let valid =
            |part: &Range<usize>| part.len() <= NAME_MAX && &self.bytes[part.clone()] != b"..";
        if !parts.iter().all(valid) {
            return Err(Problem::Name);
        }
        let Some(last) = parts.pop() else {
            // The root itself.
            if kind != Kind::Directory {
                return Err(Problem::Name);
            }
            self.describe(0, entry, kind);
            return Ok(());
        };
        let mut parent = 0;
        for part in parts {
            parent = self.folder_in(parent, part)?;
        }
        let index = self.node_for(parent, &last, entry, kind)?;
        self.describe(index, entry, kind);
        Ok(())
    }

    /// The folder with this name, made if it is not there.
    fn folder_in(&mut self, parent: u32, name: Range<usize>) -> Result<u32, Problem> {
        let bytes = self.bytes;
        if let Some((_, known)) = self.names.get(&(parent, &bytes[name.clone()])) {
            let is_folder = self.nodes[*known as usize].attr.kind == Kind::Directory;
            return if is_folder {
                Ok(*known)
            } else {
                Err(Problem::Name)
            };
        }
        let index = self.nodes.len() as u32;
        self.nodes.push(folder(u64::from(index) + 1, 0o755, 0));
        self.names
            .insert((parent, &bytes[name.clone()]), (name, index));
        Ok(index)
    }

    /// The node that an entry describes: a new one, a folder that is there, or another name of a file.
    fn node_for(
        &mut self,
        parent: u32,
        name: &Range<usize>,
        entry: &Entry,
        kind: Kind,
    ) -> Result<u32, Problem> {
        if kind == Kind::Directory {
            return self.folder_in(parent, name.clone());
        }
        let bytes = self.bytes;
        let key = (parent, &bytes[name.clone()]);
        if let Some((_, known)) = self.names.get(&key)
            && self.nodes[*known as usize].attr.kind == Kind::Directory
        {
            return Err(Problem::Name);
        }
        let identity = (entry.device.0, entry.device.1, entry.inode);
        let shared = kind == Kind::Regular && entry.links > 1;
        let index = match self.links.get(&identity).filter(|_| shared) {
            Some(&index) => index,
            None => {
                let index = self.nodes.len() as u32;
                let mut node = folder(u64::from(index) + 1, 0, 0);
                (node.attr.kind, node.attr.links) = (kind, 0);
                self.nodes.push(node);
                if shared {
                    self.links.insert(identity, index);
                }
                index
            }
        };
        // A later entry of the same name replaces the earlier one.
        if let Some((_, old)) = self.names.insert(key, (name.clone(), index)) {
            self.nodes[old as usize].attr.links -= 1;
        }
        self.nodes[index as usize].attr.links += 1;
        Ok(index)
    }

    fn describe(&mut self, index: u32, entry: &Entry, kind: Kind) {
        let node = &mut self.nodes[index as usize];
        let time = Time {
            seconds: i64::from(entry.time),
            nanos: 0,
        };
        let attr = &mut node.attr;
        (attr.mode, attr.uid, attr.gid) = (entry.mode & 0o7777, entry.uid, entry.gid);
        (attr.accessed, attr.modified, attr.changed, attr.created) = (time, time, time, time);
        if matches!(kind, Kind::CharDevice | Kind::BlockDevice) {
            attr.device = device(entry.node_device.0, entry.node_device.1);
        }
        // Of several names of a file only one carries the data.
        if matches!(kind, Kind::Regular | Kind::Symlink) && !entry.data.is_empty() {
            node.data = entry.data.clone();
            attr.size = entry.data.len() as u64;
            attr.blocks = attr.size.div_ceil(512);
        }
    }

    fn finish(self) -> Vec<Node> {
        let mut nodes = self.nodes;
        // The map is sorted by folder and then by name, so each folder's names come out sorted.
        for ((parent, _), (name, index)) in self.names {
            if nodes[index as usize].attr.kind == Kind::Directory {
                nodes[parent as usize].attr.links += 1;
            }
            nodes[parent as usize].names.push((name, index));
        }
        nodes
    }
}
