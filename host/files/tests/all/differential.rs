//! The same random operations through the server and directly on a second folder with the host's kernel: results and errors are the same.
use crate::hostile::Dice;
use crate::world::*;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, FileType, Mode, OFlags, RawDir, RenameFlags as HostRename,
    SeekFrom, StatxFlags, Timespec, Timestamps, chmodat, fallocate, fcntl_setfl, ftruncate, linkat,
    mkdirat, mknodat, openat, readlinkat, renameat_with, seek, statx, symlinkat, unlinkat,
    utimensat,
};
use rustix::io::{Errno, pread, pwrite};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use sundog_protocols::file::{
    Allocate, FileError, FileServer, Handle, Kind, OpenFlags, RenameFlags, SetAttr, SetTime, Time,
};

const STEPS: usize = 12_000;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "\u{fe}"];
/// Bits that no usual mask of modes takes away.
const MODES: [u32; 8] = [0o700, 0o700, 0o700, 0o600, 0o500, 0o400, 0o300, 0o000];

/// The same thing on both sides.
struct Pair {
    ours: Handle,
    host: OwnedFd,
    open: bool,
    kind: Kind,
}

fn told(result: Result<String, FileError>) -> String {
    result.unwrap_or_else(|error| format!("{error:?}"))
}

fn host(result: Result<String, Errno>) -> String {
    let numbered = |error: Errno| FileError::from_number(error.raw_os_error() as u64);
    told(result.map_err(numbered))
}

fn done<T, E>(result: Result<T, E>) -> Result<String, E> {
    result.map(|_| "done".to_owned())
}

