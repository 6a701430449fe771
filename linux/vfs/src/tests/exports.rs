//! Exported folders over the wire: nothing above them, no change of read-only ones, no stale names behind the others.

use super::world::*;
use crate::*;
use alloc::vec::Vec;
use sundog_protocols::file::client::AREA_SIZE;
use sundog_protocols::file::wire::{DataArea, Message};
use sundog_protocols::file::{
    Client, FileError, FileServer, Handle, OpenFlags, Owner, RenameFlags, Session, SetAttr,
    Transport,
};

/// The other end of an export, in the same process.
struct Loop<'a> {
    files: Exported<'a>,
    session: Session,
    area: Vec<u8>,
}

impl Transport for Loop<'_> {
    fn call(&mut self, request: &Message) -> Option<Message> {
        let answer = self
            .session
            .serve(&mut self.files, request.words(), &mut self.area);
        Some(answer)
    }
    fn area(&mut self) -> &mut dyn DataArea {
        &mut self.area
    }
}

fn client<'a>(world: &'a mut World, export: &Export) -> Client<Loop<'a>> {
    let numbers = alloc::boxed::Box::leak(alloc::boxed::Box::new(world.vfs.numbers()));
    Client::new(Loop {
        files: world.vfs.exported(export, numbers).unwrap(),
        session: Session::new(b"", 64),
        area: alloc::vec![0; AREA_SIZE as usize],
    })
}

fn world() -> World {
    let mut world = World::new();
    world.mkdir("/inside").unwrap();
    world.mkdir("/inside/below").unwrap();
    world.write_file("/inside/file", "text");
    world.write_file("/outside", "secret");
    world
}