fn magic(descriptor: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

/// What both must say of a node.
fn host_attr(node: &OwnedFd) -> Result<(String, Kind), Errno> {
    let found = statx(node, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    let kind = Kind::from_mode(found.stx_mode.into()).unwrap();
    let size = if kind == Kind::Directory {
        0
    } else {
        found.stx_size
    };
    let (mode, links) = (found.stx_mode & 0o7777, found.stx_nlink);
    Ok((format!("{kind:?} {mode:o} {links} {size}"), kind))
}

fn our_attr(attr: &sundog_protocols::file::Attr) -> String {
    let size = if attr.kind == Kind::Directory {
        0
    } else {
        attr.size
    };
    format!("{:?} {:o} {} {size}", attr.kind, attr.mode, attr.links)
}

fn reopen(pair: &Pair, flags: OpenFlags) -> Result<OwnedFd, Errno> {
    let mode = match (flags.has(READ), flags.has(WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    let more = [
        (OpenFlags::TRUNCATE, OFlags::TRUNC),
        (OpenFlags::APPEND, OFlags::APPEND),
    ];
    let more = more.into_iter().filter(|(ours, _)| flags.has(*ours));
    let flags = more.fold(mode | OFlags::CLOEXEC, |all, (_, host)| all | host);
    openat(CWD, magic(&pair.host), flags, Mode::empty())
}

struct World {
    tree: Tree,
    pairs: Vec<Pair>,
    dice: Dice,
}

impl World {
    fn keep(&mut self, ours: Handle, host: OwnedFd, open: bool, kind: Kind) {
        self.pairs.push(Pair {
            ours,
            host,
            open,
            kind,
        });
    }

    /// Takes what both sides gave, or says what they said.
    fn both(
        &mut self,
        ours: Result<(Handle, String), FileError>,
        theirs: Result<OwnedFd, Errno>,
        open: bool,
    ) -> (String, String) {
        match (ours, theirs) {
            (Ok((ours, words)), Ok(theirs)) => {
                let (host_words, kind) = host_attr(&theirs).unwrap();
                self.keep(ours, theirs, open, kind);
                (words, host_words)
            }
            (ours, theirs) => (told(done(ours)), host(done(theirs))),
        }
    }

    fn step(&mut self) -> (String, String, String) {
        let count = self.pairs.len();
        let (at, to) = (self.dice.roll(count), self.dice.roll(count));
        let (name, new) = (self.dice.pick(&NAMES), self.dice.pick(&NAMES));
        let mode = self.dice.pick(&MODES);
        let operation = self.dice.roll(20);
        let what = format!("operation {operation} on {at} {name} {to} {new} {mode:o}");
        let (ours, theirs) = match operation {
            0..=9 => self.named(operation, at, to, name, new, mode),
            _ => self.on_node(operation, at, mode),
        };
        (what, ours, theirs)
    }

    /// Operations on a name in a folder.
    fn named(
        &mut self,
        operation: usize,
        at: usize,
        to: usize,
        name: &str,
        new: &str,
        mode: u32,
    ) -> (String, String) {
        let (bytes, other) = (name.as_bytes(), new.as_bytes());
        let (pair, target) = (&self.pairs[at], &self.pairs[to]);
        let (folder, dir) = (&pair.host, pair.ours);
        let bits = Mode::from_raw_mode(mode);
        let node = |node: sundog_protocols::file::Node| (node.handle, our_attr(&node.attr));
        let path = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let there = || openat(folder, name, path, Mode::empty());
        match operation {
            0 | 1 => {
                let theirs = there();
                let ours = self.tree.walk(dir, bytes).map(node);
                self.both(ours, theirs, false)
            }
            2 => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
                let theirs = openat(folder, name, flags, bits);
                let append = self.dice.roll(4) == 0;
                if let (true, Ok(file)) = (append, &theirs) {
                    fcntl_setfl(file, OFlags::APPEND).unwrap();
                }
                let flags = if append {
                    BOTH.with(OpenFlags::APPEND)
                } else {
                    BOTH
                };
                let ours = self.tree.create(dir, bytes, flags, mode, OWNER);
                let ours = ours.map(|made| {
                    self.tree.clunk(made.node.handle);
                    (made.open, our_attr(&made.node.attr))
                });
                self.both(ours, theirs, true)
            }
            3 => {
                let theirs = mkdirat(folder, name, bits).and_then(|()| there());
                let ours = self.tree.mkdir(dir, bytes, mode, OWNER).map(node);
                self.both(ours, theirs, false)
            }
            4 => {
                let text = if self.dice.roll(9) == 0 { "" } else { new };
                let theirs = symlinkat(text, folder, name).and_then(|()| there());
                let ours = self.tree.symlink(dir, bytes, text.as_bytes(), OWNER);
                self.both(ours.map(node), theirs, false)
            }
            5 => {
                let theirs = mknodat(folder, name, FileType::Fifo, bits, 0).and_then(|()| there());
                let ours = self.tree.mknod(dir, bytes, Kind::Fifo, mode, 0, OWNER);
                self.both(ours.map(node), theirs, false)
            }
            // Links to folders fail in any case; which of several reasons is told first differs.
            6 if target.kind == Kind::Directory => {
                let ours = self.tree.link(target.ours, dir, bytes);
                (ours.is_err().to_string(), true.to_string())
            }
            6 => {
                let source = magic(&target.host);
                let theirs = linkat(CWD, source, folder, name, AtFlags::SYMLINK_FOLLOW);
                let ours = self.tree.link(target.ours, dir, bytes);
                (told(done(ours)), host(done(theirs)))
            }
            7 => {
                let flags = self.dice.pick(&[AtFlags::empty(), AtFlags::REMOVEDIR]);
                let theirs = unlinkat(folder, name, flags);
                let ours = self.tree.unlink(dir, bytes, flags == AtFlags::REMOVEDIR);
                (told(done(ours)), host(done(theirs)))
            }
            _ => {
                let (plain, how) = self.dice.pick(&[
                    (RenameFlags::default(), HostRename::empty()),
                    (RenameFlags::default(), HostRename::empty()),
                    (RenameFlags::NO_REPLACE, HostRename::NOREPLACE),
                    (RenameFlags::EXCHANGE, HostRename::EXCHANGE),
                ]);
                let theirs = renameat_with(folder, name, &target.host, new, how);
                let ours = self.tree.rename(dir, bytes, target.ours, other, plain);
                (told(done(ours)), host(done(theirs)))
            }
        }
    }

    /// Operations on what a handle stands for.
    fn on_node(&mut self, operation: usize, at: usize, mode: u32) -> (String, String) {
        let offset = self.dice.pick(&[0, 0, 5, 1000, 4096, 70_000, u64::MAX]);
        let length = self.dice.pick(&[0, 1, 30, 5000]);
        let pair = &self.pairs[at];
        let (handle, open) = (pair.ours, &pair.host);
        match operation {
            10 | 11 => {
                let flags = [
                    READ,
                    WRITE,
                    BOTH,
                    WRITE.with(OpenFlags::TRUNCATE),
                    BOTH.with(OpenFlags::APPEND),
                ];
                let flags = self.dice.pick(&flags);
                let theirs = match pair.kind {
                    Kind::Regular | Kind::Directory => reopen(pair, flags),
                    _ => Err(Errno::OPNOTSUPP),
                };
                let ours = self.tree.open(handle, flags);
                let ours = ours.map(|open| (open, our_attr(&self.tree.getattr(open).unwrap())));
                self.both(ours, theirs, true)
            }
            12 => {
                let (mut one, mut two) = (vec![0; length], vec![0; length]);
                let theirs =
                    pread(open, &mut two, offset).map(|count| format!("{:?}", &two[..count]));
                let ours = self.tree.read(handle, offset, &mut one);
                let ours = ours.map(|count| format!("{:?}", &one[..count]));
                (told(ours), host(theirs))
            }
            13 | 14 => {
                let data = vec![self.dice.roll(256) as u8; length];
                let theirs = pwrite(open, &data, offset).map(|count| count.to_string());
                let ours = self.tree.write(handle, offset, &data);
                (told(ours.map(|count| count.to_string())), host(theirs))
            }
            15 => {
                let theirs = host_attr(open).map(|(words, _)| words);
                let ours = self.tree.getattr(handle).map(|attr| our_attr(&attr));
                (told(ours), host(theirs))
            }
            16 => self.set(at, mode, offset),
            17 => {
                let listing = pair.open && pair.kind == Kind::Directory;
                let theirs = if listing {
                    list(open)
                } else {
                    Ok(String::new())
                };
                let mut names = Vec::new();
                let ours = self.tree.readdir(handle, 0, &mut |entry| {
                    names.push(format!("{:?} {:?}", entry.kind, entry.name));
                    true
                });
                names.sort();
                let expected = match (pair.kind, pair.open) {
                    (Kind::Directory, true) => host(theirs),
                    (Kind::Directory, false) => told(Err(FileError::EBADF)),
                    _ => told(Err(FileError::ENOTDIR)),
                };
                (told(ours.map(|()| names.join(" "))), expected)
            }
            18 => {
                let theirs = match pair.kind {
                    Kind::Symlink => {
                        readlinkat(open, "", Vec::new()).map(|text| format!("{text:?}"))
                    }
                    _ => Err(Errno::INVAL),
                };
                let ours = self.tree.readlink(handle);
                let ours = ours.map(|text| format!("{:?}", std::ffi::CString::new(text).unwrap()));
                (told(ours), host(theirs))
            }
            _ => self.storage(at, offset, length as u64),
        }
    }

    fn set(&mut self, at: usize, mode: u32, size: u64) -> (String, String) {
        let size = size.min(1 << 20);
        let pair = &self.pairs[at];
        let (handle, path) = (pair.ours, magic(&pair.host));
        let mut set = SetAttr::default();
        let theirs = match self.dice.roll(3) {
            0 => {
                set.mode = Some(mode);
                chmodat(CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
            }
            1 => {
                let time = |seconds, nanos| Time { seconds, nanos };
                set.modified = Some(SetTime::At(time(mode.into(), 5)));
                set.accessed = Some(SetTime::At(time(7, 999_999_999)));
                let host = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
                let times = Timestamps {
                    last_access: host(7, 999_999_999),
                    last_modification: host(mode.into(), 5),
                };
                utimensat(CWD, path, &times, AtFlags::empty())
            }
            _ => {
                set.size = Some(size);
                match pair.kind {
                    Kind::Regular => ftruncate(&pair.host, size)
                        .or_else(|_| ftruncate(reopen(pair, WRITE)?, size)),
                    Kind::Directory => Err(Errno::ISDIR),
                    _ => Err(Errno::INVAL),
                }
            }
        };
        let ours = self.tree.setattr(handle, &set);
        (told(done(ours)), host(done(theirs)))
    }

    fn storage(&mut self, at: usize, offset: u64, length: u64) -> (String, String) {
        let pair = &self.pairs[at];
        let (handle, open) = (pair.ours, &pair.host);
        if pair.kind != Kind::Regular {
            return Default::default();
        }
        let hole = self.dice.roll(2) == 0;
        if self.dice.roll(2) == 0 {
            let place = if hole {
                SeekFrom::Hole(offset)
            } else {
                SeekFrom::Data(offset)
            };
            let theirs = match seek(open, place) {
                // The host has no offsets beyond 2^63; the protocol has, and nothing is there.
                Err(Errno::INVAL) if offset == u64::MAX => Err(Errno::NXIO),
                other => other,
            };
            let ours = self.tree.seek(handle, offset, hole);
            return (
                told(ours.map(|place| place.to_string())),
                host(theirs.map(|place| place.to_string())),
            );
        }
        let (how, mode) = self.dice.pick(&[
            (Allocate::Extend, FallocateFlags::empty()),
            (Allocate::KeepSize, FallocateFlags::KEEP_SIZE),
            (
                Allocate::PunchHole,
                FallocateFlags::PUNCH_HOLE.union(FallocateFlags::KEEP_SIZE),
            ),
            (Allocate::ZeroRange, FallocateFlags::ZERO_RANGE),
        ]);
        let theirs = fallocate(open, mode, offset, length);
        let ours = self.tree.allocate(handle, how, offset, length);
        (told(done(ours)), host(done(theirs)))
    }
}

fn list(folder: &OwnedFd) -> Result<String, Errno> {
    seek(folder, SeekFrom::Start(0))?;
    let mut buffer = vec![MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let kind = Kind::from_mode(entry.file_type().as_raw_mode()).unwrap();
            names.push(format!("{kind:?} {name:?}"));
        }
    }
    names.sort();
    Ok(names.join(" "))
}

/// Everything beneath a folder, as text; what may not be looked at is made so.
fn whole(path: &Path, into: &mut Vec<String>) {
    let attr = std::fs::symlink_metadata(path).unwrap();
    let name = path.file_name().unwrap().to_owned();
    let size = if attr.is_dir() { 0 } else { attr.size() };
    into.push(format!(
        "{name:?} {:o} {} {size}",
        attr.mode(),
        attr.nlink()
    ));
    let open = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    if attr.is_dir() {
        std::fs::set_permissions(path, open(0o700)).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        names.iter().for_each(|path| whole(path, into));
    } else if attr.is_symlink() {
        into.push(format!("{:?}", std::fs::read_link(path).unwrap()));
    } else if attr.is_file() {
        std::fs::set_permissions(path, open(0o600)).unwrap();
        into.push(format!("{:?}", std::fs::read(path).unwrap()));
        std::fs::set_permissions(path, open(attr.mode())).unwrap();
    }
}

#[test]
fn a_bound_folder_does_what_the_host_does() {
    // As the server, which has none: the superuser's would let it pass all permissions. Those of this thread only.
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).unwrap();
    // Other runs by the environment's `SEED`.
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let first: u64 = seed.unwrap_or(1);
    let parents = [std::env::temp_dir(), "/dev/shm".into()];
    for (seed, parent) in (first..).zip(&parents) {
        let (bound, direct) = (Folder::beneath(parent), Folder::beneath(parent));
        std::fs::create_dir(bound.path("tree")).unwrap();
        std::fs::create_dir(direct.path("tree")).unwrap();
        let machine = Machine::new(&[bind(&bound.path("tree"), true)]);
        let mut world = World {
            tree: machine.tree(0),
            pairs: Vec::new(),
            dice: Dice(seed),
        };
        let root = world.tree.attach(b"").unwrap().handle;
        world.keep(
            root,
            bind(&direct.path("tree"), true).root,
            false,
            Kind::Directory,
        );
        let mut worked = 0;
        for step in 0..STEPS {
            let (what, ours, theirs) = world.step();
            assert_eq!(ours, theirs, "seed {seed} step {step}: {what}");
            let failed = ours.starts_with('E') || ours.starts_with("error");
            worked += usize::from(!failed);
            if world.pairs.len() > 40 {
                let gone = 1 + world.dice.roll(world.pairs.len() - 1);
                let gone = world.pairs.swap_remove(gone);
                world.tree.clunk(gone.ours);
            }
        }
        assert!(worked > STEPS / 5, "{worked}");
        let (mut one, mut two) = (Vec::new(), Vec::new());
        whole(&bound.path("tree"), &mut one);
        whole(&direct.path("tree"), &mut two);
        assert_eq!(one, two);
    }
}