fn export(world: &mut World, path: &str, read_only: bool) -> Result<Export, Errno> {
    let parts = world.run(|vfs, cx| vfs.export(cx, path.as_bytes(), read_only, false))?;
    match parts[0].what {
        Bound::Tree(export) => Ok(export),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

#[test]
fn a_read_only_export_is_read_and_not_changed() {
    let mut world = world();
    let export = export(&mut world, "/inside", true).unwrap();
    let mut files = client(&mut world, &export);
    let root = files.attach(b"").unwrap().handle;
    let file = files.walk(root, b"file").unwrap().handle;
    let open = files.open(file, OpenFlags::READ).unwrap();
    let mut text = [0; 8];
    assert_eq!(files.read(open, 0, &mut text), Ok(4));
    assert_eq!(&text[..4], b"text");
    let (no, owner) = (Err(FileError::EROFS), Owner::default());
    let write = OpenFlags::READ.with(OpenFlags::WRITE);
    assert_eq!(files.open(file, write).map(drop), no);
    assert_eq!(files.create(root, b"x", write, 0o644, owner).map(drop), no);
    assert_eq!(files.write(open, 0, b"x").map(drop), no);
    assert_eq!(files.setattr(file, &SetAttr::default()), no);
    assert_eq!(files.symlink(root, b"x", b"/", owner).map(drop), no);
    assert_eq!(files.mkdir(root, b"x", 0o755, owner).map(drop), no);
    assert_eq!(files.link(file, root, b"x"), no);
    assert_eq!(files.unlink(root, b"file", false), no);
    let flags = RenameFlags::default();
    assert_eq!(files.rename(root, b"file", root, b"x", flags), no);
}

#[test]
fn nothing_above_the_folder_is_reached() {
    let mut world = world();
    let export = export(&mut world, "/inside", false).unwrap();
    let mut files = client(&mut world, &export);
    let root = files.attach(b"").unwrap().handle;
    for name in [
        &b".."[..],
        b".",
        b"",
        b"/",
        b"../outside",
        b"below/../..",
        b"/outside",
    ] {
        assert!(files.walk(root, name).is_err(), "{name:?}");
    }
    assert_eq!(
        files.walk(root, b"outside").map(drop),
        Err(FileError::ENOENT)
    );
    assert!(files.attach(b"outside").is_err());
    // Handles of the server that this client was not given.
    for number in 1..2000 {
        assert_eq!(
            files.getattr(Handle(number)).map(drop),
            Err(FileError::EBADF)
        );
    }
}

#[test]
fn what_the_other_side_changes_is_seen_here() {
    let mut world = world();
    assert_eq!(world.read_file("/inside/file").unwrap(), b"text");
    let export = export(&mut world, "/inside", false).unwrap();
    let mut files = client(&mut world, &export);
    let root = files.attach(b"").unwrap().handle;
    files.unlink(root, b"file", false).unwrap();
    let write = OpenFlags::READ.with(OpenFlags::WRITE);
    let made = files.create(root, b"new", write, 0o644, Owner::default());
    files.write(made.unwrap().open, 0, b"made").unwrap();
    assert_eq!(errno(world.read_file("/inside/file")), Errno::ENOENT);
    assert_eq!(world.read_file("/inside/new").unwrap(), b"made");
    world.vfs.end_export(&export);
}

#[test]
fn what_is_not_there_or_of_proc_is_not_bound() {
    let mut world = world();
    for (path, error) in [
        ("/missing", Errno::ENOENT),
        ("/proc/self", Errno::EOPNOTSUPP),
        ("/proc/mounts", Errno::EOPNOTSUPP),
    ] {
        assert_eq!(
            export(&mut world, path, true).map(drop),
            Err(error),
            "{path}"
        );
    }
}

/// The parts of what is bound, as text: the path, and what is there.
fn parts(world: &mut World, path: &str, devices: bool) -> Vec<alloc::string::String> {
    let parts = world.run(|vfs, cx| vfs.export(cx, path.as_bytes(), false, devices));
    let parts = parts.unwrap();
    let texts = parts.iter().map(|part| {
        let what = match part.what {
            Bound::Tree(export) if export.is_read_only() => "read",
            Bound::Tree(_) => "tree",
            Bound::Proc => "proc",
            Bound::Devices => "devices",
        };
        alloc::format!("{} {what}", core::str::from_utf8(&part.path).unwrap())
    });
    let texts = texts.collect();
    world.vfs.end_parts(parts);
    texts
}

#[test]
fn what_is_mounted_below_is_bound_along_unless_it_is_covered() {
    let mut world = world();
    let read_only = MountFlags {
        read_only: true,
        ..MountFlags::default()
    };
    let plain = MountFlags::default();
    let mut mount = |path: &str, flags| {
        world
            .vfs
            .mount(path.as_bytes(), tmpfs(), flags, b"t", b"tmpfs")
            .unwrap();
    };
    mount("/inside/below", plain);
    mount("/inside/below/deep/er", read_only);
    mount("/inside/hidden/x", plain);
    mount("/inside/hidden", plain);
    mount("/other", plain);
    assert_eq!(
        parts(&mut world, "/inside", false),
        [" tree", "below tree", "below/deep/er read", "hidden tree"]
    );
    assert_eq!(parts(&mut world, "/inside/file", false), [" tree"]);
    let all = parts(&mut world, "/", false);
    assert!(all.contains(&"proc proc".into()), "{all:?}");
    assert!(all.contains(&"dev devices".into()), "{all:?}");
    assert!(!all.iter().any(|part| part.starts_with("dev/")), "{all:?}");
    let all = parts(&mut world, "/", true);
    assert!(all.contains(&"dev tree".into()), "{all:?}");
    assert_eq!(parts(&mut world, "/proc", false), [" proc"]);
}

#[test]
fn a_file_is_a_tree_of_its_own() {
    let mut world = world();
    let export = export(&mut world, "/inside/file", true).unwrap();
    let mut files = client(&mut world, &export);
    let root = files.attach(b"").unwrap();
    assert_eq!(root.attr.kind, sundog_protocols::file::Kind::Regular);
    let open = files.open(root.handle, OpenFlags::READ).unwrap();
    let mut text = [0; 8];
    assert_eq!(files.read(open, 0, &mut text), Ok(4));
    let write = OpenFlags::READ.with(OpenFlags::WRITE);
    assert_eq!(
        files.open(root.handle, write).map(drop),
        Err(FileError::EROFS)
    );
    assert!(files.walk(root.handle, b"..").is_err());
}

/// What a client of an export finds out about numbers and sizes, in a tree that has more beside it or not.
fn seen(more: bool, read_only: bool) -> alloc::string::String {
    let mut world = World::new();
    if more {
        (0..50).for_each(|number| world.write_file(&alloc::format!("/other{number}"), "x"));
    }
    world.mkdir("/inside").unwrap();
    for name in ["b", "a", "c"] {
        if more {
            world.write_file(&alloc::format!("/between-{name}"), "x");
        }
        world.write_file(&alloc::format!("/inside/{name}"), "text");
    }
    let export = export(&mut world, "/inside", read_only).unwrap();
    let mut files = client(&mut world, &export);
    let root = files.attach(b"").unwrap();
    let mut seen = alloc::format!("{}", root.attr.id);
    let file = files.walk(root.handle, b"c").unwrap();
    seen += &alloc::format!(" {}", file.attr.id);
    seen += &alloc::format!(" {}", files.getattr(file.handle).unwrap().id);
    let open = files.open(root.handle, OpenFlags::READ).unwrap();
    let listed = files.readdir(open, 0, &mut |entry| {
        seen += &alloc::format!(" {:?} {}", entry.name, entry.id);
        true
    });
    listed.unwrap();
    if read_only {
        seen += &alloc::format!(" {:?}", files.statfs(root.handle));
    } else {
        let owner = Owner::default();
        let made = files.mkdir(root.handle, b"new", 0o755, owner).unwrap();
        seen += &alloc::format!(" {}", made.attr.id);
    }
    seen
}

#[test]
fn what_lies_beside_a_part_cannot_be_told_from_its_numbers() {
    for read_only in [false, true] {
        let alone = seen(false, read_only);
        assert!(alone.starts_with("1 2 2 "), "{alone}");
        assert_eq!(alone, seen(true, read_only));
    }
}
